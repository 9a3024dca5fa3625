//! The superblock: where everything is. Version 4 has one of 96 bytes; those of the older versions are in [`super::older`].

use crate::formats::Reject;
use crate::read::{Endian, Fields};

use super::decoder::Compression;
use super::older;

/// What a metadata block holds at most once it is decoded, in bytes.
pub(super) const METADATA_BLOCK: usize = 8192;

/// Length of the superblock of version 4 in bytes.
const LEN: u64 = 96;

/// The offset that stands for a table that is not there.
pub(super) const ABSENT: u64 = u64::MAX;

/// The flag that says that the compressor's options follow the superblock.
const FLAG_OPTIONS: u16 = 1 << 10;

/// So many of the checks may fail before the magic counts as a coincidence.
const FORGIVEN: usize = 2;

/// What tells how the structures of an image are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edition {
    /// The major version, 1 to 4.
    pub(super) version: u16,
    /// The byte order of every structure.
    pub(super) endian: Endian,
    /// The byte order of the lengths in front of metadata blocks: AVM's are little-endian in big-endian images.
    pub(super) lengths: Endian,
    /// Whether a marker byte stands between such a length and its block.
    pub(super) marked: bool,
}

/// Where everything is. Offsets are in bytes from the region's start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Superblock {
    /// How the structures are laid out.
    pub(super) edition: Edition,
    /// Length of the superblock itself in bytes.
    pub(super) len: u64,
    /// When the image was made, in seconds since 1970.
    pub(super) made: u32,
    /// How many inodes there are.
    pub(super) inodes: u32,
    /// The length in bytes of a data block that is full.
    pub(super) block_size: u32,
    /// How many fragment blocks there are.
    pub(super) fragments: u32,
    /// How blocks are compressed; or the number of a compressor that is not known.
    pub(super) compression: Result<Compression, u16>,
    /// Whether the compressor's options follow the superblock.
    pub(super) has_options: bool,
    /// Owners and groups.
    pub(super) ids: Ids,
    /// The reference of the root directory's inode.
    pub(super) root: Reference,
    /// Length of the whole file system in bytes.
    pub(super) bytes_used: u64,
    /// Header of the table of extended attributes.
    pub(super) xattr_table: Option<u64>,
    /// First block of the inodes.
    pub(super) inode_table: u64,
    /// First block of the directories.
    pub(super) directory_table: u64,
    /// Index of the table of fragment blocks.
    pub(super) fragment_table: Option<u64>,
    /// Index of the table from inode numbers to inodes.
    pub(super) export_table: Option<u64>,
}

/// Where owners and groups are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    /// The index of their table; in older versions the table of owners itself.
    pub(super) at: u64,
    /// How many there are together; in older versions owners alone.
    pub(super) count: u16,
    /// Older versions have a table of groups of its own, if there are any that no owner's number stands for.
    pub(super) groups: Option<(u64, u16)>,
}

/// Where a structure starts inside a table of metadata blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    /// Its metadata block, in stored bytes from the table's start.
    pub(super) block: u64,
    /// Its first byte in the decoded block.
    pub(super) offset: u16,
}

impl Reference {
    /// The reference that is stored as `raw`: 48 bits of block, 16 of offset.
    pub(super) fn new(raw: u64) -> Self {
        Self {
            block: raw >> 16,
            offset: u16::try_from(raw & 0xffff).unwrap_or(u16::MAX),
        }
    }
}

