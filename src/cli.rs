//! The arguments of the command line, and nothing else.

pub mod attest;
pub mod audit;
mod baseline;
pub mod index;
pub mod keyring;
mod report;
pub mod risk;
mod trust;

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use crate::budget::Limits;
use crate::formats::nand::{Choice, Geometry, layouts};

pub use self::baseline::{
    BaselineCheck, BaselineCommand, BaselineCreate, BaselineDiff, BaselineExplain, BaselineExport,
    BaselineImport, BaselineShow, BaselineSign, ExportKind, Header,
};
pub use attest::{Attest, AttestCommand};
pub use audit::Audit;
pub use index::IndexCommand;
pub use keyring::KeyringCommand;
pub use report::{Report, Unit};
pub use risk::{Checks, Explain, Packs, RulesCommand, RulesShow, RulesTest, Scan};
pub use trust::{Device, Trust};

pub use crate::report::verify::render::ReportFormat;

/// Tells whether a patient monitor's firmware is what a trusted signer says it should be.
///
/// Exit codes: 0 verified; the sum of 1 added, 2 removed, 4 modified, 8 unverified or unread, 16 proven finding,
/// 32 policy; from 64 on no verdict (64 usage, 65 malformed baseline or key, 66 cannot read input, 67 untrusted
/// signature, 68 wrong device or version, 69 revoked, 70 internal error).
#[derive(Debug, Parser)]
#[command(name = "vitalsign", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// When to use colour; it is never the only carrier of a meaning.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Say nothing on standard error but errors.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// How many threads to use; as many as there are cores when not given.
    #[arg(long, global = true, value_name = "N")]
    pub jobs: Option<usize>,
    /// Keep all rights of whoever runs this while an image is read. On Linux they are given up otherwise: only inputs can be read, only
    /// outputs written, and no program started.
    #[arg(long, global = true, conflicts_with = "require_sandbox")]
    pub no_sandbox: bool,
    /// Read an image only if this system can hold the sandbox; the report then states that it did.
    #[arg(long, global = true)]
    pub require_sandbox: bool,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compare one image with a signed baseline: integrity and known risk.
    Verify(Box<Verify>),
    /// Verify many images: one record a device, and what only all of them together show.
    Audit(Box<Audit>),
    /// Look for known risk in one image, without a baseline.
    Scan(Box<Scan>),
    /// List what an image holds: regions, entries, gaps, problems.
    List(List),
    /// Write the files of an image out, safely.
    Extract(Extract),
    /// Compare two images, entry by entry.
    Diff(Diff),
    /// Show a report that `verify`, `scan` or `diff` stored as JSON, in any form.
    Report(Report),
    /// Make, sign and read baselines.
    #[command(subcommand)]
    Baseline(BaselineCommand),
    /// Make and read keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Make, check and rotate keyrings: which key may say what, about which devices.
    #[command(subcommand)]
    Keyring(KeyringCommand),
    /// Make indexes: which baselines are current.
    #[command(subcommand)]
    Index(IndexCommand),
    /// Check what was attested of an image (`verify --attest`).
    #[command(subcommand)]
    Attest(AttestCommand),
    /// Tell which formats are read, what is verified in them, and what is not read.
    Formats(Output),
    /// List, show and test the rules of known risk.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Explain a code: what it means, how it is shown, what would disprove it, what to do.
    Explain(Box<Explain>),
}

