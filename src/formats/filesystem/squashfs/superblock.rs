//! The superblock of version 4: 96 bytes that say where everything is.

use crate::formats::Reject;
use crate::read::{Endian, Fields};

/// Length of the superblock in bytes.
pub(super) const LEN: u64 = 96;

/// What a metadata block holds at most once it is decoded, in bytes.
pub(super) const METADATA_BLOCK: usize = 8192;

/// The offset that stands for a table that is not there.
const ABSENT: u64 = u64::MAX;

/// The flag that says that the compressor's options follow the superblock.
const FLAG_OPTIONS: u16 = 1 << 10;

/// So many of the checks may fail before the magic counts as a coincidence.
const FORGIVEN: usize = 2;

/// Where everything is. Offsets are in bytes from the region's start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Superblock {
    /// The byte order of every structure.
    pub(super) endian: Endian,
    /// How many inodes there are.
    pub(super) inodes: u32,
    /// The length in bytes of a data block that is full.
    pub(super) block_size: u32,
    /// How many fragment blocks there are.
    pub(super) fragments: u32,
    /// The number of the compressor.
    pub(super) compression: u16,
    /// Whether the compressor's options follow the superblock.
    pub(super) has_options: bool,
    /// How many owners and groups there are together.
    pub(super) ids: u16,
    /// The reference of the root directory's inode.
    pub(super) root: Reference,
    /// Length of the whole file system in bytes.
    pub(super) bytes_used: u64,
    /// Index of the table of owners and groups.
    pub(super) id_table: u64,
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

impl Superblock {
    /// Reads the superblock at the start of `bytes`.
    ///
    /// # Errors
    /// A near miss when at most two of its fields contradict the others, else a coincidence.
    pub(super) fn parse(bytes: &[u8], endian: Endian) -> Result<Self, Reject> {
        let fields = Fields::new(bytes, endian);
        let (superblock, sound) =
            Self::fields(&fields, endian).ok_or(Reject::Coincidence("no room for a superblock"))?;
        let mut wrong = superblock
            .checks(sound)
            .into_iter()
            .filter_map(|(holds, wrong)| (!holds).then_some(wrong));
        let Some(first) = wrong.next() else {
            return Ok(superblock);
        };
        if wrong.count() < FORGIVEN {
            return Err(Reject::NearMiss(first));
        }
        Err(Reject::Coincidence("no SquashFS superblock"))
    }

    /// The fields, with whether the version and the block size's logarithm are what they must be.
    fn fields(fields: &Fields<'_>, endian: Endian) -> Option<(Self, [bool; 2])> {
        let table =
            |at: usize| Some(fields.u64(at)?).map(|start| (start != ABSENT).then_some(start));
        let fragments = fields.u32(16)?;
        let block_size = fields.u32(12)?;
        let flags = fields.u16(24)?;
        let version = (fields.u16(28)?, fields.u16(30)?);
        let log_holds = block_size.checked_ilog2() == Some(u32::from(fields.u16(22)?));
        let superblock = Self {
            endian,
            inodes: fields.u32(4)?,
            block_size,
            fragments,
            compression: fields.u16(20)?,
            has_options: flags & FLAG_OPTIONS != 0,
            ids: fields.u16(26)?,
            root: Reference::new(fields.u64(32)?),
            bytes_used: fields.u64(40)?,
            id_table: fields.u64(48)?,
            xattr_table: table(56)?,
            inode_table: fields.u64(64)?,
            directory_table: fields.u64(72)?,
            // Some builders leave an offset behind where there are no fragments; nothing looks at it.
            fragment_table: table(80)?.filter(|_| fragments > 0),
            export_table: table(88)?,
        };
        Some((superblock, [version == (4, 0), log_holds]))
    }

    /// What must hold, each with what to say when it does not.
    fn checks(&self, [version, log]: [bool; 2]) -> [(bool, &'static str); 8] {
        let size = self.block_size.is_power_of_two() && (4096..=1 << 20).contains(&self.block_size);
        let known = (1..=15).contains(&self.compression);
        let inodes_len = self.directory_table.saturating_sub(self.inode_table);
        let root = self.root.block < inodes_len && usize::from(self.root.offset) < METADATA_BLOCK;
        let fragments = self.fragments == 0 || self.fragment_table.is_some();
        [
            (version, "the version is not 4.0"),
            (
                size,
                "the block size is no power of two from 4 KiB to 1 MiB",
            ),
            (log, "the block size and its logarithm disagree"),
            (known, "the compressor has no plausible number"),
            (
                self.tables_in_order(),
                "the tables are not in order within the bytes used",
            ),
            (root, "the root inode lies outside the inode table"),
            (fragments, "there are fragments but no fragment table"),
            (
                self.ids > 0 && self.inodes > 0,
                "there are no owners or no inodes",
            ),
        ]
    }

    fn tables_in_order(&self) -> bool {
        let optional = |table: Option<u64>, before: u64| table.unwrap_or(before);
        let fragments = optional(self.fragment_table, self.directory_table);
        let export = optional(self.export_table, fragments);
        let xattrs = optional(self.xattr_table, self.id_table);
        let order = [
            LEN,
            self.inode_table,
            self.directory_table,
            fragments,
            export,
            self.id_table,
            xattrs,
            self.bytes_used.saturating_sub(1),
        ];
        order.is_sorted() && self.inode_table < self.directory_table
    }

    /// Where the directories end at the latest: the next table's index, in bytes from the region's start.
    pub(super) fn directories_end(&self) -> u64 {
        self.fragment_table
            .or(self.export_table)
            .unwrap_or(self.id_table)
    }
}
