//! The work list: streams are searched and settled, regions opened, entries read, until nothing is left.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::content::{self, Content};
use super::drain::{Drained, drain};
use super::gaps::{self, GapKind};
use super::inventory::{Decoded, Found, Gap, ImageId, Inventory, Older, Region, State, Told};
use super::ledger::{self, Coverage};
use super::search::{self, Hit};
use super::settle::{self, Claim};
use crate::budget::Budget;
use crate::digest::Digest;
use crate::entry::{Entry, EntryPath, File, Meta, Node, Superseded};
use crate::facts::FileType;
use crate::formats::{self, Opened, Part, PartBytes, Span, Tree};
use crate::image::{Image, Source, map};
use crate::place::Place;
use crate::problem::{Problem, ProblemKind};
use crate::read::{clip, index, length};

/// Fill inside a region is listed as a gap from so many bytes on; less is only counted.
const LISTED_FILL: u64 = 4096;

/// Everything that is in an image, as far as the budget reaches.
pub fn unpack(image: &Image, budget: &Budget) -> Inventory {
    let mut unpacker = Unpacker {
        budget,
        found: Inventory {
            image: ImageId {
                name: image.name.clone(),
                size: 0,
                sha256: None,
            },
            regions: Vec::new(),
            gaps: Vec::new(),
            entries: Vec::new(),
            history: Vec::new(),
            problems: Vec::new(),
            coverage: Coverage::default(),
        },
        ledgers: vec![Coverage::default()],
        decoded: BTreeMap::new(),
        work: VecDeque::new(),
    };
    match &image.source {
        Source::Bytes(bytes) => unpacker.start_bytes(bytes),
        Source::Root(tree, problems) => unpacker.start_root(tree, problems),
    }
    while let Some(work) = unpacker.work.pop_front() {
        unpacker.explore_stream(&work);
    }
    unpacker.finish()
}

/// The account that a byte is entered in, as an index; `None` where the bytes are counted elsewhere already.
type Ledger = Option<usize>;

/// A stream that waits to be explored.
struct Work {
    bytes: Bytes,
    /// Where regions may start.
    hits: Vec<Hit>,
    home: Home,
    /// Whether the whole stream is the payload of its parent, and so an entry when no region is in it.
    payload: Option<Digest>,
}

/// Where the bytes of a stream hang in what was found.
#[derive(Clone)]
struct Home {
    place: Place,
    parent: Option<usize>,
    within: Option<usize>,
    depth: usize,
    ledger: Ledger,
    /// The offset in the stream that `at` counts from.
    at_origin: u64,
    /// The offset in the stream that places count from.
    place_origin: u64,
    /// The claim that these bytes are a gap of: it is not tried on them again.
    except: Option<(u64, &'static str)>,
}

struct Unpacker<'a> {
    budget: &'a Budget,
    found: Inventory,
    /// Account 0 is the image's own.
    ledgers: Vec<Coverage>,
    /// Which account holds what a region decoded to, and the digest of it.
    decoded: BTreeMap<usize, (usize, Option<Digest>)>,
    work: VecDeque<Work>,
}