/// `vitalsign verify`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("word").args(["trust_key", "keyring", "allow_unsigned"]).required(true).multiple(true)))]
pub struct Verify {
    /// The image: a file, a block device, a directory (a mounted root) or `-`.
    pub image: PathBuf,
    /// The baseline; its signatures stand beside it, as FILE.minisig or FILE.NAME.minisig (or .sig, .signify, .ed25519).
    /// Of a directory of baselines the one that fits the image is taken.
    #[arg(long, value_name = "FILE|DIR")]
    pub baseline: PathBuf,
    /// Whose word counts.
    #[command(flatten)]
    pub trust: Trust,
    /// Packs of rules besides those built in; the same word counts about them.
    #[command(flatten)]
    pub packs: Packs,
    /// What else the checks are given.
    #[command(flatten)]
    pub checks: Checks,
    /// Which device it is.
    #[command(flatten)]
    pub device: Device,
    /// Which unit it is.
    #[command(flatten)]
    pub unit: Unit,
    /// The time to judge by, instead of the clock; it is printed in the report.
    #[arg(long, value_name = "RFC3339")]
    pub now: Option<jiff::Timestamp>,
    /// From which severity on a proven finding sets the exit code's bit 16.
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    pub fail_on: crate::finding::Severity,
    /// Let every finding at or above `--fail-on` set the bit, proven or not.
    #[arg(long)]
    pub strict: bool,
    /// Where the report goes.
    #[command(flatten)]
    pub output: ReportOutput,
    /// What is signed of it.
    #[command(flatten)]
    pub attest: Attest,
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

/// `vitalsign list`
#[derive(Debug, Args)]
pub struct List {
    /// The image: a file, a block device, a directory (a mounted root) or `-`.
    pub image: PathBuf,
    /// Tell what each program says about itself: sections, libraries, symbols, hardening (with `--format json`).
    #[arg(long)]
    pub facts: bool,
    /// Where the report goes.
    #[command(flatten)]
    pub output: Output,
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

/// `vitalsign extract`
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct Extract {
    /// The image: a file, a block device, a directory (a mounted root) or `-`.
    pub image: PathBuf,
    /// The directory to write to; it must be new or empty.
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
    /// Also write older contents that are still there, overwritten or deleted, into folders that end in `.history`.
    #[arg(long)]
    pub history: bool,
    /// Keep owners, groups, exact modes, times, extended attributes and hard links; owners only as root.
    #[arg(long)]
    pub preserve: bool,
    /// Keep setuid and setgid bits, and with `--preserve` file capabilities.
    #[arg(long)]
    pub setuid: bool,
    /// Make device nodes, pipes and sockets; device nodes only as root.
    #[arg(long)]
    pub devices: bool,
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

/// `vitalsign diff`
#[derive(Debug, Args)]
pub struct Diff {
    /// The image that is taken as expected.
    pub expected: PathBuf,
    /// The image that is compared with it.
    pub found: PathBuf,
    /// Where the report goes.
    #[command(flatten)]
    pub output: ReportOutput,
    /// How the images' bytes are to be taken.
    #[command(flatten)]
    pub reading: Reading,
    /// How much work each image may cause.
    #[command(flatten)]
    pub budget: Budget,
}

/// `vitalsign key`
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key pair: PREFIX.key (secret) and PREFIX.pub.
    Generate(KeyGenerate),
    /// Show a key's fingerprint; never its secret.
    Show(KeyShow),
}

/// `vitalsign key generate`
#[derive(Debug, Args)]
pub struct KeyGenerate {
    /// The files' name without its ending.
    #[arg(long, value_name = "PREFIX")]
    pub output: PathBuf,
    /// Leave the secret key unencrypted.
    #[arg(long, conflicts_with = "password_file")]
    pub no_password: bool,
    /// A file whose first line is the password, instead of a prompt.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// `vitalsign key show`
#[derive(Debug, Args)]
pub struct KeyShow {
    /// A public or secret key file.
    pub key: PathBuf,
}

/// Where a list goes and in which form.
#[derive(Debug, Args)]
pub struct Output {
    /// The form of the report.
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    pub format: ListFormat,
    /// The file to write instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Where a report about an image goes and in which form.
#[derive(Debug, Args)]
pub struct ReportOutput {
    /// The form of the report.
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    pub format: ReportFormat,
    /// The file to write instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show long lists in full, where the form folds them.
    #[arg(long, short)]
    pub verbose: bool,
}

/// The forms of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people.
    Terminal,
    /// For programs.
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal that wants it.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How the bytes of an image are to be taken.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "NAND")]
pub struct Reading {
    /// The pages and spare bytes of a NAND dump (2048+64, or 2048+64x64 with the pages of a block), or `none`; detected when
    /// not given. It says what IMAGE itself is, not what is packed in it.
    #[arg(long, value_name = "PAGE+SPARE", value_parser = nand)]
    pub nand: Option<Choice>,
    /// The layout of its check bytes; detected when not given.
    #[arg(long, value_name = "NAME", requires = "nand", value_parser = PossibleValuesParser::new(layouts()))]
    pub ecc: Option<String>,
    /// Where the first byte of IMAGE is loaded (0x8000000), when IMAGE is a plain copy of a microcontroller's flash; inferred
    /// from the vector table of a Cortex-M when not given.
    #[arg(long, value_name = "ADDRESS", value_parser = address, conflicts_with = "nand", help_heading = "Microcontrollers")]
    pub base: Option<u64>,
    /// A description of a vendor's update header (TOML, see docs/wrapper.md); may be given several times.
    #[arg(long, value_name = "FILE", help_heading = "Vendors' wrappers")]
    pub wrapper: Vec<PathBuf>,
    /// Read what was XORed with a short key again and again, where a known format shows with it.
    #[arg(long, help_heading = "Vendors' wrappers")]
    pub xor: bool,
}

/// Other files that belong to an image.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Files beside the image")]
pub struct Beside {
    /// Another part of the same device, such as an eMMC's boot partition that was read on its own (boot0=FILE).
    #[arg(long, value_name = "NAME=FILE", value_parser = named)]
    pub with: Vec<(String, PathBuf)>,
    /// Which part of the device IMAGE itself is, where its baseline names several parts.
    #[arg(long, value_name = "NAME", value_parser = signer)]
    pub part: Option<String>,
    /// A second read of the same chip: where the two differ, nothing is verified.
    #[arg(long, value_name = "FILE")]
    pub second_read: Option<PathBuf>,
    /// The other chip of a pair whose bytes take turns; IMAGE has the first.
    #[arg(long, value_name = "FILE")]
    pub interleave: Option<PathBuf>,
    /// How many bytes each chip of the pair gives in its turn: 1 for 8-bit chips, 2 for 16-bit chips.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub interleave_width: u8,
}

impl Reading {
    /// What was said about spare bytes.
    pub fn choice(&self) -> Choice {
        let named = |ecc: &String| layouts().into_iter().find(|name| name == ecc);
        match &self.nand {
            Some(Choice::Stated(geometry, _)) => {
                Choice::Stated(*geometry, self.ecc.as_ref().and_then(named))
            }
            Some(choice) => choice.clone(),
            None => Choice::Detect,
        }
    }
}

fn nand(text: &str) -> Result<Choice, String> {
    if text == "none" {
        return Ok(Choice::None);
    }
    let geometry = text.parse::<Geometry>();
    geometry
        .map(|geometry| Choice::Stated(geometry, None))
        .map_err(|malformed| malformed.to_string())
}

fn address(text: &str) -> Result<u64, String> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let address = match hex {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    address.ok_or_else(|| "write an address such as 0x8000000".to_owned())
}

fn signer(text: &str) -> Result<String, String> {
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-');
    if text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("write a name such as biomed-a; it starts with a letter or digit, and has letters, digits and ._- only".to_owned())
    }
}

fn named(text: &str) -> Result<(String, PathBuf), String> {
    // Places start with the name, and must be readable.
    let plain = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-'))
    };
    match text.split_once('=') {
        Some((name, file)) if plain(name) && !file.is_empty() => {
            Ok((name.to_owned(), file.into()))
        }
        _ => Err("write NAME=FILE, such as boot0=boot0.bin; a name starts with a letter, and has letters, digits and ._- only"
            .to_owned()),
    }
}

/// The budget flags.
#[derive(Debug, Args)]
#[command(next_help_heading = "Budget")]
pub struct Budget {
    /// How deep containers may be nested.
    #[arg(long, value_name = "N", default_value_t = Limits::default().depth)]
    pub max_depth: usize,
    /// How many entries may be read.
    #[arg(long, value_name = "N", default_value_t = Limits::default().entries)]
    pub max_entries: u64,
    /// How many bytes all decoding may yield.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().decoded)]
    pub max_decoded: u64,
    /// How many bytes one stored byte may become, in streams above 256 MiB.
    #[arg(long, value_name = "N", default_value_t = Limits::default().ratio)]
    pub max_ratio: u64,
    /// How many bytes of decoded streams are held in memory; the rest goes to unlinked temporary files.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().memory)]
    pub max_memory: u64,
    /// How many seconds one image may take.
    #[arg(long, value_name = "N")]
    pub max_seconds: Option<u64>,
}

impl Budget {
    /// The limits that the flags state.
    pub fn limits(&self) -> Limits {
        Limits {
            depth: self.max_depth,
            entries: self.max_entries,
            decoded: self.max_decoded,
            ratio: self.max_ratio,
            memory: self.max_memory,
        }
    }
}
