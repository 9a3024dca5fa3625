//! What a baseline says, in types that cannot hold what its form forbids.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::boot::BootRow;
use super::change::Value;
use super::memory::{FunctionRow, PageRow};
use super::outline::CodeRow;
use super::text::TextRow;
use super::tree::TreeRow;
use super::values::row_values;
use crate::digest::Digest;
use crate::entry::{Device as DeviceNumber, EntryPath, Node};

/// What a signer says that a device and version hold.
///
/// Rows name their component by its index in [`Baseline::components`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// Rises with each baseline of a vendor and model: the rollback counter.
    pub sequence: u64,
    /// When it was made, as the signer claims.
    pub issued: Timestamp,
    /// From when on it is stale.
    pub expires: Timestamp,
    /// What it is for.
    pub device: Device,
    /// Which firmware it describes.
    pub firmware: Firmware,
    /// What it was imported from; `None` when it was made from an image.
    pub origin: Option<Origin>,
    /// What the firmware is made of. Names differ by more than case.
    pub components: Vec<Component>,
    /// Every entry of every tree, sorted by component, path and ordinal; each once.
    pub files: Vec<FileRow>,
    /// What each memory holds, sorted by component and address; rows do not overlap.
    pub pages: Vec<PageRow>,
    /// Functions of memories, sorted by component, address and name. They explain a change and never excuse it.
    pub functions: Vec<FunctionRow>,
    /// Fingerprints of executables, sorted by digest; each once. They explain a change and never excuse it.
    pub elf: Vec<ElfRow>,
    /// Marks of the lines of texts, sorted by digest; each once. They explain a change and never excuse it.
    pub texts: Vec<TextRow>,
    /// What raw components say of how the device starts, sorted by component; each once. The same holds for it, and for what follows.
    pub boot: Vec<BootRow>,
    /// Marks of device trees, sorted by digest; each once.
    pub trees: Vec<TreeRow>,
    /// Where entries may change, and how far.
    pub mutable: Vec<MutableRow>,
}

/// A device model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Who made it.
    pub vendor: String,
    /// What it is called.
    pub model: String,
    /// The hardware revisions meant; empty for all.
    pub hardware: Vec<String>,
    /// The device identifier on its label.
    pub udi_di: Option<String>,
    /// The asset tags of the units meant; empty for all.
    pub assets: Vec<String>,
    /// Other names it is sold under.
    pub aliases: Vec<String>,
}

/// A firmware version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firmware {
    /// The version described.
    pub version: String,
    /// Versions below this one are superseded, authentic or not.
    pub security_floor: Option<String>,
    /// Where an image shows which version it is.
    pub evidence: Vec<Evidence>,
}

/// The list that a draft was imported from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What kind of list it is: `mtree`, `sha256sums`.
    pub kind: String,
    /// Its file name; escaped.
    pub name: String,
    /// The digest of its bytes.
    pub sha256: Digest,
}

/// A content that shows the version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// In which component.
    pub component: usize,
    /// In which of its files; `None` for a raw component.
    pub path: Option<EntryPath>,
    /// What is found there.
    pub contains: Vec<u8>,
}

/// One part of the firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// What rows and reports call it.
    pub name: String,
    /// What is known of its content.
    pub body: Body,
    /// Where the image has to have it, in bytes from the image's start.
    pub at: Option<u64>,
    /// Which part of the device holds it (a chip, a module), where the device has several that are read on their own.
    pub part: Option<String>,
    /// Whether an image may lack it.
    pub optional: bool,
}

/// The content of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A tree of entries, whatever holds it.
    Tree {
        /// The format it was read from; for people.
        format: Option<String>,
        /// What its rows say nothing of; the list that they were imported from could not.
        unstated: BTreeSet<Unstated>,
    },
    /// Exact bytes.
    Raw {
        /// How many, where that is stated.
        size: Option<u64>,
        /// Which.
        sha256: Digest,
    },
    /// Bytes at addresses, whatever the form of the file.
    Memory {
        /// The digest of [`Memory`](crate::memory::Memory).
        sha256: Digest,
    },
}

impl Body {
    /// Whether it is a memory.
    pub fn is_memory(&self) -> bool {
        matches!(self, Self::Memory { .. })
    }

    /// Whether it is a tree.
    pub fn is_tree(&self) -> bool {
        matches!(self, Self::Tree { .. })
    }
}

/// One entry of a tree. What the format does not store is absent and not compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// The tree.
    pub component: usize,
    /// Where in it.
    pub path: EntryPath,
    /// 0, or how many entries of the same path stand before this one in the tree.
    pub ordinal: u32,
    /// What it is.
    pub node: ExpectedNode,
    /// Permission bits with setuid, setgid and sticky: the low 12 bits only.
    pub mode: Option<u32>,
    /// Numeric owner.
    pub uid: Option<u32>,
    /// Numeric group.
    pub gid: Option<u32>,
    /// Extended attributes by full name.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl FileRow {
    /// What it states, by the names that reports give to fields.
    pub fn values(&self) -> BTreeMap<&'static str, Value> {
        row_values(self)
    }
}

