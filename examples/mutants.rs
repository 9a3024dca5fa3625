//! Damages images in every way that `tests/slow/mutants` names, and judges each: `mutants EVERY FIRST FILE...` tries each EVERY-th mutant from the FIRST.
//!
//! A mutant may cost what it may (10 CPU seconds, 512 MB resident), must not panic, its bytes are all accounted for, and it is a match with the baseline
//! of the sound image only where everything in it is as it was.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::exit,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test of its own: it fails loudly, talks to people, and ends what hangs"
)]

use std::fs::{self, File};
use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use vitalsign::baseline::compare::compare;
use vitalsign::baseline::create::create;
use vitalsign::baseline::{Baseline, Device, Firmware};
use vitalsign::budget::{Budget, Limits};
use vitalsign::check::{Basis, risk};
use vitalsign::entry::Node;
use vitalsign::extract::{Inventory, unpack};
use vitalsign::finding::Severity;
use vitalsign::image::Image;
use vitalsign::verdict::{Against, Integrity, Threshold, Verdict};

/// Larger images are left out, in bytes (64 MiB).
const LARGEST: u64 = 64 << 20;
/// What one mutant may cost: CPU seconds, and resident kilobytes.
const SECONDS: u64 = 10;
const RESIDENT: u64 = 512 << 10;
/// So many places at which an image is cut off, and so many of its bits that are flipped.
const CUTS: u64 = 64;
const FLIPS: u64 = 1000;
/// How much of a region counts as its header, in bytes.
const HEADER: usize = 512;
const WORDS: [u32; 4] = [0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/// What is being judged, for whoever watches; and since which CPU second.
static NOW: Mutex<Option<(String, u64)>> = Mutex::new(None);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = || arguments.next()?.parse::<u64>().ok();
    let (every, first) = (number(), number());
    let (Some(every @ 1..), Some(first)) = (every, first) else {
        anyhow::bail!("usage: mutants EVERY FIRST FILE...");
    };
    std::thread::spawn(watch);
    let mut tried = Tried::default();
    for path in arguments {
        tried.image(Path::new(&path), every, first % every)?;
    }
    println!("{tried}");
    ensure!(tried.failed == 0, "{} mutants failed", tried.failed);
    Ok(())
}

/// What came of all mutants so far.
#[derive(Default)]
struct Tried {
    images: u64,
    left_out: u64,
    mutants: u64,
    matches: u64,
    differ: u64,
    incomplete: u64,
    failed: u64,
    seconds: u64,
    kilobytes: u64,
}

impl std::fmt::Display for Tried {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{} mutants of {} images ({} left out): {} differ, {} incomplete, {} match and are what they were, {} failed; at most {} CPU s and {} MB",
            self.mutants,
            self.images,
            self.left_out,
            self.differ,
            self.incomplete,
            self.matches,
            self.failed,
            self.seconds,
            self.kilobytes / 1024
        )
    }
}

impl Tried {
    fn image(&mut self, path: &Path, every: u64, first: u64) -> Result<()> {
        let name = path.display().to_string();
        let Some(bytes) = read(path).with_context(|| name.clone())? else {
            self.left_out += 1;
            return Ok(());
        };
        self.images += 1;
        begin(&name);
        let sound = Sound::new(bytes);
        for number in (first..sound.mutants()).step_by(usize::try_from(every)?) {
            self.mutant(&name, &sound, number);
        }
        Ok(())
    }

    fn mutant(&mut self, name: &str, sound: &Sound, number: u64) {
        let (how, bytes) = sound.mutant(number);
        let what = format!("{name}: mutant {number}, {how}");
        let since = begin(&what);
        let judged = catch_unwind(AssertUnwindSafe(|| sound.judge(bytes)));
        let (seconds, kilobytes) = (cpu_seconds() - since, most_resident());
        self.mutants += 1;
        self.seconds = self.seconds.max(seconds);
        self.kilobytes = self.kilobytes.max(kilobytes);
        let failure = match judged {
            Err(_) => Some("panics".to_owned()),
            Ok(Err(wrong)) => Some(wrong),
            Ok(Ok(_)) if seconds > SECONDS => Some(format!("takes {seconds} CPU s")),
            Ok(Ok(_)) if kilobytes > RESIDENT => Some(format!("takes {kilobytes} kB")),
            Ok(Ok(integrity)) => {
                *match integrity {
                    Integrity::Match => &mut self.matches,
                    Integrity::Differ => &mut self.differ,
                    _ => &mut self.incomplete,
                } += 1;
                None
            }
        };
        if let Some(failure) = failure {
            eprintln!("{what}: {failure}");
            self.failed += 1;
        }
    }
}

