//! The header of a 7z archive: packed streams, folders, files.

use super::number::Reader;
use crate::problem::Problem;
use crate::read::index;

/// What a part of the header is. A zero ends each.
const END: u8 = 0;
pub(super) const HEADER: u8 = 1;
const ARCHIVE_PROPERTIES: u8 = 2;
const ADDITIONAL_STREAMS: u8 = 3;
const MAIN_STREAMS: u8 = 4;
const FILES: u8 = 5;
const PACK_INFO: u8 = 6;
const UNPACK_INFO: u8 = 7;
const SUBSTREAMS: u8 = 8;
const SIZE: u8 = 9;
const CRC: u8 = 10;
const FOLDERS: u8 = 11;
const UNPACK_SIZES: u8 = 12;
const NUMBER_OF_STREAMS: u8 = 13;
const EMPTY_STREAM: u8 = 14;
const EMPTY_FILE: u8 = 15;
const ANTI: u8 = 16;
const NAMES: u8 = 17;
const CREATED: u8 = 18;
const ACCESSED: u8 = 19;
const MTIME: u8 = 20;
const ATTRIBUTES: u8 = 21;
pub(super) const PACKED_HEADER: u8 = 23;

/// A folder has no more coders and streams than this, in 7-Zip too.
const CODERS: u64 = 32;

/// What the packed streams are and how they are packed.
#[derive(Default)]
pub(super) struct Streams {
    /// Where the first packed stream starts, in bytes from behind the start header.
    pub(super) packed_at: u64,
    pub(super) packed: Vec<Packed>,
    pub(super) folders: Vec<Folder>,
    /// For each folder the files in it: sizes and CRC-32.
    pub(super) contents: Vec<Vec<(u64, Option<u32>)>>,
}

/// A stream as it is stored.
#[derive(Clone, Copy)]
pub(super) struct Packed {
    pub(super) len: u64,
    pub(super) crc: Option<u32>,
}

/// What is compressed as one.
pub(super) struct Folder {
    pub(super) coders: Vec<Coder>,
    /// Which coder's input (counted over all coders) is which coder's output.
    pub(super) bonds: Vec<(u64, u64)>,
    /// Which inputs are packed streams, in the order of those.
    pub(super) packed: Vec<u64>,
    /// The sizes of the coders' outputs.
    pub(super) sizes: Vec<u64>,
    pub(super) crc: Option<u32>,
}

/// One step of the decoding.
pub(super) struct Coder {
    pub(super) method: Vec<u8>,
    pub(super) inputs: u64,
    pub(super) properties: Vec<u8>,
}

/// A file, as far as it is no content.
#[derive(Default, Clone)]
pub(super) struct Item {
    /// UTF-16.
    pub(super) name: Vec<u16>,
    /// Whether a folder holds its content; else it is empty, or no file.
    pub(super) has_stream: bool,
    pub(super) is_empty_file: bool,
    pub(super) is_anti: bool,
    /// In units of 100 ns since 1601.
    pub(super) mtime: Option<u64>,
    pub(super) attributes: Option<u32>,
}

/// What the header says.
#[derive(Default)]
pub(super) struct Header {
    pub(super) streams: Streams,
    pub(super) items: Vec<Item>,
    /// Whether some of its bytes say nothing that is read.
    pub(super) has_more: bool,
}

/// The header proper: streams, and at most so many files.
pub(super) fn header(bytes: &mut Reader<'_>, most: u64) -> Result<Header, Problem> {
    let damaged = || Problem::corrupt("the header is damaged");
    let mut header = Header::default();
    loop {
        match bytes.byte().ok_or_else(damaged)? {
            END => break,
            ARCHIVE_PROPERTIES => {
                header.has_more = true;
                properties(bytes).ok_or_else(damaged)?;
            }
            ADDITIONAL_STREAMS => {
                header.has_more = true;
                streams(bytes).ok_or_else(damaged)?;
            }
            MAIN_STREAMS => header.streams = streams(bytes).ok_or_else(damaged)?,
            FILES => {
                let count = bytes.count().ok_or_else(damaged)?;
                if count > most {
                    let detail = format!("{count} entries; raise --max-entries to read them");
                    return Err(Problem::limit(detail));
                }
                files(bytes, count, &mut header).ok_or_else(damaged)?;
            }
            _ => return Err(damaged()),
        }
    }
    header.has_more |= !bytes.is_spent();
    Ok(header)
}

/// Passes what is said of the archive as a whole. 7-Zip writes nothing of that.
fn properties(bytes: &mut Reader<'_>) -> Option<()> {
    while bytes.byte()? != END {
        let len = bytes.number()?;
        bytes.take(len)?;
    }
    Some(())
}

