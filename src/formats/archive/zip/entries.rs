//! From records to entries: both descriptions of each member compared, and every byte that they explain named.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;

use super::empty;
use super::extra::Extras;
use super::member::Member;
use super::records::{
    CENTRAL_LEN, Central, Descriptor, Directory, HAS_DESCRIPTOR, LOCAL_LEN, Local, Stated,
};
use super::walk::Walk;
use crate::budget::Budget;
use crate::entry::{Entry, EntryPath, Node, name_problem};
use crate::formats::stored::Ledger;
use crate::formats::{Properties, Tree};
use crate::problem::{Problem, ProblemKind};
use crate::read::{clip, length};

/// The longest comment that is shown (bytes).
const COMMENT: u64 = 4096;

/// What an archive held.
pub(super) struct Read {
    pub(super) tree: Tree,
    pub(super) ledger: Ledger,
    pub(super) problems: Vec<Problem>,
    pub(super) properties: Properties,
}

/// Reads a whole archive.
pub(super) fn read(region: &Bytes, budget: &Budget) -> Read {
    let mut walk = Walk::new(region);
    let mut passed = BTreeMap::new();
    while let Some(member) = walk.next() {
        passed.insert(member.local.at, member);
    }
    let directory = walk.directory.or_else(|| empty(region));
    let mut reading = Reading {
        region,
        budget,
        out: Read {
            tree: Tree::default(),
            ledger: Ledger::default(),
            problems: Vec::new(),
            properties: Properties::new(),
        },
        bodies: Vec::new(),
        weighed: 0,
        stopped: false,
    };
    if let Some(directory) = directory {
        reading.directory(&directory, &mut passed);
    } else {
        let problem = Problem::corrupt("the archive ends without its directory");
        reading.tell(problem.at(walk.end));
    }
    // What was passed and is not listed; but not what lies in the bytes of a member that is (an archive in an archive).
    let listed = std::mem::take(&mut reading.bodies);
    for member in passed.values() {
        let at = member.local.at;
        let before = listed.partition_point(|body| body.start <= at);
        let body = before.checked_sub(1).and_then(|before| listed.get(before));
        if body.is_none_or(|body| !body.contains(&at)) {
            reading.unlisted(&member.local, member.body_end, directory.is_some());
        }
    }
    reading.out
}

struct Reading<'a> {
    region: &'a Bytes,
    budget: &'a Budget,
    out: Read,
    /// The bytes of the members that the directory lists, ascending.
    bodies: Vec<Range<u64>>,
    /// How many stored bytes all members so far have together.
    weighed: u64,
    stopped: bool,
}

impl<'a> Reading<'a> {
    /// Reads what the directory lists; takes it out of what the walk `passed`.
    fn directory(
        &mut self,
        directory: &Directory,
        passed: &mut BTreeMap<u64, super::walk::Passed<'a>>,
    ) {
        let end = directory.end;
        if end.disk != 0 || end.dir_disk != 0 {
            let detail = format!(
                "file {} of an archive that is split over several",
                end.disk.saturating_add(1)
            );
            self.tell(Problem::unsupported(detail).at(end.first));
        }
        if !end.agrees {
            let detail = "the end of the directory and that of zip64 disagree; the latter is read";
            self.tell(Problem::corrupt(detail).at(end.first));
        }
        let mut count = 0_u64;
        let mut dir_end = directory.at;
        for central in directory.records(self.region) {
            count = count.saturating_add(1);
            dir_end = central.next;
            self.name_central(&central);
            let place = directory.place(central.local);
            let local = place.and_then(|place| Local::parse(self.region, place));
            if let Some(local) = local.as_ref().filter(|_| central.disk == end.disk) {
                passed.remove(&local.at);
                self.listed(&central, local);
            } else {
                let detail = "no local header where the directory says";
                self.entry(
                    &Member::listed(&central, None),
                    Some(Problem::corrupt(detail).at(central.at)),
                );
            }
            if self.stopped {
                return;
            }
        }
        if count != end.count {
            let detail = format!("{} members are stated, {count} are listed", end.count);
            self.tell(Problem::corrupt(detail).at(end.first));
        }
        // What stands between the records and their end is nobody's.
        if dir_end == end.first || count == end.count {
            let head = end.comment_at().saturating_sub(end.first);
            self.out.ledger.metadata(end.first, head);
        }
        self.comment(end.comment_at(), end.comment_len);
        self.overlaps();
    }