/// What must hold, each with what to say when it does not.
pub(super) type Checks = Vec<(bool, &'static str)>;

impl Superblock {
    /// Reads the superblock at the start of `bytes`, of any version and in either byte order.
    ///
    /// # Errors
    /// A near miss when at most two of its fields contradict the others, else a coincidence.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Reject> {
        let mut near = Reject::Coincidence("no SquashFS superblock");
        for endian in [Endian::Little, Endian::Big] {
            let fields = Fields::new(bytes, endian);
            let third = older::third(&fields, endian);
            let early = older::early(&fields, endian);
            for found in [fourth(&fields, endian), third, early] {
                let Some((superblock, checks)) = found else {
                    continue;
                };
                let mut wrong = checks
                    .into_iter()
                    .filter_map(|(holds, wrong)| (!holds).then_some(wrong));
                let Some(first) = wrong.next() else {
                    return Ok(superblock);
                };
                if wrong.count() < FORGIVEN && !matches!(near, Reject::NearMiss(_)) {
                    near = Reject::NearMiss(first);
                }
            }
        }
        Err(near)
    }

    /// What must hold in every version.
    pub(super) fn checks(&self, log: u16) -> Checks {
        let largest = match self.edition.version {
            1 => 1 << 15,
            2 => 1 << 16,
            _ => 1 << 20,
        };
        let smallest = if self.edition.version == 1 { 512 } else { 4096 };
        let size =
            self.block_size.is_power_of_two() && (smallest..=largest).contains(&self.block_size);
        let inodes_len = self.directory_table.saturating_sub(self.inode_table);
        let root = self.root.block < inodes_len && usize::from(self.root.offset) < METADATA_BLOCK;
        vec![
            (
                size,
                "the block size is no power of two that the version allows",
            ),
            (
                self.block_size.checked_ilog2() == Some(u32::from(log)),
                "the block size and its logarithm disagree",
            ),
            (
                self.tables_in_order(),
                "the tables are not in order within the bytes used",
            ),
            (root, "the root inode lies outside the inode table"),
            (
                self.ids.count > 0 && self.inodes > 0,
                "there are no owners or no inodes",
            ),
        ]
    }

    fn tables_in_order(&self) -> bool {
        let optional = |table: Option<u64>, before: u64| table.unwrap_or(before);
        let fragments = optional(self.fragment_table, self.directory_table);
        let export = optional(self.export_table, fragments);
        let xattrs = optional(self.xattr_table, self.ids.at);
        let groups = optional(self.ids.groups.map(|(at, _)| at), xattrs);
        let order = [
            self.len,
            self.inode_table,
            self.directory_table,
            fragments,
            export,
            self.ids.at,
            xattrs,
            groups,
            self.bytes_used.saturating_sub(1),
        ];
        order.is_sorted() && self.inode_table < self.directory_table
    }

    /// Where the directories end at the latest: the next table's index, in bytes from the region's start.
    pub(super) fn directories_end(&self) -> u64 {
        self.fragment_table
            .or(self.export_table)
            .unwrap_or(self.ids.at)
    }
}

/// The superblock of version 4.
fn fourth(fields: &Fields<'_>, endian: Endian) -> Option<(Superblock, Checks)> {
    let table = |at: usize| Some(fields.u64(at)?).map(|start| (start != ABSENT).then_some(start));
    let fragments = fields.u32(16)?;
    let id = fields.u16(20)?;
    let version = (fields.u16(28)?, fields.u16(30)?);
    let standard = matches!(fields.slice(0, 4)?, b"hsqs" | b"sqsh");
    let compression = Compression::from_id(id, standard).ok_or(id);
    let superblock = Superblock {
        edition: Edition {
            version: 4,
            endian,
            lengths: endian,
            marked: false,
        },
        len: LEN,
        made: fields.u32(8)?,
        inodes: fields.u32(4)?,
        block_size: fields.u32(12)?,
        fragments,
        compression,
        has_options: fields.u16(24)? & FLAG_OPTIONS != 0,
        ids: Ids {
            at: fields.u64(48)?,
            count: fields.u16(26)?,
            groups: None,
        },
        root: Reference::new(fields.u64(32)?),
        bytes_used: fields.u64(40)?,
        xattr_table: table(56)?,
        inode_table: fields.u64(64)?,
        directory_table: fields.u64(72)?,
        // Some builders leave an offset behind where there are no fragments; nothing looks at it.
        fragment_table: table(80)?.filter(|_| fragments > 0),
        export_table: table(88)?,
    };
    let mut checks = superblock.checks(fields.u16(22)?);
    checks.extend([
        (version == (4, 0), "the version is not 4.0"),
        (
            (1..=15).contains(&id),
            "the compressor has no plausible number",
        ),
        (
            fragments == 0 || superblock.fragment_table.is_some(),
            "there are fragments but no fragment table",
        ),
    ]);
    Some((superblock, checks))
}
