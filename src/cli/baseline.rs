//! The arguments of `vitalsign baseline`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Beside, Budget, Output, Reading, signer};

/// `vitalsign baseline`
#[derive(Debug, Subcommand)]
pub enum BaselineCommand {
    /// Make an unsigned baseline from a reference image.
    Create(Box<BaselineCreate>),
    /// Sign a baseline; writes FILE.minisig beside it, or FILE.NAME.minisig.
    Sign(BaselineSign),
    /// Check a baseline's form and signature.
    Check(BaselineCheck),
    /// Show what a baseline covers.
    Show(BaselineShow),
    /// Show which row of a baseline decides what may stand at a path.
    Explain(BaselineExplain),
    /// Show what one baseline changes against another.
    Diff(BaselineDiff),
    /// Make an unsigned baseline from a list of digests that another tool wrote.
    Import(Box<BaselineImport>),
    /// Write a tree of a baseline as a list that other tools check.
    Export(BaselineExport),
}

/// `vitalsign baseline create`
#[derive(Debug, Args)]
pub struct BaselineCreate {
    /// The reference image.
    pub image: PathBuf,
    /// Paths that may change, as COMPONENT:GLOB (`data:/var/log/*.log`); programs and setuid bits stay forbidden there.
    #[arg(long, value_name = "COMPONENT:GLOB")]
    pub mutable: Vec<String>,
    /// What the baseline says of itself.
    #[command(flatten)]
    pub header: Header,
    /// How the image's bytes are to be taken.
    #[command(flatten)]
    pub reading: Reading,
    /// What belongs to the image.
    #[command(flatten)]
    pub beside: Beside,
    /// How much work the image may cause.
    #[command(flatten)]
    pub budget: Budget,
}

/// What a baseline says of itself.
#[derive(Debug, Args)]
pub struct Header {
    /// Who made the device.
    #[arg(long)]
    pub vendor: String,
    /// Which model it is.
    #[arg(long)]
    pub model: String,
    /// Which firmware version the image is.
    #[arg(long, value_name = "VERSION")]
    pub firmware_version: String,
    /// The baseline's number; it rises with every baseline for this vendor and model.
    #[arg(long, value_name = "N")]
    pub sequence: u64,
    /// When the baseline goes stale.
    #[arg(long, value_name = "RFC3339")]
    pub expires: jiff::Timestamp,
    /// Hardware revisions the baseline is for.
    #[arg(long)]
    pub hardware: Vec<String>,
    /// The UDI device identifier printed on the label.
    #[arg(long, value_name = "UDI-DI")]
    pub udi_di: Option<String>,
    /// The time of issue, instead of the clock.
    #[arg(long, value_name = "RFC3339")]
    pub now: Option<jiff::Timestamp>,
    /// The baseline to write.
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
}

/// `vitalsign baseline sign`
#[derive(Debug, Args)]
pub struct BaselineSign {
    /// The baseline.
    pub baseline: PathBuf,
    /// The secret key.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Who signs, where several do: the signature is FILE.NAME.minisig. A signature of another key is never replaced.
    #[arg(long, value_name = "NAME", value_parser = signer)]
    pub name: Option<String>,
    /// A file whose first line is the key's password, instead of a prompt.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// `vitalsign baseline check`
#[derive(Debug, Args)]
pub struct BaselineCheck {
    /// The baseline.
    pub baseline: PathBuf,
    /// The public key that must have signed it; without one only the form is checked.
    #[arg(long, value_name = "KEY")]
    pub trust_key: Vec<PathBuf>,
}

/// `vitalsign baseline show`
#[derive(Debug, Args)]
pub struct BaselineShow {
    /// The baseline.
    pub baseline: PathBuf,
}

/// `vitalsign baseline explain`
#[derive(Debug, Args)]
pub struct BaselineExplain {
    /// The baseline; its signature is not checked.
    pub baseline: PathBuf,
    /// The path, or COMPONENT:PATH, or a component; escaped as reports show it.
    pub path: String,
}

/// `vitalsign baseline diff`
///
/// Exit codes: 0 equal, else the sum of 1 added, 2 removed, 4 modified.
#[derive(Debug, Args)]
pub struct BaselineDiff {
    /// The baseline that is taken as the old one; no signature is checked.
    pub old: PathBuf,
    /// The baseline that is compared with it.
    pub new: PathBuf,
    /// Where the report goes.
    #[command(flatten)]
    pub output: Output,
}

/// `vitalsign baseline import`
#[derive(Debug, Args)]
pub struct BaselineImport {
    /// The list, or a directory that is taken as a tree.
    pub source: PathBuf,
    /// What the list is; told by its content when not given.
    #[arg(long, value_name = "KIND")]
    pub from: Option<crate::baseline::import::Source>,
    /// What the tree is called that paths are in.
    #[arg(long, value_name = "NAME", default_value = "rootfs")]
    pub component: String,
    /// Take this directory off the front of the paths, where a list has those of the machine that made it.
    #[arg(long, value_name = "DIR")]
    pub strip: Option<PathBuf>,
    /// What the baseline says of itself.
    #[command(flatten)]
    pub header: Header,
    /// How much work a directory may cause.
    #[command(flatten)]
    pub budget: Budget,
}

/// `vitalsign baseline export`
#[derive(Debug, Args)]
pub struct BaselineExport {
    /// The baseline; its signature is not checked.
    pub baseline: PathBuf,
    /// The form of the list.
    #[arg(long, value_name = "KIND")]
    pub to: ExportKind,
    /// Which tree; needed where the baseline has several.
    #[arg(long, value_name = "NAME")]
    pub component: Option<String>,
    /// The file to write instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The forms of an exported list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportKind {
    /// A specification for `mtree`.
    Mtree,
    /// Lines for `sha256sum -c`; files only.
    Sha256sums,
}