    fn listed(&mut self, central: &Central<'a>, local: &Local<'a>) {
        let member = Member::listed(central, Some(local));
        let descriptor_at = local.body_at.saturating_add(central.stated.stored);
        let descriptor = match local.stated.flags & HAS_DESCRIPTOR {
            0 => None,
            _ => Descriptor::parse(self.region, descriptor_at, central.stated.stored),
        };
        self.name_local(local, central.stated.stored, descriptor);
        let problem = disagreement(central, local, descriptor).map(|what| {
            let detail = format!("the local header and the directory disagree: {what}");
            Problem::corrupt(detail).at(local.at)
        });
        self.bodies.push(local.at..descriptor_at);
        if self.entry(&member, problem) {
            self.name_body(local, central.stated.stored);
        }
    }

    fn unlisted(&mut self, local: &Local<'a>, body_end: Option<u64>, is_listed: bool) {
        let mut member = Member::unlisted(local);
        let stored = body_end.map_or(0, |end| end.saturating_sub(local.body_at));
        member.stated.stored = stored;
        let mut descriptor = None;
        if local.stated.flags & HAS_DESCRIPTOR != 0 {
            let at = local.body_at.saturating_add(stored);
            descriptor = Descriptor::parse(self.region, at, stored);
        }
        if let Some(descriptor) = descriptor.filter(|_| local.is_open()) {
            member.stated.crc = descriptor.crc;
            member.stated.size = descriptor.size;
        }
        self.name_local(local, stored, descriptor);
        let problem = if body_end.is_none() {
            Some("nothing tells where this member ends")
        } else {
            is_listed.then_some("the directory does not list this member")
        };
        let problem = problem.map(|detail| Problem::corrupt(detail).at(local.at));
        if self.entry(&member, problem) {
            self.name_body(local, stored);
        }
    }

    /// Makes an entry of a member; returns whether its bytes are its content.
    fn entry(&mut self, member: &Member<'a>, problem: Option<Problem>) -> bool {
        if self.stopped {
            return false;
        }
        // Members that share their bytes are work without end, unless it is spent.
        self.weighed = self.weighed.saturating_add(member.stated.stored);
        let again = if self.weighed > length(self.region) {
            member.stated.stored
        } else {
            0
        };
        let spent = self.budget.spend_entries(1);
        if let Err(problem) = spent.and_then(|()| self.budget.spend_decoded(again)) {
            self.stopped = true;
            self.tell(problem.at(member.at));
            return false;
        }
        let name = member.shown_name();
        let path = EntryPath::new(name);
        let named = name_problem(name, &path).map(|problem| problem.at(member.at));
        let problems = &mut self.out.problems;
        problems.extend(problem.map(|problem| problem.about(&path)));
        problems.extend(named);
        if name != member.name && member.name.is_ascii() && !member.name.contains(&b'?') {
            let shown = crate::place::escape(member.name);
            let detail = format!("readers that do not know names in Unicode see {shown}");
            let problem = Problem::new(ProblemKind::Name, detail);
            problems.push(problem.at(member.at).about(&path));
        }
        let node = member.node(self.region, &path, problems);
        let is_content = matches!(node, Node::File(_) | Node::Symlink(_));
        let is_hidden = !is_content && member.holds_something(self.region, &path);
        if is_hidden {
            let detail = format!(
                "a {} with {} stored bytes, which no reader looks at",
                node.word(),
                member.stated.stored
            );
            problems.push(Problem::corrupt(detail).at(member.at).about(&path));
        }
        self.out.tree.entries.push(Entry {
            node,
            meta: member.meta(),
            path,
        });
        !is_hidden
    }

    /// Names the bytes of a member.
    fn name_body(&mut self, local: &Local<'_>, stored: u64) {
        let here = length(self.region).saturating_sub(local.body_at);
        self.out.ledger.content(local.body_at, stored.min(here));
    }

