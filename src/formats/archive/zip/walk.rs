//! From local header to local header, to the end of the directory.
//!
//! Each step goes forward, and only stretches between members are searched, so that the whole walk costs what reading the
//! archive once costs, whatever the archive.

use bytes::Bytes;

use super::records::{
    CENTRAL, Central, DESCRIPTOR, Descriptor, Directory, END, END64, End, LOCAL, Local, next_record,
};
use crate::read::{index, length};

/// So many directories of other archives are passed on the way (archives that are members, stored as they are).
const FOREIGN: usize = 16;

/// A walk over the members of one archive.
pub(super) struct Walk<'a> {
    region: &'a Bytes,
    at: u64,
    /// The archive's end; beyond the bytes that are there when the last member is cut off.
    pub(super) end: u64,
    /// How many members there were.
    pub(super) count: u64,
    /// The archive's own directory, once it is reached.
    pub(super) directory: Option<Directory>,
    /// Where the first stretch started that no record explains.
    broken: Option<u64>,
    foreign: usize,
    over: bool,
}

/// A member that the walk came by.
pub(super) struct Passed<'a> {
    pub(super) local: Local<'a>,
    /// Where its bytes end; `None` when nothing tells.
    pub(super) body_end: Option<u64>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(region: &'a Bytes) -> Self {
        Self {
            region,
            at: 0,
            end: 0,
            count: 0,
            directory: None,
            broken: None,
            foreign: 0,
            over: false,
        }
    }

    /// The next member; `None` behind the archive's directory, and where nothing follows any more.
    pub(super) fn next(&mut self) -> Option<Passed<'a>> {
        while !self.over {
            let bytes = self.region.get(index(self.at)..).unwrap_or_default();
            let passed = match bytes.first_chunk::<4>() {
                Some(&LOCAL) => self.member(),
                Some(&CENTRAL) => {
                    let record = Central::parse(self.region, self.at);
                    self.step(record.map(|record| record.next));
                    None
                }
                // The length of this record stands in it; the next two follow it.
                Some(&END64) => {
                    self.step(self.at.checked_add(76));
                    None
                }
                Some(&END) => {
                    self.finish();
                    None
                }
                _ => {
                    self.step(None);
                    None
                }
            };
            if passed.is_some() {
                return passed;
            }
        }
        None
    }

    fn member(&mut self) -> Option<Passed<'a>> {
        let Some(local) = Local::parse(self.region, self.at).filter(Local::is_plausible) else {
            self.step(None);
            return None;
        };
        self.count = self.count.saturating_add(1);
        let body_end = if local.is_open() {
            self.open_end(&local)
        } else {
            Some(local.body_at.saturating_add(local.stated.stored))
        };
        let next = body_end.unwrap_or(local.body_at);
        let descriptor = match local.stated.flags & super::records::HAS_DESCRIPTOR {
            0 => None,
            _ => Descriptor::parse(self.region, next, next.saturating_sub(local.body_at)),
        };
        let next = next.saturating_add(descriptor.map_or(0, |descriptor| descriptor.len));
        self.step(Some(next));
        Some(Passed { local, body_end })
    }

    /// The end of a member whose size stands behind it: where a descriptor states just that size.
    fn open_end(&self, local: &Local<'_>) -> Option<u64> {
        let mut from = local.body_at;
        let body = self.region.get(index(from)..)?;
        let stop = next_record(self.region, from);
        let signed = memchr::memmem::find_iter(body, &DESCRIPTOR);
        for found in signed {
            let stored = u64::try_from(found).ok()?;
            from = local.body_at.checked_add(stored)?;
            if stop.is_some_and(|stop| from >= stop) || (stop.is_none() && stored > 64 << 20) {
                break;
            }
            if Descriptor::parse(self.region, from, stored).is_some() {
                return Some(from);
            }
        }
        // Without a signature, it stands in front of the next record.
        [12, 20].into_iter().find_map(|len| {
            let at = stop?.checked_sub(len)?;
            let stored = at.checked_sub(local.body_at)?;
            let found = Descriptor::parse(self.region, at, stored)?;
            (found.len == len).then_some(at)
        })
    }

    /// Goes on at `next`, or with the next record that can be found.
    fn step(&mut self, next: Option<u64>) {
        let from = next.unwrap_or(self.at);
        self.end = from;
        if from >= length(self.region) {
            self.stop();
            return;
        }
        let search = match next {
            Some(from) => from,
            None => from.saturating_add(1),
        };
        match next_record(self.region, search) {
            Some(found) => {
                if found > from && self.broken.is_none() {
                    self.broken = Some(from);
                }
                self.at = found;
            }
            None => self.stop(),
        }
    }

    fn stop(&mut self) {
        self.over = true;
        // What stands behind a gap and leads to no directory may be of another archive.
        if let Some(broken) = self.broken
            && self.foreign > 0
        {
            self.end = broken;
        }
    }

    /// The end of a directory: of this archive's, or of another's.
    fn finish(&mut self) {
        let Some(end) = End::parse(self.region, self.at) else {
            self.step(None);
            return;
        };
        let directory = Directory::locate(self.region, end);
        if let Some(directory) = directory.filter(|directory| self.owns(directory)) {
            self.end = end.len();
            self.directory = Some(directory);
            self.over = true;
            return;
        }
        self.broken.get_or_insert(self.at);
        self.foreign = self.foreign.saturating_add(1);
        if self.foreign > FOREIGN {
            self.stop();
        } else {
            self.step(Some(end.len()));
        }
    }

    /// Whether a directory lists this archive's members: the first one, or one that nothing but members lead to.
    fn owns(&self, directory: &Directory) -> bool {
        let mut first: Option<u64> = None;
        for record in directory.records(self.region) {
            match directory.place(record.local) {
                Some(0) => return true,
                Some(place) => first = Some(first.map_or(place, |first| first.min(place))),
                None => {}
            }
        }
        first.is_some_and(|first| self.broken.is_none_or(|broken| first <= broken))
    }
}
