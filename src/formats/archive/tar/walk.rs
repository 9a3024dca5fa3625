//! From header to header: where each member stands, and what its extended headers say of it.

use bytes::Bytes;

use crate::formats::Span;
use crate::formats::archive::tar::header::{BLOCK, Block, Dialect, Header, text};
use crate::formats::archive::tar::pax::Pax;
use crate::formats::stored::Ledger;
use crate::problem::Problem;
use crate::read::{clip, length};

/// How far behind a damaged header the next sound one is looked for (16 MiB).
const RESYNC: u64 = 16 << 20;

/// One member: a header, and what precedes and follows it.
pub(super) struct Member<'a> {
    pub(super) header: Header<'a>,
    /// Where its own header stands, in bytes from the archive's start.
    pub(super) at: u64,
    /// Old GNU sparse: the bytes of the blocks that carry the map on.
    pub(super) map: Bytes,
    /// Where its body starts, in bytes from the archive's start.
    pub(super) body_at: u64,
    /// The length of its body in bytes: more than is there when the archive is cut off.
    pub(super) body_len: u64,
    /// GNU long name and long link target.
    pub(super) long_name: Option<Bytes>,
    pub(super) long_link: Option<Bytes>,
    /// What extended headers say, its own before those for all.
    pub(super) pax: Pax,
}