/// Streams and folders.
pub(super) fn streams(bytes: &mut Reader<'_>) -> Option<Streams> {
    let mut streams = Streams::default();
    let mut listed = false;
    loop {
        match bytes.byte()? {
            END => break,
            PACK_INFO => pack_info(bytes, &mut streams)?,
            UNPACK_INFO => unpack_info(bytes, &mut streams)?,
            SUBSTREAMS => {
                substreams(bytes, &mut streams)?;
                listed = true;
            }
            _ => return None,
        }
    }
    if !listed {
        // Each folder is one file.
        streams.contents = streams
            .folders
            .iter()
            .map(|folder| vec![(folder.size(), folder.crc)])
            .collect();
    }
    Some(streams)
}

fn pack_info(bytes: &mut Reader<'_>, streams: &mut Streams) -> Option<()> {
    streams.packed_at = bytes.number()?;
    let count = bytes.count()?;
    streams.packed = vec![Packed { len: 0, crc: None }; index(count)];
    loop {
        match bytes.byte()? {
            END => return Some(()),
            SIZE => {
                for packed in &mut streams.packed {
                    packed.len = bytes.number()?;
                }
            }
            CRC => {
                let digests = bytes.digests(count)?;
                for (packed, crc) in streams.packed.iter_mut().zip(digests) {
                    packed.crc = crc;
                }
            }
            _ => return None,
        }
    }
}

fn unpack_info(bytes: &mut Reader<'_>, streams: &mut Streams) -> Option<()> {
    if bytes.byte()? != FOLDERS {
        return None;
    }
    let count = bytes.count()?;
    if bytes.byte()? != 0 {
        // Folders described in another stream: nothing writes that.
        return None;
    }
    for _ in 0..count {
        streams.folders.push(folder(bytes)?);
    }
    loop {
        match bytes.byte()? {
            END => return Some(()),
            UNPACK_SIZES => {
                for folder in &mut streams.folders {
                    for _ in 0..folder.coders.len() {
                        folder.sizes.push(bytes.number()?);
                    }
                }
            }
            CRC => {
                let digests = bytes.digests(count)?;
                for (folder, crc) in streams.folders.iter_mut().zip(digests) {
                    folder.crc = crc;
                }
            }
            _ => return None,
        }
    }
}

fn folder(bytes: &mut Reader<'_>) -> Option<Folder> {
    let count = bytes.number()?;
    if !(1..=CODERS).contains(&count) {
        return None;
    }
    let mut coders = Vec::new();
    let mut inputs = 0_u64;
    for _ in 0..count {
        let flags = bytes.byte()?;
        let method = bytes.take(u64::from(flags & 15))?.to_vec();
        let mut coder = Coder {
            method,
            inputs: 1,
            properties: Vec::new(),
        };
        if flags & 0x10 != 0 {
            coder.inputs = bytes.number()?;
            // More than one output was given up before the format was published.
            if bytes.number()? != 1 || coder.inputs > CODERS {
                return None;
            }
        }
        if flags & 0x20 != 0 {
            let len = bytes.number()?;
            coder.properties = bytes.take(len)?.to_vec();
        }
        if flags & 0xc0 != 0 {
            return None;
        }
        inputs = inputs.checked_add(coder.inputs)?;
        coders.push(coder);
    }
    let mut bonds = Vec::new();
    for _ in 1..count {
        bonds.push((bytes.number()?, bytes.number()?));
    }
    let free = inputs.checked_sub(count.checked_sub(1)?)?;
    let mut packed = Vec::new();
    if free == 1 {
        packed.push((0..inputs).find(|input| bonds.iter().all(|(bound, _)| bound != input))?);
    } else {
        for _ in 0..free {
            packed.push(bytes.number()?);
        }
    }
    Some(Folder {
        coders,
        bonds,
        packed,
        sizes: Vec::new(),
        crc: None,
    })
}

impl Folder {
    /// The coder whose output is the folder's content: the one that no other takes.
    pub(super) fn last(&self) -> Option<u64> {
        let count = u64::try_from(self.coders.len()).ok()?;
        (0..count).find(|coder| self.bonds.iter().all(|(_, output)| output != coder))
    }

    /// How many bytes it holds.
    pub(super) fn size(&self) -> u64 {
        let last = self.last().and_then(|last| self.sizes.get(index(last)));
        last.copied().unwrap_or_default()
    }
}

