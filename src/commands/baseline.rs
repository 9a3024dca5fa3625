//! `vitalsign baseline create|sign|check|show`

use std::fmt::Write;

use anyhow::{Context, Result};

use super::exit::Usage;
use super::{clock, open, output, signatures, talk, trust};
use crate::baseline::{Baseline, Body, Device, Firmware, Forbid, Kind, MutableRow, create};
use crate::cli::{BaselineCheck, BaselineCommand, BaselineCreate, BaselineShow, BaselineSign};
use crate::report::text;
use crate::trust::{Authority, Purpose, minisign};

/// A mutable file may have so many bytes unless the baseline is edited (16 MiB).
const MUTABLE_BYTES: u64 = 16 << 20;

/// Runs a baseline command.
pub(super) fn run(command: &BaselineCommand) -> Result<u8> {
    match command {
        BaselineCommand::Create(args) => run_create(args),
        BaselineCommand::Sign(args) => sign(args),
        BaselineCommand::Check(args) => check(args),
        BaselineCommand::Show(args) => show(args),
    }
}

fn run_create(args: &BaselineCreate) -> Result<u8> {
    let found = open::inventory(&args.image, &args.reading, &args.beside, &args.budget)?;
    let mut draft = create::create(&found);
    for component in &mut draft.components {
        if component.part.is_none() {
            component.part.clone_from(&args.beside.part);
        }
    }
    let mut baseline = Baseline {
        sequence: args.sequence,
        issued: args.now.unwrap_or_else(clock::now),
        expires: args.expires,
        device: Device {
            vendor: args.vendor.clone(),
            model: args.model.clone(),
            hardware: args.hardware.clone(),
            udi_di: args.udi_di.clone(),
            assets: Vec::new(),
            aliases: Vec::new(),
        },
        firmware: Firmware {
            version: args.firmware_version.clone(),
            ..Firmware::default()
        },
        components: draft.components,
        files: draft.files,
        pages: draft.pages,
        functions: draft.functions,
        elf: draft.elf,
        mutable: Vec::new(),
    };
    for text in &args.mutable {
        baseline.mutable.push(mutable_row(&baseline, text)?);
    }
    let text = baseline.write();
    // What is written is read back: a draft that no reader would accept must not be signed.
    Baseline::parse(&text).context("the image holds what a baseline cannot state")?;
    output::write_file(&args.output, text.as_bytes(), 0o644)?;
    output::write_stdout(&summary(&baseline))?;
    let mut incomplete = draft.left_out;
    let told = found
        .problems
        .iter()
        .filter(|told| told.kind.hides_content());
    incomplete.extend(told.map(|told| format!("{}: {}", told.place, told.detail)));
    for line in &incomplete {
        talk::say(&format!("not covered: {line}"));
    }
    Ok(if incomplete.is_empty() { 0 } else { 8 })
}

/// COMPONENT:GLOB as a row that lets plain files come, go and change there, and forbids programs.
fn mutable_row(baseline: &Baseline, text: &str) -> Result<MutableRow> {
    let Some((name, glob)) = text.split_once(':') else {
        return Err(Usage(format!(
            "--mutable {text}: write COMPONENT:GLOB, such as data:/var/log/*.log"
        ))
        .into());
    };
    let Some(component) = baseline
        .components
        .iter()
        .position(|component| component.name == name)
    else {
        let names: Vec<_> = baseline
            .components
            .iter()
            .map(|component| component.name.as_str())
            .collect();
        return Err(Usage(format!(
            "--mutable {text}: the image has no component {name}; it has {}",
            names.join(", ")
        ))
        .into());
    };
    Ok(MutableRow {
        component,
        glob: glob.to_owned(),
        types: [Kind::File].into_iter().collect(),
        mode_max: 0o666,
        max_bytes: Some(MUTABLE_BYTES),
        forbid: [Forbid::Elf, Forbid::Script, Forbid::Setuid, Forbid::Exec]
            .into_iter()
            .collect(),
    })
}