    /// Names what stands in front of a member, and its descriptor.
    fn name_local(&mut self, local: &Local<'_>, stored: u64, descriptor: Option<Descriptor>) {
        let fixed = LOCAL_LEN.saturating_add(length(local.name));
        self.out.ledger.metadata(local.at, fixed);
        self.name_extras(local.at.saturating_add(fixed), local.extras);
        if let Some(descriptor) = descriptor {
            let at = local.body_at.saturating_add(stored);
            self.out.ledger.metadata(at, descriptor.len);
        }
    }

    /// Names a record of the directory; not its comment, which no reader acts on.
    fn name_central(&mut self, central: &Central<'_>) {
        let fixed = CENTRAL_LEN.saturating_add(length(central.name));
        self.out.ledger.metadata(central.at, fixed);
        self.name_extras(central.extra_at, central.extras);
    }

    fn name_extras(&mut self, at: u64, extras: Extras<'_>) {
        for extra in extras.iter() {
            let len = if extra.is_known() { extra.len() } else { 4 };
            self.out.ledger.metadata(at.saturating_add(extra.at), len);
        }
        let loose = at.saturating_add(extras.loose());
        let end = at.saturating_add(extras.len());
        self.out.ledger.padding(self.region, loose..end);
    }

    /// The archive's comment: shown where it is text.
    fn comment(&mut self, at: u64, len: u64) {
        let comment = clip(self.region, at, len.min(COMMENT));
        let text = std::str::from_utf8(&comment).is_ok_and(|text| {
            let is_text = |char: char| !char.is_control() || matches!(char, '\n' | '\r' | '\t');
            text.chars().all(is_text)
        });
        if text && len > 0 && len <= COMMENT {
            self.out.ledger.metadata(at, length(&comment));
            self.out.properties.set("comment", comment.to_vec());
        }
    }

    /// Tells when members share bytes: that makes much out of little, or hides one in another.
    fn overlaps(&mut self) {
        self.bodies.sort_by_key(|body| (body.start, body.end));
        let pairs = self.bodies.iter().zip(self.bodies.iter().skip(1));
        let shared = pairs.filter(|(one, next)| next.start < one.end);
        let places: Vec<u64> = shared.map(|(_, next)| next.start).collect();
        if let Some(&first) = places.first() {
            let detail = format!("{} members share bytes with the one before", places.len());
            self.tell(Problem::new(ProblemKind::Overlap, detail).at(first));
        }
    }

    fn tell(&mut self, problem: Problem) {
        self.out.problems.push(problem);
    }
}

/// What the two descriptions of a member differ in, if they do.
fn disagreement(
    central: &Central<'_>,
    local: &Local<'_>,
    descriptor: Option<Descriptor>,
) -> Option<String> {
    if central.name != local.name {
        let shown = crate::place::escape(local.name);
        return Some(format!("the name there is {shown}"));
    }
    let (there, mut here) = (central.stated, local.stated);
    if here.flags & HAS_DESCRIPTOR != 0 {
        // Zeros, or the same; the descriptor tells.
        let unlike = |here: u64, there: u64| here != 0 && here != there;
        if unlike(here.crc.into(), there.crc.into())
            || unlike(here.stored, there.stored)
            || unlike(here.size, there.size)
        {
            return Some(format!(
                "{} there, {} in the directory",
                show(here),
                show(there)
            ));
        }
        match descriptor {
            Some(found) if (found.crc, found.size) != (there.crc, there.size) => {
                return Some(format!(
                    "CRC-32 {:08x} and size {} behind the member, {:08x} and {} in the directory",
                    found.crc, found.size, there.crc, there.size
                ));
            }
            None if there.flags & super::records::ENCRYPTED == 0 => {
                return Some("no descriptor behind the member".to_owned());
            }
            _ => {}
        }
        here = Stated {
            flags: here.flags,
            method: here.method,
            ..there
        };
    }
    // Bits that say how the compressor was set up, and in which character set the name is, decide nothing.
    let decisive = |stated: Stated| Stated {
        flags: stated.flags & 0x2041,
        ..stated
    };
    let (here, there) = (decisive(here), decisive(there));
    (here != there).then(|| format!("{} there, {} in the directory", show(here), show(there)))
}

fn show(stated: Stated) -> String {
    let Stated {
        flags,
        method,
        crc,
        stored,
        size,
    } = stated;
    format!(
        "flags {flags:04x}, method {method}, CRC-32 {crc:08x}, {stored} stored bytes, size {size}"
    )
}