/// A walk over the headers of one archive.
pub(super) struct Walk<'a> {
    archive: &'a Bytes,
    /// The next byte to read; at the end of the walk, the archive's end. Beyond the bytes that are there when
    /// the last body is cut off.
    pub(super) at: u64,
    /// Whether the walk ended with the two zero blocks.
    pub(super) is_ended: bool,
    /// Whether the archive began without a magic: then later headers may lack one too.
    is_v7: bool,
    /// Bodies' bytes are not in it: what they are depends on the entry.
    pub(super) ledger: Ledger,
    pub(super) problems: Vec<Problem>,
    global: Pax,
    /// Whether something damaged was passed over on the way to the last header.
    is_astray: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(archive: &'a Bytes) -> Self {
        let first = Block::read(archive, 0);
        Self {
            archive,
            at: 0,
            is_ended: false,
            is_v7: matches!(first, Block::Header(header) if header.dialect == Dialect::V7),
            ledger: Ledger::default(),
            problems: Vec::new(),
            global: Pax::default(),
            is_astray: false,
        }
    }

    /// Everything that was named and everything that was wrong.
    pub(super) fn into_parts(self) -> (Vec<Span>, Vec<Problem>) {
        (self.ledger.into_spans(), self.problems)
    }

    /// The next member; `None` at the archive's end.
    pub(super) fn next(&mut self) -> Option<Member<'a>> {
        let (mut long_name, mut long_link, mut pax) = (None, None, None);
        loop {
            let header = self.header();
            let is_held = long_name.is_some() || long_link.is_some() || pax.is_some();
            if is_held && (header.is_none() || self.is_astray) {
                self.corrupt("an extended header with no member behind it", self.at);
                (long_name, long_link, pax) = (None, None, None);
            }
            let header = header?;
            let at = self.at;
            match header.kind() {
                b'L' => self.long(&header, &mut long_name),
                b'K' => self.long(&header, &mut long_link),
                b'x' | b'X' => self.extended(&header, &mut pax),
                b'g' => self.global(&header),
                b'V' => {
                    self.skip(&header);
                }
                _ => {
                    let pax = pax.unwrap_or_default().or(&self.global);
                    let mut member = self.member(header, at, pax);
                    (member.long_name, member.long_link) = (long_name, long_link);
                    return Some(member);
                }
            }
        }
    }

    /// The header at the next place where one is; `None` at the archive's end.
    fn header(&mut self) -> Option<Header<'a>> {
        self.is_astray = false;
        loop {
            match Block::read(self.archive, self.at) {
                Block::Header(header) => return Some(header),
                Block::Zero => self.zero_block()?,
                Block::Damaged(why) => self.resync(why)?,
                Block::Missing(left) => {
                    self.corrupt("the archive ends without its two zero blocks", self.at);
                    self.at = self.at.saturating_add(left);
                    return None;
                }
            }
        }
    }

    /// A zero block: the end, when another or nothing follows. One alone between members is passed over.
    fn zero_block(&mut self) -> Option<()> {
        let at = self.at;
        self.ledger.metadata(at, BLOCK);
        self.at = at.saturating_add(BLOCK);
        match Block::read(self.archive, self.at) {
            Block::Zero => {
                self.ledger.metadata(self.at, BLOCK);
                self.at = self.at.saturating_add(BLOCK);
                self.is_ended = true;
                None
            }
            Block::Header(header) if self.fits(&header) => {
                self.corrupt(
                    "a single zero block stands between two members; others stop there",
                    at,
                );
                self.is_astray = true;
                Some(())
            }
            _ => {
                self.corrupt("the archive ends with one zero block and not with two", at);
                None
            }
        }
    }

    /// Goes on at the next sound header; `None` when there is none near.
    fn resync(&mut self, why: &'static str) -> Option<()> {
        let start = self.at;
        self.corrupt(why, start);
        self.is_astray = true;
        let window = start.saturating_add(RESYNC).min(length(self.archive));
        let mut end = None;
        let mut was_zero = false;
        let mut at = start.saturating_add(BLOCK);
        while at < window {
            let block = Block::read(self.archive, at);
            if matches!(block, Block::Header(header) if self.fits(&header)) {
                self.at = at;
                return Some(());
            }
            let is_zero = matches!(block, Block::Zero);
            at = at.saturating_add(BLOCK);
            if is_zero && was_zero {
                end = end.or(Some(at));
            }
            was_zero = is_zero;
        }
        self.at = end.unwrap_or(start);
        None
    }

    fn fits(&self, header: &Header<'_>) -> bool {
        header.is_plausible() && (self.is_v7 || header.dialect != Dialect::V7)
    }

    /// Passes over a header with its body, which is returned as far as it is there.
    fn skip(&mut self, header: &Header<'_>) -> (u64, Bytes) {
        self.name_header(header);
        let body_at = self.at.saturating_add(BLOCK);
        let body = clip(self.archive, body_at, header.size);
        if length(&body) < header.size {
            self.corrupt("the archive ends within an extended header", self.at);
        }
        self.pass(body_at, header.size);
        (body_at, body)
    }

    /// The body of a GNU long name: text up to a NUL.
    fn long(&mut self, header: &Header<'_>, slot: &mut Option<Bytes>) {
        let at = self.at;
        let (body_at, body) = self.skip(header);
        let name = body.slice_ref(text(&body));
        let end = body_at.saturating_add(length(&name));
        self.ledger.metadata(body_at, length(&name));
        self.ledger.padding(self.archive, end..self.at);
        if slot.replace(name).is_some() {
            self.corrupt("two long names for one member; the later one was taken", at);
        }
    }

    fn extended(&mut self, header: &Header<'_>, slot: &mut Option<Pax>) {
        if slot.is_some() {
            self.corrupt(
                "two extended headers for one member; readers differ on them",
                self.at,
            );
        }
        let mut pax = slot.take().unwrap_or_default();
        self.records(header, &mut pax, false);
        *slot = Some(pax);
    }

    fn global(&mut self, header: &Header<'_>) {
        let mut global = std::mem::take(&mut self.global);
        self.records(header, &mut global, true);
        self.global = global;
    }

    fn records(&mut self, header: &Header<'_>, pax: &mut Pax, is_global: bool) {
        let at = self.at;
        let (body_at, body) = self.skip(header);
        let remarks = pax.read(&body, is_global);
        self.ledger
            .metadata_but(body_at, length(&body), remarks.slack);
        let end = body_at.saturating_add(length(&body));
        self.ledger.padding(self.archive, end..self.at);
        if let Some(why) = remarks.broken {
            self.corrupt(why, at);
        }
        for (key, why) in remarks.refused {
            let detail = format!("the extended header's record {key:?}: {why}");
            self.problems.push(Problem::unsupported(detail).at(at));
        }
    }

    fn member(&mut self, header: Header<'a>, at: u64, pax: Pax) -> Member<'a> {
        self.name_header(&header);
        let map_at = at.saturating_add(BLOCK);
        let map = if header.kind() == b'S' && header.is_extended() {
            self.map_blocks(map_at)
        } else {
            Bytes::new()
        };
        let body_at = map_at.saturating_add(length(&map));
        let stated = pax.size.unwrap_or(header.size);
        // A size that does not fit in octal stands as 0 or as all sevens.
        if !matches!(header.size, 0 | 0o77_777_777_777) && stated != header.size {
            let detail = format!(
                "the extended header states a body of {stated} bytes, the header {}; readers differ on it",
                header.size
            );
            self.problems.push(Problem::corrupt(detail).at(at));
        }
        let body_len = if self.has_body(&header, body_at) {
            stated
        } else {
            0
        };
        self.pass(body_at, body_len);
        let body_end = body_at.saturating_add(body_len);
        self.ledger.padding(self.archive, body_end..self.at);
        Member {
            header,
            at,
            map,
            body_at,
            body_len,
            long_name: None,
            long_link: None,
            pax,
        }
    }

    /// Whether the body that a header states is there at all. Links, directories and devices have none, and some
    /// old writers state a size all the same: then the next header stands right behind.
    fn has_body(&self, header: &Header<'_>, body_at: u64) -> bool {
        if !matches!(header.kind(), b'1'..=b'6') {
            return true;
        }
        match Block::read(self.archive, body_at) {
            Block::Header(next) => !self.fits(&next),
            Block::Zero | Block::Missing(_) => false,
            Block::Damaged(_) => true,
        }
    }

    /// The blocks that carry an old GNU sparse map on: each says whether another follows.
    fn map_blocks(&mut self, start: u64) -> Bytes {
        let mut end = start;
        loop {
            let block = clip(self.archive, end, BLOCK);
            end = end.saturating_add(length(&block));
            if block.get(504).is_none_or(|&flag| flag == 0) {
                break;
            }
        }
        let map = clip(self.archive, start, end.saturating_sub(start));
        self.ledger.metadata(start, length(&map));
        map
    }

    fn name_header(&mut self, header: &Header<'_>) {
        self.ledger.metadata_but(self.at, BLOCK, header.slack());
    }

    /// Moves behind a body and its padding.
    fn pass(&mut self, body_at: u64, len: u64) {
        let end = body_at.saturating_add(len);
        self.at = end.checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX);
    }

    fn corrupt(&mut self, detail: &str, at: u64) {
        self.problems.push(Problem::corrupt(detail).at(at));
    }
}