fn sign(args: &BaselineSign) -> Result<u8> {
    let unverified = trust::baseline(&args.baseline)?;
    let shown = trust::shown(&args.baseline);
    let baseline = unverified
        .read_without_trust()
        .with_context(|| shown.clone())?;
    let key = trust::secret_key(&args.key, args.password_file.as_deref())?;
    let comment = format!(
        "baseline {} {} {} sequence {}",
        baseline.device.vendor, baseline.device.model, baseline.firmware.version, baseline.sequence
    );
    let signature = minisign::sign(&key, unverified.as_bytes(), &comment)?;
    let path = signatures::path(&args.baseline, args.name.as_deref());
    signatures::keep_others(&path, key.id())?;
    output::write_file(&path, signature.as_bytes(), 0o644)?;
    output::write_stdout(&format!(
        "{}\nsigned by key {}\n",
        trust::shown(&path),
        key.public().fingerprint()
    ))?;
    Ok(0)
}

fn check(args: &BaselineCheck) -> Result<u8> {
    if args.trust_key.is_empty() {
        let baseline = trust::baseline(&args.baseline)?
            .read_without_trust()
            .with_context(|| trust::shown(&args.baseline))?;
        output::write_stdout(&format!(
            "{}the form is right; the signature was NOT checked: name --trust-key\n",
            summary(&baseline)
        ))?;
        return Ok(8);
    }
    let keys = trust::public_keys(&args.trust_key)?;
    let judged = signatures::judge(&args.baseline, &keys, Purpose::Baseline)?;
    let mut signed = String::new();
    for signer in judged
        .outcomes()
        .filter_map(|(_, outcome)| outcome.as_ref().ok())
    {
        let key = signer.key.fingerprint();
        writeln!(signed, "signed by key {key} ({})", signer.form)?;
    }
    let trusted = judged.trusted(&Authority::of_keys(keys))?;
    output::write_stdout(&format!("{}{signed}", summary(trusted.baseline())))?;
    Ok(0)
}

fn show(args: &BaselineShow) -> Result<u8> {
    let unverified = trust::baseline(&args.baseline)?;
    let baseline = unverified
        .read_without_trust()
        .with_context(|| trust::shown(&args.baseline))?;
    let mut text = summary(&baseline);
    for (index, component) in baseline.components.iter().enumerate() {
        let rows = baseline
            .files
            .iter()
            .filter(|row| row.component == index)
            .count();
        let body = match &component.body {
            Body::Tree { format } => format!(
                "tree of {} ({})",
                text::count(rows, "row"),
                format.as_deref().unwrap_or("directory")
            ),
            Body::Raw { size, sha256 } => format!("raw, {}, sha256 {sha256}", text::size(*size)),
            Body::Memory { sha256 } => format!("memory, sha256 {sha256}"),
        };
        let at = component
            .at
            .map(|at| format!(" at {at:#x}"))
            .unwrap_or_default();
        let optional = if component.optional {
            ", may be absent"
        } else {
            ""
        };
        writeln!(text, "  {:<12} {body}{at}{optional}", component.name)?;
    }
    for row in &baseline.mutable {
        let name = baseline
            .components
            .get(row.component)
            .map_or("", |component| component.name.as_str());
        let forbidden: Vec<_> = row.forbid.iter().map(|forbid| forbid.word()).collect();
        writeln!(
            text,
            "  may change: {name}:{}, at most {:04o}, never {}",
            row.glob,
            row.mode_max,
            forbidden.join(", ")
        )?;
    }
    text.push_str("the signature was not checked: `vitalsign baseline check` does\n");
    output::write_stdout(&text)?;
    Ok(0)
}

fn summary(baseline: &Baseline) -> String {
    format!(
        "{} {} {}, sequence {}, issued {}, expires {}\n{}, {}, {}\n",
        baseline.device.vendor,
        baseline.device.model,
        baseline.firmware.version,
        baseline.sequence,
        baseline.issued,
        baseline.expires,
        text::count(baseline.components.len(), "component"),
        text::count(baseline.files.len(), "file row"),
        text::count(baseline.mutable.len(), "mutable row")
    )
}
