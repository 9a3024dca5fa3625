//! Compiling rules, and trying them on each content once.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use boreal::Scanner;
use boreal::compiler::{CompilerBuilder, CompilerParams};
use boreal::scanner::{ScanParams, ScanResult};
use rayon::prelude::*;

use super::Behaviour;
use crate::digest::Digest;
use crate::entry::Node;
use crate::extract::{Found, Inventory};
use crate::finding::Finding;
use crate::place::{Place, escape};
use crate::rules::Card;

/// A longer file is not tried (64 MiB).
const LONGEST: u64 = 64 << 20;
/// One file may take so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many matches of one string are counted.
const MATCHES: u32 = 100;
/// So many places of matches are told of one hit.
const TOLD: usize = 8;
/// So many hits are told of one image.
const HITS: usize = 1000;
/// A rule may have so many strings.
const STRINGS: usize = 10_000;
/// So many files with the same content are told.
const TWINS: usize = 8;

/// YARA rules that compiled.
#[derive(Clone, Debug)]
pub struct Yara {
    scanner: Scanner,
    /// How many files of rules there are.
    files: usize,
    /// The digest of the rules.
    sha256: Digest,
}

impl Yara {
    /// Compiles rules; each file, by its name and text, is a namespace. `include` yields the text that an include names.
    ///
    /// # Errors
    /// The first rule that does not compile, with its file and line; safe to show.
    pub fn compile(
        files: &[(String, String)],
        mut include: impl FnMut(&str) -> io::Result<String> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let mut compiler = CompilerBuilder::new().build();
        compiler.set_params(CompilerParams::default().max_strings_per_rule(STRINGS));
        let read = Arc::new(Mutex::new(String::new()));
        let note = |read: &Mutex<String>, name: &str, text: &str| {
            let line = format!("{name:?} {}\n", Digest::of(text.as_bytes()));
            read.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push_str(&line);
        };
        let included = Arc::clone(&read);
        compiler.set_include_callback(move |name, _, _| {
            let text = include(name)?;
            note(&included, name, &text);
            Ok(text)
        });
        for (name, text) in files {
            note(&read, name, text);
            compiler
                .add_rules_str_in_namespace(text, name)
                .map_err(|error| told(name, &error.to_string()))?;
        }
        let mut scanner = compiler.finalize();
        scanner.set_scan_params(
            ScanParams::default()
                .compute_full_matches(true)
                .match_max_length(0)
                .string_max_nb_matches(MATCHES)
                .timeout_duration(Some(PATIENCE)),
        );
        Ok(Self {
            scanner,
            files: files.len(),
            sha256: Digest::of(
                read.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .as_bytes(),
            ),
        })
    }

    /// The digest of the rules, with what they include.
    pub fn sha256(&self) -> Digest {
        self.sha256
    }

    /// How many rules there are.
    pub fn count(&self) -> usize {
        self.scanner.rules().count()
    }

    pub(super) fn hits(&self, found: &Inventory) -> Behaviour {
        let mut shown = Behaviour::default();
        let Some(card) = crate::rules::card("yara-match") else {
            return shown;
        };
        // The same content is tried once, wherever it stands.
        let mut contents: BTreeMap<Digest, Vec<&Found>> = BTreeMap::new();
        for entry in &found.entries {
            if let (Node::File(file), Some(sha256)) = (&entry.entry.node, entry.sha256) {
                if file.size > LONGEST {
                    let reason = format!(
                        "this file has more than {LONGEST} bytes: YARA rules were not tried on it"
                    );
                    shown.not_checked.push((entry.place.clone(), reason));
                } else {
                    contents.entry(sha256).or_default().push(entry);
                }
            }
        }
        let results: Vec<Tried> = contents
            .into_values()
            .collect::<Vec<_>>()
            .par_iter()
            .map(|twins| self.tried(twins, card))
            .collect();
        for tried in results {
            shown.findings.extend(tried.findings);
            shown.not_checked.extend(tried.unfinished);
        }
        shown
            .findings
            .sort_by(|one, other| one.place.cmp(&other.place));
        let more = shown.findings.len().saturating_sub(HITS);
        shown.findings.truncate(HITS);
        if more > 0 {
            let reason = format!("YARA rules hit {more} times more than is told");
            shown.not_checked.push((Place::image(), reason));
        }
        let reason = format!(
            "YARA: {} rules of {} files were tried on the files of the image, and on nothing else",
            self.count(),
            self.files
        );
        shown.not_checked.push((Place::image(), reason));
        shown
    }

    /// Tries the rules on one content.
    fn tried(&self, twins: &[&Found], card: &'static Card) -> Tried {
        let mut tried = Tried::default();
        let Some((first, others)) = twins.split_first() else {
            return tried;
        };
        let Node::File(file) = &first.entry.node else {
            return tried;
        };
        let mut bytes = Vec::new();
        // What could be read of it counts; that it could not all be read is told elsewhere.
        let _ = file.data.copy_to(&mut bytes);
        let result = self
            .scanner
            .scan_mem(&bytes)
            .unwrap_or_else(|(error, partial)| {
                let reason = format!("YARA rules were not all tried on this file: {error}");
                tried.unfinished = Some((first.place.clone(), reason));
                partial
            });
        tried.findings = findings(&result, first, others, card);
        tried
    }
}

/// What came of one content.
#[derive(Default)]
struct Tried {
    findings: Vec<Finding>,
    unfinished: Option<(Place, String)>,
}

fn findings(
    result: &ScanResult<'_>,
    first: &Found,
    others: &[&Found],
    card: &'static Card,
) -> Vec<Finding> {
    let rules = result.rules.iter().filter(|rule| rule.matched);
    rules
        .map(|rule| {
            let name = escape(rule.name.as_bytes());
            let mut evidence = vec![format!(
                "rule {name} of {}",
                escape(rule.namespace.as_bytes())
            )];
            let places = rule.matches.iter().flat_map(|string| {
                let name = escape(string.name.as_bytes());
                let matches = string.matches.iter();
                matches.map(move |it| {
                    (
                        it.offset,
                        format!("${name} at 0x{:x}, {} bytes", it.offset, it.length),
                    )
                })
            });
            let mut places: Vec<(usize, String)> = places.collect();
            places.sort();
            let more = places.len().saturating_sub(TOLD);
            evidence.extend(places.into_iter().take(TOLD).map(|(_, told)| told));
            if more > 0 {
                evidence.push(format!("and {more} more"));
            }
            let same = others.iter().take(TWINS);
            evidence.extend(same.map(|it| format!("the same content: {}", it.place)));
            let more = others.len().saturating_sub(TWINS);
            if more > 0 {
                evidence.push(format!("and in {more} files more"));
            }
            Finding {
                code: &card.code,
                severity: card.severity,
                confidence: card.confidence,
                title: card.title.clone(),
                place: first.place.clone(),
                evidence,
                references: card.references.iter().map(String::as_str).collect(),
                shown_in: None,
            }
        })
        .collect()
}

/// Why a file does not compile: its name instead of the word for a text without one, and no line breaks.
fn told(name: &str, error: &str) -> String {
    let of_file = error
        .strip_prefix("mem:")
        .map_or_else(|| error.to_owned(), |rest| format!("{name}:{rest}"));
    let words: Vec<&str> = of_file.split_whitespace().collect();
    escape(words.join(" ").as_bytes())
}
