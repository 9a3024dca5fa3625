//! Prints what the code of ELF files calls, as far as it is followed: `cargo run --example code -- FILE...`

use std::io::Write as _;

use vitalsign::facts::code::{Argument, Callee, Code};

fn main() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for path in std::env::args_os().skip(1) {
        let bytes = std::fs::read(&path)?;
        let code = match Code::of(&bytes) {
            Ok(code) => code,
            Err(reason) => {
                writeln!(out, "{}: {reason:?}", path.display())?;
                continue;
            }
        };
        writeln!(
            out,
            "{}: {} functions{}",
            path.display(),
            code.functions.len(),
            if code.cut { ", cut" } else { "" }
        )?;
        for function in &code.functions {
            let name = function
                .name
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            writeln!(out, "{:#x}..{:#x} {name}", function.start, function.end)?;
            for call in &function.calls {
                let callee = match call.callee {
                    Callee::Import => "library".to_owned(),
                    Callee::Function(start) => format!("{start:#x}"),
                    Callee::System(number) => format!("system call {number}"),
                    Callee::Unknown => "?".to_owned(),
                };
                let arguments: Vec<String> = call.arguments.iter().map(shown).collect();
                writeln!(
                    out,
                    "  {:#x} {callee} {}({})",
                    call.at,
                    call.name.unwrap_or_default(),
                    arguments.join(", ")
                )?;
            }
        }
    }
    Ok(())
}

fn shown(argument: &Argument) -> String {
    match argument {
        Argument::Unknown => "?".to_owned(),
        Argument::Number(number) => format!("{number:#x}"),
        Argument::Text(text) => format!("{:?}", text.shown()),
        Argument::List(texts) => {
            let texts: Vec<String> = texts
                .iter()
                .map(|text| format!("{:?}", text.shown()))
                .collect();
            format!("[{}]", texts.join(", "))
        }
        Argument::Peer(peer) => format!("{peer:?}"),
        Argument::Parameter(number) => format!("parameter {number}"),
        Argument::Handed(number) => format!("list in parameter {number}"),
        Argument::Result(call) => format!("result of {call:#x}"),
    }
}
