//! The work list: streams are searched and settled, regions opened, entries read, until nothing is left.

mod memory;
mod region;
mod second;
mod stated;
mod tree;

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::inventory::{Decoded, FileId, Found, ImageId, Inventory, Owner, State, Told};
use super::ledger::{self, Coverage};
use super::partitions;
use super::profile::Profiler;
use super::search::{self, Hit};
use super::settle;
use crate::budget::Budget;
use crate::digest::Digest;
use crate::entry::{Entry, EntryPath, File, Meta, Node};
use crate::facts::FileType;
use crate::formats::nand::{self, Choice};
use crate::formats::wrapper::{self, Wrapper};
use crate::formats::{self, Tree};
use crate::image::{Image, Named, Source};
use crate::place::Place;
use crate::problem::Problem;
use crate::read::{clip, length};

/// Everything that is in an image, as far as the budget reaches.
pub fn unpack(image: &Image, budget: &Budget) -> Inventory {
    let mut unpacker = Unpacker {
        budget,
        found: Inventory {
            image: ImageId {
                name: image.name.clone(),
                size: 0,
                sha256: None,
                part: image.part.clone(),
                with: image.with.iter().map(FileId::of).collect(),
                second_read: image.second_read.as_ref().map(FileId::of),
                interleaved: image.interleaved.iter().map(FileId::of).collect(),
            },
            regions: Vec::new(),
            gaps: Vec::new(),
            entries: Vec::new(),
            history: Vec::new(),
            memories: BTreeMap::new(),
            partitions: Vec::new(),
            problems: Vec::new(),
            coverage: Coverage::default(),
            profile: None,
            bytes: None,
        },
        ledgers: vec![Coverage::default()],
        decoded: BTreeMap::new(),
        work: VecDeque::new(),
        nand: &image.nand,
        base: image.base,
        wrappers: &image.wrappers,
        undoes_xor: image.undoes_xor,
        tried: 0,
    };
    match &image.source {
        Source::Bytes(bytes) => {
            let with = image.with.iter().map(|file| length(&file.bytes));
            budget.weigh(with.fold(length(bytes), u64::saturating_add));
            unpacker.start_bytes(bytes);
        }
        Source::Root(tree, problems) => unpacker.start_root(tree, problems),
    }
    unpacker.start_with(&image.with);
    while let Some(work) = unpacker.work.pop_front() {
        unpacker.explore_stream(&work);
    }
    if let (Source::Bytes(first), Some(second)) = (&image.source, &image.second_read) {
        unpacker.compare_reads(first, &second.bytes);
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
    /// What of it is to be explored.
    ranges: Vec<Range<u64>>,
    home: Home,
    /// Set when the whole stream is the payload of its parent, and so an entry when no region is in it.
    payload: Option<Payload>,
}

/// The payload of a region.
struct Payload {
    /// Its digest; absent when it is not all there.
    sha256: Option<Digest>,
    /// Where it is, and under which path: `/` where it is all that its parent holds.
    place: Place,
    path: EntryPath,
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
    /// What is added to it: the length of what stands before a file that was given with the image.
    at_base: u64,
    /// The offset in the stream that places count from.
    place_origin: u64,
    /// Whether these are the stored bytes of a parent that decodes.
    stored: bool,
    /// The claim that these bytes are a gap of: it is not tried on them again.
    except: Option<(u64, &'static str)>,
    /// Whether they are what the format of that claim does not explain, and not a part that it names.
    leftover: bool,
}

impl Home {
    /// The image itself, or a file that was given with it.
    fn image(place: Place, at_base: u64) -> Self {
        Self {
            place,
            parent: None,
            within: None,
            depth: 0,
            ledger: Some(0),
            at_origin: 0,
            at_base,
            place_origin: 0,
            stored: false,
            except: None,
            leftover: false,
        }
    }

    /// What `at` of the stream is, counted as reports do.
    fn at(&self, at: u64) -> u64 {
        at.saturating_sub(self.at_origin)
            .saturating_add(self.at_base)
    }

    fn owner(&self) -> Option<Owner> {
        Owner::of(self.parent, self.within)
    }
}

struct Unpacker<'a> {
    budget: &'a Budget,
    found: Inventory,
    /// Account 0 is the image's own.
    ledgers: Vec<Coverage>,
    /// Which account holds what a region decoded to, and the digest of it.
    decoded: BTreeMap<usize, (usize, Option<Digest>)>,
    work: VecDeque<Work>,
    /// What somebody said about the image's spare bytes.
    nand: &'a Choice,
    /// Where somebody said that its first byte is loaded.
    base: Option<u64>,
    /// The wrappers of vendors that somebody described.
    wrappers: &'a [Wrapper],
    /// Whether bytes that were XORed with a short key are read.
    undoes_xor: bool,
    /// How many gaps were tried for such a key.
    tried: usize,
}

impl Unpacker<'_> {
    fn start_bytes(&mut self, bytes: &Bytes) {
        self.found.image.size = length(bytes);
        self.found.bytes = Some(bytes.clone());
        let home = Home::image(Place::image(), 0);
        let mut profiler = Profiler::new(length(bytes));
        let (sha256, hits) = self.hash_and_search(bytes, &home, |slab| profiler.update(slab));
        self.found.image.sha256 = Some(sha256);
        self.found.profile = Some(profiler.finish());
        if let Some((id, len, opened)) = self.open_as_stated(bytes) {
            self.take_stated(bytes, id, 0..len, opened, &hits, &home);
            return self.add_gap(bytes, len..length(bytes), &home, true);
        }
        // A program or script by itself, which somebody took from a device.
        let content = FileType::of(&clip(bytes, 0, 64 << 10), length(bytes));
        let is_program = matches!(content, FileType::Elf | FileType::Pe | FileType::Script);
        self.work.push_back(Work {
            bytes: bytes.clone(),
            hits,
            ranges: whole(bytes),
            home,
            payload: is_program.then(|| Payload {
                sha256: Some(sha256),
                place: Place::image(),
                path: EntryPath::root(),
            }),
        });
    }

    /// Explores the files that were given with the image, each at a place of its name.
    fn start_with(&mut self, with: &[Named]) {
        let mut at_base = self.found.image.size;
        for file in with {
            let home = Home::image(Place::image().part(file.name.as_bytes()), at_base);
            let (_, hits) = self.hash_and_search(&file.bytes, &home, |_| ());
            at_base = at_base.saturating_add(length(&file.bytes));
            self.work.push_back(Work {
                bytes: file.bytes.clone(),
                hits,
                ranges: whole(&file.bytes),
                home,
                payload: None,
            });
        }
    }

    fn start_root(&mut self, tree: &Tree, problems: &[Problem]) {
        let place = Place::image();
        self.tell(&place, None, problems.to_vec());
        let sizes = tree.entries.iter().map(|entry| match &entry.node {
            Node::File(file) => file.size,
            _ => 0,
        });
        let size = sizes.fold(0, u64::saturating_add);
        self.found.image.size = size;
        self.count(Some(0), formats::Role::Content, size);
        self.take_tree(tree.entries.clone(), None, &place, u64::MAX, 0);
    }

    /// Digest and magics of a stream, each on a thread of its own. `along` gets all bytes, too, in order.
    fn hash_and_search(
        &mut self,
        bytes: &Bytes,
        home: &Home,
        mut along: impl FnMut(&[u8]) + Send,
    ) -> (Digest, Vec<Hit>) {
        let mut hasher = Sha256::new();
        let (mut hits, too_many) = search::search_along(bytes, |slab| {
            hasher.update(slab);
            along(slab);
        });
        let sha256 = Digest::new(hasher.finalize().into());
        if too_many {
            self.tell(&home.place, home.owner(), vec![too_many_magics()]);
        }
        let head = clip(bytes, 0, 64 << 10);
        hits.extend(search::at_start(&head));
        hits.sort_unstable();
        hits.dedup();
        (sha256, hits)
    }

    fn explore_stream(&mut self, work: &Work) {
        let (regions, gaps) = (self.found.regions.len(), self.found.gaps.len());
        let all = length(&work.bytes);
        match self.wrappers.iter().find_map(|it| it.open(&work.bytes)) {
            // Only where a wrapper starts: at the first byte of something.
            Some((len, opened)) if work.ranges == whole(&work.bytes) => {
                self.take_stated(
                    &work.bytes,
                    wrapper::ID,
                    0..len,
                    opened,
                    &work.hits,
                    &work.home,
                );
                self.explore(&work.bytes, len..all, &work.hits, &work.home);
            }
            _ => {
                for range in &work.ranges {
                    self.explore(&work.bytes, range.clone(), &work.hits, &work.home);
                }
            }
        }
        if regions == self.found.regions.len()
            && let Some(payload) = &work.payload
        {
            self.add_payload(&work.bytes, payload, gaps, &work.home);
        }
    }

    /// A payload without regions is one file; when its type is known, its bytes are content and no gap.
    fn add_payload(&mut self, bytes: &Bytes, payload: &Payload, gaps: usize, home: &Home) {
        let head = clip(bytes, 0, 64 << 10);
        let content = FileType::of(&head, length(bytes));
        if content.is_known() {
            self.found.gaps.truncate(gaps);
            let ledger = home.ledger.and_then(|ledger| self.ledgers.get_mut(ledger));
            if let Some(ledger) = ledger {
                *ledger = Coverage::default();
            }
            self.count(home.ledger, formats::Role::Content, length(bytes));
        }
        let entry = Entry {
            path: payload.path.clone(),
            node: Node::File(File::stored(bytes.clone())),
            meta: Meta::default(),
        };
        self.found.entries.push(Found {
            place: payload.place.path(&entry.path),
            region: home.parent,
            entry,
            ordinal: 0,
            sha256: payload.sha256,
            content: payload.sha256.map(|_| content),
        });
    }

    /// Finds the regions of a range of a stream and accounts for each of its bytes.
    fn explore(&mut self, stream: &Bytes, range: Range<u64>, hits: &[Hit], home: &Home) {
        if home.depth > self.budget.limits().depth {
            let detail = format!(
                "nested more than {} deep; raise --max-depth to read on",
                self.budget.limits().depth
            );
            self.tell(&home.place, home.owner(), vec![Problem::limit(detail)]);
            return self.add_gap(stream, range, home, true);
        }
        let from = hits.partition_point(|hit| hit.at < range.start);
        let to = hits.partition_point(|hit| hit.at < range.end);
        let detects_nand = *self.nand == Choice::Detect;
        let excepted = |hit: &&Hit| {
            let id = hit.format().map(|format| format.doc().id);
            let again = home
                .except
                .is_some_and(|(at, format)| (hit.at, id) == (at, Some(format)));
            !again && (detects_nand || id != Some(nand::ID))
        };
        let own: Vec<Hit> = hits
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .filter(excepted)
            .copied()
            .collect();
        let outer = home.except.filter(|_| home.leftover);
        let settled = settle::settle(stream, range.clone(), &own, outer, self.budget);
        for problem in settled.problems {
            let at = problem.at.unwrap_or_default();
            let place = home.place.offset(at.saturating_sub(home.place_origin));
            self.tell(
                &place,
                home.owner(),
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

    fn count(&mut self, ledger: Ledger, role: formats::Role, len: u64) {
        if let Some(ledger) = ledger.and_then(|ledger| self.ledgers.get_mut(ledger)) {
            ledger.count(role, len);
        }
    }

    fn tell(&mut self, place: &Place, owner: Option<Owner>, problems: Vec<Problem>) {
        let told = problems
            .into_iter()
            .map(|problem| Told::new(place, problem).of(owner));
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
            self.tell(&place, Some(Owner::Region(region)), problems);
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
        let (partitions, told) = partitions::name_parts(&self.found);
        self.found.partitions = partitions;
        self.found.problems.extend(told);
        self.found
    }
}

/// All of a stream, as the one range to explore.
fn whole(bytes: &Bytes) -> Vec<Range<u64>> {
    std::iter::once(0..length(bytes)).collect()
}

fn too_many_magics() -> Problem {
    Problem::limit("too many magic numbers; the rest was not looked at")
}