/// What the rows of a tree may say nothing of. It is not verified then, and every report says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unstated {
    /// Entries of a kind, of which the rows name some or none.
    Entries(Kind),
    /// Extended attributes.
    Xattrs,
}

impl Unstated {
    /// Everything that can be unstated, under the word that baselines use. Files are always stated.
    pub(super) const WORDS: &[(&'static str, Self)] = &[
        ("dir", Self::Entries(Kind::Dir)),
        ("symlink", Self::Entries(Kind::Symlink)),
        ("char", Self::Entries(Kind::Char)),
        ("block", Self::Entries(Kind::Block)),
        ("fifo", Self::Entries(Kind::Fifo)),
        ("socket", Self::Entries(Kind::Socket)),
        ("xattrs", Self::Xattrs),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        word(Self::WORDS, self)
    }
}

/// What an entry must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedNode {
    /// A regular file.
    File {
        /// Its size in bytes; where it is not stated, the digest settles it all the same.
        size: Option<u64>,
        /// Its content.
        sha256: Digest,
    },
    /// A directory.
    Dir,
    /// A symbolic link and the bytes it holds.
    Symlink(Vec<u8>),
    /// A character device.
    Char(DeviceNumber),
    /// A block device.
    Block(DeviceNumber),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl ExpectedNode {
    /// The content of a file.
    pub fn digest(&self) -> Option<Digest> {
        match self {
            Self::File { sha256, .. } => Some(*sha256),
            _ => None,
        }
    }

    /// Which kind of entry it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::File { .. } => Kind::File,
            Self::Dir => Kind::Dir,
            Self::Symlink(_) => Kind::Symlink,
            Self::Char(_) => Kind::Char,
            Self::Block(_) => Kind::Block,
            Self::Fifo => Kind::Fifo,
            Self::Socket => Kind::Socket,
        }
    }
}

/// The kinds of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A character device.
    Char,
    /// A block device.
    Block,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl Kind {
    /// Every kind, under the word that baselines and reports use.
    pub(super) const WORDS: &[(&'static str, Self)] = &[
        ("file", Self::File),
        ("dir", Self::Dir),
        ("symlink", Self::Symlink),
        ("char", Self::Char),
        ("block", Self::Block),
        ("fifo", Self::Fifo),
        ("socket", Self::Socket),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        word(Self::WORDS, self)
    }
}

impl From<&Node> for Kind {
    fn from(node: &Node) -> Self {
        match node {
            Node::File(_) => Self::File,
            Node::Dir => Self::Dir,
            Node::Symlink(_) => Self::Symlink,
            Node::Char(_) => Self::Char,
            Node::Block(_) => Self::Block,
            Node::Fifo => Self::Fifo,
            Node::Socket => Self::Socket,
        }
    }
}

/// What is known of the structure of one executable, to explain how another one differs from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElfRow {
    /// The SHA-256 of the file.
    pub of: Digest,
    /// The machine it is for.
    pub machine: Option<String>,
    /// Its build id.
    pub build_id: Option<Vec<u8>>,
    /// The program that loads it; escaped.
    pub interpreter: Option<String>,
    /// The libraries it asks for, in its order; escaped.
    pub needed: Vec<String>,
    /// Where they are looked for first (`DT_RPATH`, `DT_RUNPATH`): lists with colons; escaped.
    pub search: Vec<String>,
    /// The SHA-256 of its `.text`.
    pub text: Option<Digest>,
    /// The SHA-256 of the sorted names it imports, a line feed between them.
    pub imports: Option<Digest>,
    /// The SHA-256 of the sorted names it exports, a line feed between them.
    pub exports: Option<Digest>,
    /// The SHA-256 of its sections, one `name size flags` line each.
    pub sections: Option<Digest>,
    /// The fingerprints of its functions.
    pub code: Option<CodeRow>,
}

/// Where entries may differ from their rows or come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MutableRow {
    /// The tree.
    pub component: usize,
    /// Which paths: `*` and `?` stay within one component, `**` does not.
    pub glob: String,
    /// Which kinds of entries.
    pub types: BTreeSet<Kind>,
    /// The permission bits an entry may have at most.
    pub mode_max: u32,
    /// How many bytes a file may have; there when `types` allows files.
    pub max_bytes: Option<u64>,
    /// What is refused wherever the glob matches, whatever another row allows.
    pub forbid: BTreeSet<Forbid>,
}

/// What a [`MutableRow`] can forbid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Forbid {
    /// ELF executables and libraries.
    Elf,
    /// Scripts.
    Script,
    /// Files that run with their owner's or group's rights.
    Setuid,
    /// Files with an execute bit.
    Exec,
}

impl Forbid {
    /// Everything that can be forbidden, under the word that baselines use.
    pub(super) const WORDS: &[(&'static str, Self)] = &[
        ("elf", Self::Elf),
        ("script", Self::Script),
        ("setuid", Self::Setuid),
        ("exec", Self::Exec),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        word(Self::WORDS, self)
    }
}

fn word<T: PartialEq + Copy>(words: &[(&'static str, T)], wanted: T) -> &'static str {
    words
        .iter()
        .find(|(_, value)| *value == wanted)
        .map_or("", |(word, _)| word)
}