fn substreams(bytes: &mut Reader<'_>, streams: &mut Streams) -> Option<()> {
    let mut counts = vec![1_u64; streams.folders.len()];
    let mut kind = bytes.byte()?;
    if kind == NUMBER_OF_STREAMS {
        for count in &mut counts {
            *count = bytes.count()?;
        }
        kind = bytes.byte()?;
    }
    // All sizes are stated but the last of each folder, which is what is left.
    for (folder, &count) in streams.folders.iter().zip(&counts) {
        let mut left = folder.size();
        let mut files = Vec::new();
        for _ in 1..count {
            let size = if kind == SIZE {
                bytes.number()?
            } else {
                return None;
            };
            left = left.checked_sub(size)?;
            files.push((size, None));
        }
        if count > 0 {
            files.push((left, None));
        }
        streams.contents.push(files);
    }
    if kind == SIZE {
        kind = bytes.byte()?;
    }
    loop {
        match kind {
            END => break,
            CRC => {
                let unknown = streams.unknown();
                let digests = bytes.digests(u64::try_from(unknown).ok()?)?;
                streams.set_digests(digests);
            }
            _ => return None,
        }
        kind = bytes.byte()?;
    }
    for (folder, files) in streams.folders.iter().zip(&mut streams.contents) {
        if let [(_, crc @ None)] = files.as_mut_slice() {
            *crc = folder.crc;
        }
    }
    Some(())
}

impl Streams {
    /// The files whose CRC-32 is not that of their folder.
    fn unknown(&mut self) -> usize {
        let folders = self.folders.iter().zip(&self.contents);
        folders
            .filter(|(folder, files)| files.len() != 1 || folder.crc.is_none())
            .map(|(_, files)| files.len())
            .sum()
    }

    fn set_digests(&mut self, digests: Vec<Option<u32>>) {
        let folders = self.folders.iter().zip(&mut self.contents);
        let files = folders
            .filter(|(folder, files)| files.len() != 1 || folder.crc.is_none())
            .flat_map(|(_, files)| files);
        for (file, digest) in files.zip(digests) {
            file.1 = digest;
        }
    }
}

fn files(bytes: &mut Reader<'_>, count: u64, header: &mut Header) -> Option<()> {
    let mut items = vec![
        Item {
            has_stream: true,
            ..Item::default()
        };
        index(count)
    ];
    loop {
        let kind = bytes.byte()?;
        if kind == END {
            header.items = items;
            return Some(());
        }
        let len = bytes.number()?;
        let mut bytes = Reader::new(bytes.take(len)?);
        match kind {
            EMPTY_STREAM => {
                for (item, is_empty) in items.iter_mut().zip(bytes.bits(count)?) {
                    item.has_stream = !is_empty;
                }
            }
            EMPTY_FILE | ANTI => {
                let empty: Vec<_> = items.iter_mut().filter(|item| !item.has_stream).collect();
                let bits = bytes.bits(u64::try_from(empty.len()).ok()?)?;
                for (item, is_set) in empty.into_iter().zip(bits) {
                    if kind == ANTI {
                        item.is_anti = is_set;
                    } else {
                        item.is_empty_file = is_set;
                    }
                }
            }
            NAMES => {
                external(&mut bytes)?;
                for item in &mut items {
                    item.name = name(&mut bytes)?;
                }
            }
            MTIME => {
                let stated = bytes.optional_bits(count)?;
                external(&mut bytes)?;
                for (item, _) in items.iter_mut().zip(stated).filter(|(_, stated)| *stated) {
                    item.mtime = Some(bytes.u64()?);
                }
            }
            ATTRIBUTES => {
                let stated = bytes.optional_bits(count)?;
                external(&mut bytes)?;
                for (item, _) in items.iter_mut().zip(stated).filter(|(_, stated)| *stated) {
                    item.attributes = Some(bytes.u32()?);
                }
            }
            // Other times: nothing that is compared.
            CREATED | ACCESSED => continue,
            // Zeros that fill up, or something that is not known.
            _ => {}
        }
        header.has_more |= !bytes.is_spent();
    }
}

/// Whether the values follow; they might stand in another stream, but nothing writes that.
fn external(bytes: &mut Reader<'_>) -> Option<()> {
    (bytes.byte()? == 0).then_some(())
}

fn name(bytes: &mut Reader<'_>) -> Option<Vec<u16>> {
    let mut name = Vec::new();
    loop {
        match bytes.take(2)? {
            [0, 0] => return Some(name),
            &[low, high] => name.push(u16::from_le_bytes([low, high])),
            _ => return None,
        }
    }
}