/// An image, unpacked where its fixture is packed; `None`: it is too large.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let packed = path.to_string_lossy().ends_with(".img.gz");
    let file = File::open(path)?;
    if packed {
        let decoder = flate2::read::MultiGzDecoder::new(file);
        decoder.take(LARGEST + 1).read_to_end(&mut bytes)?;
    } else {
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    }
    Ok((bytes.len() as u64 <= LARGEST && !bytes.is_empty()).then_some(bytes))
}

/// An image as it was made, and what is in it.
struct Sound {
    bytes: Vec<u8>,
    /// Offsets of the words in the headers of its regions.
    words: Vec<usize>,
    /// What it is compared by; `None` where it does not even match itself.
    baseline: Option<Baseline>,
    rows: Vec<String>,
}

impl Sound {
    fn new(bytes: Vec<u8>) -> Self {
        let image = Bytes::from(bytes.clone());
        let found = inventory(image.clone());
        let start = image.as_ptr() as usize;
        let mut words = Vec::new();
        for region in &found.regions {
            // What is not a copy, lies in the image itself, wherever it is nested.
            let at = (region.bytes.as_ptr() as usize).wrapping_sub(start);
            if at < image.len() {
                let end = image.len().min(at + region.bytes.len().min(HEADER));
                words.extend((at..end.saturating_sub(3)).step_by(4));
            }
        }
        words.sort_unstable();
        words.dedup();
        let baseline = baseline(&found);
        let baseline = (integrity(&baseline, &found) == Integrity::Match).then_some(baseline);
        let rows = rows(&found);
        Self {
            bytes,
            words,
            baseline,
            rows,
        }
    }

    fn mutants(&self) -> u64 {
        CUTS + FLIPS + (self.words.len() * WORDS.len()) as u64
    }

    fn mutant(&self, number: u64) -> (String, Vec<u8>) {
        let mut bytes = self.bytes.clone();
        let len = bytes.len() as u64;
        if number < CUTS {
            // Half of them at even distances, half by chance.
            let at = match number % 2 {
                0 => len * number / CUTS,
                _ => noise(number) % len,
            };
            bytes.truncate(at as usize);
            return (format!("cut at {at:#x}"), bytes);
        }
        if number < CUTS + FLIPS {
            let (at, bit) = (noise(number) % len, noise(number) >> 61);
            bytes[at as usize] ^= 1 << bit;
            return (format!("bit {bit} of {at:#x}"), bytes);
        }
        let number = (number - CUTS - FLIPS) as usize;
        let (at, word) = (
            self.words[number / WORDS.len()],
            WORDS[number % WORDS.len()],
        );
        // Both orders are the same word, but for one bit: each kind of field has its own.
        let word = match self.bytes[at] {
            0 => word.to_be_bytes(),
            _ => word.to_le_bytes(),
        };
        bytes[at..at + 4].copy_from_slice(&word);
        (format!("{word:02x?} at {at:#x}"), bytes)
    }

    /// What a mutant is, or what is wrong with that.
    fn judge(&self, mutant: Vec<u8>) -> Result<Integrity, String> {
        let len = mutant.len() as u64;
        let is_same = mutant == self.bytes;
        let found = inventory(Bytes::from(mutant));
        let told = found.coverage;
        if told.content + told.metadata + told.fill + told.unknown != len {
            return Err("bytes are told twice, or not at all".to_owned());
        }
        let _ = risk(&found, &Basis::default());
        let Some(baseline) = &self.baseline else {
            return Ok(Integrity::Incomplete);
        };
        let integrity = integrity(baseline, &found);
        if integrity == Integrity::Match && !is_same && rows(&found) != self.rows {
            return Err("is a match, and something in it is not what it was".to_owned());
        }
        Ok(integrity)
    }
}