impl Unpacker<'_> {
    fn start_bytes(&mut self, bytes: &Bytes) {
        self.found.image.size = length(bytes);
        let home = Home {
            place: Place::image(),
            parent: None,
            within: None,
            depth: 0,
            ledger: Some(0),
            at_origin: 0,
            place_origin: 0,
            except: None,
        };
        let (sha256, hits) = self.hash_and_search(bytes, &home);
        self.found.image.sha256 = Some(sha256);
        self.work.push_back(Work {
            bytes: bytes.clone(),
            hits,
            home,
            payload: None,
        });
    }

    fn start_root(&mut self, tree: &Tree, problems: &[Problem]) {
        let place = Place::image();
        self.tell(&place, problems.to_vec());
        let sizes = tree.entries.iter().map(|entry| match &entry.node {
            Node::File(file) => file.size,
            _ => 0,
        });
        let size = sizes.fold(0, u64::saturating_add);
        self.found.image.size = size;
        self.count(Some(0), formats::Role::Content, size);
        self.take_tree(tree.entries.clone(), None, &place, u64::MAX, 0);
    }

    /// Digest and magics of a stream, each on a thread of its own.
    fn hash_and_search(&mut self, bytes: &Bytes, home: &Home) -> (Digest, Vec<Hit>) {
        let (sha256, (mut hits, too_many)) = rayon::join(|| hash(bytes), || search::search(bytes));
        if too_many {
            let problem = Problem::limit("too many magic numbers; the rest was not looked at");
            self.tell(&home.place, vec![problem]);
        }
        let head = clip(bytes, 0, 64 << 10);
        hits.extend(search::at_start(&head));
        hits.sort_unstable();
        hits.dedup();
        (sha256, hits)
    }

    fn explore_stream(&mut self, work: &Work) {
        let (regions, gaps) = (self.found.regions.len(), self.found.gaps.len());
        self.explore(&work.bytes, 0..length(&work.bytes), &work.hits, &work.home);
        if regions == self.found.regions.len()
            && let Some(sha256) = work.payload
        {
            self.add_payload(&work.bytes, sha256, gaps, &work.home);
        }
    }

    /// A payload without regions is one file; when its type is known, its bytes are content and no gap.
    fn add_payload(&mut self, bytes: &Bytes, sha256: Digest, gaps: usize, home: &Home) {
        let head = clip(bytes, 0, 64 << 10);
        if FileType::identify(&head, length(bytes)).is_known() {
            self.found.gaps.truncate(gaps);
            let ledger = home.ledger.and_then(|ledger| self.ledgers.get_mut(ledger));
            if let Some(ledger) = ledger {
                *ledger = Coverage::default();
            }
            self.count(home.ledger, formats::Role::Content, length(bytes));
        }
        let entry = Entry {
            path: EntryPath::root(),
            node: Node::File(File::stored(bytes.clone())),
            meta: Meta::default(),
        };
        self.found.entries.push(Found {
            place: home.place.path(&entry.path),
            region: home.parent,
            entry,
            ordinal: 0,
            sha256: Some(sha256),
        });
    }

    /// Finds the regions of a range of a stream and accounts for each of its bytes.
    fn explore(&mut self, stream: &Bytes, range: Range<u64>, hits: &[Hit], home: &Home) {
        if home.depth > self.budget.limits().depth {
            let detail = format!(
                "nested more than {} deep; raise --max-depth to read on",
                self.budget.limits().depth
            );
            self.tell(&home.place, vec![Problem::limit(detail)]);
            return self.add_gap(stream, range, home, true);
        }
        let from = hits.partition_point(|hit| hit.at < range.start);
        let to = hits.partition_point(|hit| hit.at < range.end);
        let excepted = |hit: &&Hit| {
            let id = hit.format().map(|format| format.doc().id);
            home.except
                .is_none_or(|(at, format)| (hit.at, id) != (at, Some(format)))
        };
        let own: Vec<Hit> = hits
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .filter(excepted)
            .copied()
            .collect();
        let settled = settle::settle(stream, range.clone(), &own, self.budget);
        for problem in settled.problems {
            let at = problem.at.unwrap_or_default();
            let place = home.place.offset(at.saturating_sub(home.place_origin));
            self.tell(
                &place,
                vec![Problem {
                    at: None,
                    ..problem
                }],
            );
        }
        let mut taken = Vec::new();
        for claim in settled.claims {
            taken.push(claim.at..claim.at.saturating_add(claim.len));
            self.take(stream, claim, hits, home);
        }
        for gap in ledger::complement(&taken, range) {
            self.add_gap(stream, gap, home, true);
        }
    }

    /// Opens one region and accounts for its bytes.
    fn take(&mut self, stream: &Bytes, claim: Claim, hits: &[Hit], home: &Home) {
        let bytes = clip(stream, claim.at, claim.len);
        let doc = claim.format.doc();
        let region = self.found.regions.len();
        let place = home
            .place
            .region(doc.id, claim.at.saturating_sub(home.place_origin));
        self.found.regions.push(Region {
            place: place.clone(),
            format: doc,
            at: claim.at.saturating_sub(home.at_origin),
            len: claim.len,
            parent: home.parent,
            within: home.within,
            state: State::Read,
            proof: claim.proof,
            decoded: None,
            bytes: bytes.clone(),
        });
        let inner = Home {
            place,
            parent: Some(region),
            within: None,
            depth: home.depth.saturating_add(1),
            ledger: home.ledger,
            at_origin: claim.at,
            place_origin: claim.at,
            except: Some((claim.at, doc.id)),
        };
        if claim.missing > 0 {
            let detail = format!("cut off: {} more bytes should follow", claim.missing);
            self.tell_region(region, vec![Problem::corrupt(detail)]);
        }
        let mut parts = Vec::new();
        let spans = if let Some(drained) = claim.drained {
            self.take_drained(drained, &inner)
        } else {
            let opened = claim.format.open(bytes, self.budget);
            self.take_opened(opened, claim.len, stream, hits, &inner, &mut parts)
        };
        self.account(stream, claim.len, &spans, parts, hits, &inner);
    }

    /// Takes what a format opened; returns the spans, and in `parts` the ranges that other regions own.
    fn take_opened(
        &mut self,
        opened: Opened,
        len: u64,
        stream: &Bytes,
        hits: &[Hit],
        inner: &Home,
        parts: &mut Vec<Range<u64>>,
    ) -> Vec<Span> {
        let region = inner.parent.unwrap_or_default();
        self.tell_region(region, opened.problems);
        match opened.content {
            formats::Content::Unread => {
                self.worsen(region, State::Unread);
            }
            formats::Content::Stream(decoder) => {
                let drained = drain(decoder, len, self.budget);
                let mut spans = self.take_drained(drained, inner);
                spans.extend(opened.spans);
                return spans;
            }
            formats::Content::Layout(layout) => {
                self.take_layout(layout, len, stream, hits, inner, parts);
            }
            formats::Content::Tree(tree) => {
                self.take_history(&tree.history, region, &inner.place);
                self.take_tree(tree.entries, Some(region), &inner.place, len, inner.depth);
            }
        }
        opened.spans
    }

    fn take_drained(&mut self, drained: Drained, inner: &Home) -> Vec<Span> {
        let region = inner.parent.unwrap_or_default();
        self.tell_region(region, drained.ending.problems);
        self.take_decoded(drained.bytes, inner, true);
        drained.ending.spans
    }

    /// Queues decoded bytes as a stream with an account of their own.
    fn take_decoded(&mut self, bytes: Bytes, inner: &Home, payload: bool) {
        let region = inner.parent.unwrap_or_default();
        let ledger = self
            .decoded
            .get(&region)
            .map_or(self.ledgers.len(), |&(ledger, _)| ledger);
        if ledger == self.ledgers.len() {
            self.ledgers.push(Coverage::default());
        }
        let home = Home {
            ledger: Some(ledger),
            at_origin: 0,
            place_origin: 0,
            except: None,
            ..inner.clone()
        };
        let (sha256, hits) = self.hash_and_search(&bytes, &home);
        self.decoded
            .insert(region, (ledger, payload.then_some(sha256)));
        self.work.push_back(Work {
            bytes,
            hits,
            home,
            payload: payload.then_some(sha256),
        });
    }

    fn take_layout(
        &mut self,
        layout: Vec<Part>,
        len: u64,
        stream: &Bytes,
        hits: &[Hit],
        inner: &Home,
        owned: &mut Vec<Range<u64>>,
    ) {
        let region = inner.parent.unwrap_or_default();
        let (mut ranges, mut decoded) = (Vec::new(), Vec::new());
        for part in layout {
            match part.bytes {
                PartBytes::Range(range) => ranges.push((range, part.name)),
                PartBytes::Decoded(bytes) => decoded.push((bytes, part.name)),
            }
        }
        ranges.sort_by_key(|(range, _)| (range.start, range.end));
        let mut free_from = 0;
        for (range, name) in ranges {
            let range = range.start.min(len)..range.end.min(len);
            if range.is_empty() {
                continue;
            }
            let own = range.start >= free_from;
            if own {
                free_from = range.end;
                owned.push(range.clone());
            } else {
                let detail = format!(
                    "the part {:?} overlaps the one before it",
                    crate::place::escape(&name)
                );
                self.tell_region(
                    region,
                    vec![Problem::new(ProblemKind::Overlap, detail).at(range.start)],
                );
            }
            let start = inner.at_origin.saturating_add(range.start);
            let home = Home {
                place: inner.place.part(&name),
                ledger: inner.ledger.filter(|_| own),
                place_origin: if name.is_empty() {
                    inner.place_origin
                } else {
                    start
                },
                ..inner.clone()
            };
            let end = inner.at_origin.saturating_add(range.end);
            self.explore(stream, start..end, hits, &home);
        }
        for (bytes, name) in decoded {
            let home = Home {
                place: inner.place.part(&name),
                ..inner.clone()
            };
            self.take_decoded(bytes, &home, false);
        }
    }

    /// Enters a region's bytes in the account: what its format explains, what parts own, and the gaps between.
    fn account(
        &mut self,
        stream: &Bytes,
        len: u64,
        spans: &[Span],
        parts: Vec<Range<u64>>,
        hits: &[Hit],
        inner: &Home,
    ) {
        let parts = ledger::merge(parts);
        let painted = ledger::paint(spans, &parts, len);
        let mut taken = parts;
        for (range, role) in painted {
            self.count(inner.ledger, role, range.end.saturating_sub(range.start));
            taken.push(range);
        }
        let shift = |range: &Range<u64>| {
            inner.at_origin.saturating_add(range.start)..inner.at_origin.saturating_add(range.end)
        };
        for gap in ledger::complement(&ledger::merge(taken), 0..len) {
            let gap = shift(&gap);
            let any = hits.partition_point(|hit| hit.at < gap.start)
                < hits.partition_point(|hit| hit.at < gap.end);
            if any {
                self.explore(stream, gap, hits, inner);
            } else {
                self.add_gap(stream, gap, inner, false);
            }
        }
    }

    fn add_gap(&mut self, stream: &Bytes, range: Range<u64>, home: &Home, list_all: bool) {
        let bytes = clip(stream, range.start, range.end.saturating_sub(range.start));
        for (piece, kind) in gaps::classify(&bytes) {
            let len = piece.end.saturating_sub(piece.start);
            map::touched(len);
            if let Some(ledger) = home.ledger.and_then(|ledger| self.ledgers.get_mut(ledger)) {
                ledger.count_gap(kind, len);
            }
            let inside = home.except.is_some() && !list_all;
            if inside && len < LISTED_FILL && matches!(kind, GapKind::Fill { .. }) {
                continue;
            }
            let at = range.start.saturating_add(piece.start);
            self.found.gaps.push(Gap {
                place: home.place.offset(at.saturating_sub(home.place_origin)),
                at: at.saturating_sub(home.at_origin),
                len,
                parent: home.parent,
                within: home.within,
                kind,
                bytes: clip(&bytes, piece.start, len),
            });
        }
    }

    /// Takes the entries of a tree, sorted by path; reads the contents of its files.
    fn take_tree(
        &mut self,
        mut entries: Vec<Entry>,
        region: Option<usize>,
        place: &Place,
        stored: u64,
        depth: usize,
    ) {
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let files: Vec<&File> = entries
            .iter()
            .filter_map(|entry| match &entry.node {
                Node::File(file) => Some(file),
                _ => None,
            })
            .collect();
        let mut contents = content::read_all(&files, stored, self.budget).into_iter();
        let mut before: Option<(EntryPath, u32)> = None;
        for entry in entries {
            let content = matches!(entry.node, Node::File(_))
                .then(|| contents.next())
                .flatten();
            let ordinal = match &before {
                Some((path, ordinal)) if *path == entry.path => ordinal.saturating_add(1),
                _ => 0,
            };
            before = Some((entry.path.clone(), ordinal));
            if ordinal == 1 {
                let problem =
                    Problem::new(ProblemKind::Name, "this path stands here more than once");
                self.tell(&place.path(&entry.path), vec![problem]);
            }
            self.add_entry(entry, ordinal, content.as_deref(), region, place, depth);
        }
    }

    fn add_entry(
        &mut self,
        entry: Entry,
        ordinal: u32,
        content: Option<&Content>,
        region: Option<usize>,
        place: &Place,
        depth: usize,
    ) {
        let place = place.path(&entry.path);
        let within = self.found.entries.len();
        if let Some(problem) = content.and_then(|content| content.problem.clone()) {
            if let Some(region) = region {
                self.worsen(region, State::Partial);
            }
            self.tell(
                &place,
                vec![Problem {
                    path: None,
                    ..problem
                }],
            );
        }
        if let Some((bytes, hits)) = content.and_then(|content| content.inside.clone()) {
            self.work.push_back(Work {
                bytes,
                hits,
                home: Home {
                    place: place.clone(),
                    parent: region,
                    within: Some(within),
                    depth: depth.saturating_add(1),
                    ledger: None,
                    at_origin: 0,
                    place_origin: 0,
                    except: None,
                },
                payload: None,
            });
        }
        self.found.entries.push(Found {
            place,
            region,
            entry,
            ordinal,
            sha256: content.and_then(|content| content.sha256),
        });
    }

    fn take_history(&mut self, history: &[Superseded], region: usize, place: &Place) {
        let files: Vec<&File> = history.iter().map(|older| &older.file).collect();
        let contents = content::read_all(&files, u64::MAX, self.budget);
        for (older, content) in history.iter().zip(contents) {
            self.found.history.push(Older {
                place: place.path(&older.path),
                region: Some(region),
                mtime: older.mtime,
                why: older.why,
                file: older.file.clone(),
                sha256: content.sha256,
            });
        }
    }

    fn count(&mut self, ledger: Ledger, role: formats::Role, len: u64) {
        if let Some(ledger) = ledger.and_then(|ledger| self.ledgers.get_mut(ledger)) {
            ledger.count(role, len);
        }
    }

    fn tell(&mut self, place: &Place, problems: Vec<Problem>) {
        let told = problems
            .into_iter()
            .map(|problem| Told::new(place, problem));
        self.found.problems.extend(told);
    }

    fn tell_region(&mut self, region: usize, problems: Vec<Problem>) {
        if problems.iter().any(|problem| problem.kind.hides_content()) {
            self.worsen(region, State::Partial);
        }
        if let Some(place) = self
            .found
            .regions
            .get(region)
            .map(|region| region.place.clone())
        {
            self.tell(&place, problems);
        }
    }

    fn worsen(&mut self, region: usize, state: State) {
        if let Some(region) = self.found.regions.get_mut(region) {
            region.state = region.state.max(state);
        }
    }

    fn finish(mut self) -> Inventory {
        for (region, (ledger, sha256)) in &self.decoded {
            let coverage = self.ledgers.get(*ledger).copied().unwrap_or_default();
            if let Some(region) = self.found.regions.get_mut(*region) {
                region.decoded = Some(Decoded {
                    sha256: *sha256,
                    coverage,
                });
            }
        }
        self.found.coverage = self.ledgers.first().copied().unwrap_or_default();
        self.found
    }
}

fn hash(bytes: &[u8]) -> Digest {
    let mut hasher = Sha256::new();
    for chunk in bytes.chunks(index(1 << 20)) {
        hasher.update(chunk);
        map::touched(length(chunk));
    }
    Digest(hasher.finalize().into())
}