fn inventory(bytes: Bytes) -> Inventory {
    let budget = Budget::new(Limits::default());
    unpack(&Image::from_bytes("image", bytes), &budget)
}

fn baseline(found: &Inventory) -> Baseline {
    let draft = create(found);
    let time = |text: &str| text.parse().expect("a time of our own");
    let device = Device {
        vendor: "example-medical".to_owned(),
        model: "VSM-9000".to_owned(),
        ..Device::default()
    };
    let firmware = Firmware {
        version: "1".to_owned(),
        ..Firmware::default()
    };
    Baseline {
        sequence: 1,
        issued: time("2026-01-01T00:00:00Z"),
        expires: time("2036-01-01T00:00:00Z"),
        device,
        firmware,
        origin: None,
        components: draft.components,
        files: draft.files,
        pages: draft.pages,
        functions: draft.functions,
        elf: draft.elf,
        texts: draft.texts,
        boot: draft.boot,
        trees: draft.trees,
        mutable: Vec::new(),
    }
}

fn integrity(baseline: &Baseline, found: &Inventory) -> Integrity {
    let compared = compare(baseline, found);
    let threshold = Threshold {
        severity: Severity::High,
        strict: false,
    };
    let complete = compared.is_complete();
    Verdict::of(
        &compared.changes,
        &[],
        complete,
        false,
        Against::Trusted,
        threshold,
    )
    .integrity
}

/// All that is in an image, however it is stored there: entries with what is said of them, memories, and raw bytes that nobody explains.
fn rows(found: &Inventory) -> Vec<String> {
    let entries = found.entries.iter().map(|it| {
        let node = match &it.entry.node {
            Node::File(file) => format!("{} {:?}", file.size, it.sha256),
            Node::Symlink(target) => format!("{target:02x?}"),
            Node::Char(device) | Node::Block(device) => {
                format!("{} {}", device.major, device.minor)
            }
            _ => String::new(),
        };
        let (path, meta) = (it.entry.path.as_bytes(), &it.entry.meta);
        let said = (meta.mode, meta.uid, meta.gid, &meta.xattrs);
        format!(
            "{path:02x?} {} {node} {said:02x?} {}",
            it.entry.node.word(),
            it.ordinal
        )
    });
    let memories = found.memories.values().map(|it| it.digest().to_string());
    let unknown = found.gaps.iter().filter(|gap| gap.kind.is_unknown());
    let unknown = unknown.map(|gap| vitalsign::digest::Digest::of(&gap.bytes).to_string());
    let mut rows: Vec<String> = entries.chain(memories).chain(unknown).collect();
    rows.sort();
    rows
}

/// Repeatable noise (splitmix64).
fn noise(number: u64) -> u64 {
    let mut word = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Says what is next, forgets how much memory there was, and tells the CPU second.
fn begin(what: &str) -> u64 {
    let since = cpu_seconds();
    *NOW.lock().expect("no thread panics with it") = Some((what.to_owned(), since));
    // 5: the largest resident set is that of now.
    let _ = fs::write("/proc/self/clear_refs", "5");
    since
}

/// Ends the program when something does not end.
fn watch() {
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let now = NOW.lock().expect("no thread panics with it").clone();
        if let Some((what, since)) = now
            && cpu_seconds() - since > 6 * SECONDS
        {
            eprintln!("{what}: does not end");
            std::process::exit(1);
        }
    }
}

/// CPU seconds of this process, of all its threads.
fn cpu_seconds() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |at| {
        fields
            .split_whitespace()
            .nth(at)
            .and_then(|it| it.parse::<u64>().ok())
    };
    // The 14th and 15th field of the line; the command's name is the second. A second has 100 ticks.
    (ticks(11).unwrap_or_default() + ticks(12).unwrap_or_default()) / 100
}

/// The largest resident set since the mutant began, in kB.
fn most_resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_default()
}
