//! What the banner of each system looks like, as its source has it.

use memchr::memmem::find;

/// How one system's banner is recognised.
pub(super) struct Rule {
    /// What it starts with.
    pub(super) start: &'static [u8],
    /// The banner in `room`, which starts as it should, behind the byte `before` it; `None` where it is none.
    pub(super) read: for<'a> fn(before: Option<u8>, room: &'a [u8]) -> Option<&'a [u8]>,
}

/// Every system. eCos itself, `FreeRTOS` before version 10 and QNX's kernel compile no line of their own into a program.
pub(super) const RULES: &[Rule] = &[
    Rule {
        start: b"Linux version ",
        read: loader,
    },
    Rule {
        start: b"U-Boot ",
        read: loader,
    },
    // eCos redboot/current/src/version.c: two lines in one string.
    Rule {
        start: b"RedBoot(tm) bootstrap and debug environment [",
        read: redboot,
    },
    // VxWorks kernelVersion().
    Rule {
        start: b"WIND version ",
        read: wind,
    },
    // ThreadX ports' tx_port.h, _tx_version_id; Nucleus PLUS rld.c, RLD_Release_String.
    Rule {
        start: b"Copyright (c) ",
        read: copyright,
    },
    // Zephyr lib/os/boot_banner.c.
    Rule {
        start: b"*** Booting Zephyr OS build ",
        read: zephyr,
    },
    // QNX Neutrino board support packages, the IPL's main.c.
    Rule {
        start: b"Welcome to QNX Neutrino Initial Program Loader for ",
        read: qnx,
    },
    // How SDKs compile the name of a release into a program.
    Rule {
        start: b"FreeRTOS Kernel V",
        read: free_rtos,
    },
    // uC/OS-II os_core.c and uC/OS-III os_core.c: the kernel's own task.
    Rule {
        start: b"uC/OS-II",
        read: micro_c,
    },
];

/// What may stand between U-Boot's name and its version.
const STAGES: &[&[u8]] = &[b"SPL ", b"TPL ", b"VPL "];

/// `Linux version 6.1.0 ...` or `U-Boot SPL 2021.01 ...`, up to the end of the line or string.
fn loader(_before: Option<u8>, room: &[u8]) -> Option<&[u8]> {
    let line = line(room)?;
    let rest = line.strip_prefix(b"Linux version ");
    let rest = rest.or_else(|| line.strip_prefix(b"U-Boot "))?;
    let stage = STAGES.iter().find_map(|stage| rest.strip_prefix(*stage));
    // `2021.01`, `1.1.4`, `6.1.0-50-armmp`; not the `%s` of a program that prints one.
    starts_with_version(stage.unwrap_or(rest)).then(|| line.trim_ascii_end())
}

fn redboot(before: Option<u8>, room: &[u8]) -> Option<&[u8]> {
    let first = line(room)?;
    let behind = room.get(first.len()..)?.strip_prefix(b"\n")?;
    let second = line(behind)?;
    let version = find(second, b" release, version ")?;
    let built = find(second, b" - built ")?;
    let whole = room.get(..first.len().checked_add(1)?.checked_add(second.len())?)?;
    (is_start(before) && first.ends_with(b"]") && version < built).then_some(whole)
}

fn wind(before: Option<u8>, room: &[u8]) -> Option<&[u8]> {
    let text = text(before, room)?;
    let version = text.strip_prefix(b"WIND version ")?;
    is_version(version).then_some(text)
}

fn copyright(before: Option<u8>, room: &[u8]) -> Option<&[u8]> {
    let text = text(before, room)?;
    let is_threadx = behind(text, b"* ThreadX ")
        .or_else(|| behind(text, b"*  ThreadX "))
        .and_then(|port| behind(port, b" Version "))
        // `6.1.10`, `G5.8sp4`.
        .is_some_and(|rest| starts_with_version(rest.strip_prefix(b"G").unwrap_or(rest)));
    let is_nucleus = behind(text, b" - Nucleus PLUS - Version ").is_some_and(starts_with_version);
    (is_threadx && text.ends_with(b"*") || is_nucleus).then_some(text)
}

fn zephyr(before: Option<u8>, room: &[u8]) -> Option<&[u8]> {
    let line = line(room)?;
    let version = behind(line, b" build ")?;
    let version = version.strip_prefix(b"zephyr-").unwrap_or(version);
    let version = version.strip_prefix(b"v")?;
    (is_start(before) && starts_with_version(version) && line.ends_with(b" ***")).then_some(line)
}

fn qnx(before: Option<u8>, room: &[u8]) -> Option<&[u8]> {
    let line = line(room)?;
    let board = behind(line, b" Loader for ")?;
    let is_name = board.first().is_some_and(u8::is_ascii_alphanumeric);
    (is_start(before) && is_name).then_some(line)
}

fn free_rtos(before: Option<u8>, room: &[u8]) -> Option<&[u8]> {
    let text = text(before, room)?;
    let version = text.strip_prefix(b"FreeRTOS Kernel V")?;
    is_version(version).then_some(text)
}

fn micro_c(before: Option<u8>, room: &[u8]) -> Option<&[u8]> {
    let text = text(before, room)?;
    matches!(text, b"uC/OS-II Idle" | b"uC/OS-III Idle Task").then_some(text)
}

/// The printable text at the start of `room`, which something ends.
fn line(room: &[u8]) -> Option<&[u8]> {
    let end = room.iter().position(|byte| !(b' '..=b'~').contains(byte));
    room.get(..end?)
}

/// The same, where it is a whole string of a program: nothing printable before it, and a zero byte behind it.
fn text(before: Option<u8>, room: &[u8]) -> Option<&[u8]> {
    let line = line(room)?;
    (is_start(before) && room.get(line.len()) == Some(&0)).then_some(line)
}

/// Whether a string or line may start behind this byte.
fn is_start(before: Option<u8>) -> bool {
    before.is_none_or(|byte| !(b' '..=b'~').contains(&byte))
}

/// What stands behind the first `mark`.
fn behind<'a>(text: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    text.get(find(text, mark)?.checked_add(mark.len())?..)
}

/// Whether digits, a point and a digit stand here.
fn starts_with_version(text: &[u8]) -> bool {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    matches!(text.split_at_checked(digits), Some((number, [b'.', next, ..]))
        if matches!(number.len(), 1..=4) && next.is_ascii_digit())
}

/// Whether nothing but a version stands here: digits and points.
fn is_version(text: &[u8]) -> bool {
    let plain = text
        .iter()
        .all(|&byte| byte.is_ascii_digit() || byte == b'.');
    plain && starts_with_version(text)
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;

    /// The lines are those of the products' own sources, or of consoles on which they were seen.
    #[test]
    fn each_system_says_who_it_is() {
        for banner in [
            "WIND version 2.12",
            "Copyright (c) 1996-2018 Express Logic Inc. * ThreadX Synergy/GNU Version G5.8sp4 SN: 4154-280-5000 *",
            "Copyright (c) 1996-2003 Express Logic Inc. * ThreadX Win32/Microsoft Version G4.0b.4.0a *",
            "Copyright (c) Microsoft Corporation. All rights reserved.  *  ThreadX Cortex-M0+/AC6 Version 6.1.10   *",
            "Copyright (c) 1993-1998 ATI - Nucleus PLUS - Version 1.0.G1.3",
            "*** Booting Zephyr OS build v3.7.0 ***",
            "*** Booting Zephyr OS build zephyr-v2.4.0-8-g9c30e7946974  ***",
            "Welcome to QNX Neutrino Initial Program Loader for Freescale i.mx6 Q Sabre-Lite (ARM Cortex-A9 MPCore)",
            "FreeRTOS Kernel V10.1.1",
            "uC/OS-II Idle",
            "uC/OS-III Idle Task",
            "RedBoot(tm) bootstrap and debug environment [ROMRAM]\nNon-certified release, version v1.3.4 - built 19:22:52, Oct 15 2007",
        ] {
            let string = format!("\0{banner}\0").into_bytes();
            assert_eq!(told(&string), [banner]);
            assert_eq!(told(&string[1..]), [banner], "at the start");
        }
    }

    #[test]
    fn what_ends_a_line_on_a_console_is_no_part_of_it() {
        let text = b"\n*** Booting Zephyr OS build v4.4.0 ***\n\0\nWelcome to QNX Neutrino Initial Program Loader for X\n\0";
        let lines = [
            "*** Booting Zephyr OS build v4.4.0 ***",
            "Welcome to QNX Neutrino Initial Program Loader for X",
        ];
        assert_eq!(told(text), lines);
    }

    #[test]
    fn a_mention_is_no_banner() {
        for text in [
            // Sentences, sources, logs and formats that name a system.
            "Kernel: WIND version 2.12.",
            "WIND version 2.12.\n",
            "WIND version %s",
            "WIND version 2.12 is needed",
            "Runs on FreeRTOS Kernel V10.1.1",
            "FreeRTOS Kernel V10.1.1 or later",
            " * FreeRTOS Kernel V10.5.1\n",
            "FreeRTOS Kernel V%s",
            "FreeRTOS",
            "V10.4.3",
            "the uC/OS-II Idle",
            "uC/OS-II Idle task statistics",
            "uC/OS-II",
            "uC/OS-III Idle Tas",
            "Copyright (c) 2024 Somebody. Works with ThreadX Version 6.1",
            "Copyright (c) 2024 Somebody * ThreadX compatible *",
            "Copyright (c) 2024 Somebody * ThreadX X Version %s *",
            "\"Copyright (c) 1996-2003 Express Logic Inc. * ThreadX A Version G4.0 *",
            "Copyright (c) 2002 ATI - Nucleus PLUS port",
            "Copyright (c) 2002 ATI - Nucleus PLUS - Version unknown",
            "*** Booting Zephyr OS build %s ***",
            "*** Booting Zephyr OS build vX.Y.Z ***",
            "*** Booting Zephyr OS build v3.7.0",
            "see *** Booting Zephyr OS build v3.7.0 ***",
            "Welcome to QNX Neutrino Initial Program Loader for %s",
            "Welcome to QNX 8.0.0 on aarch64le !",
            "RedBoot(tm) bootstrap and debug environment [ROM]",
            "RedBoot(tm) bootstrap and debug environment [ROM]\nanother line",
            "uses RedBoot(tm) bootstrap and debug environment [ROM]\na release, version 1 - built x",
            "VxWorks (for %s) version %s.",
            "Nucleus, VxWorks, QNX, eCos and ThreadX are operating systems",
        ] {
            let string = format!("\0{text}\0");
            assert!(told(string.as_bytes()).is_empty(), "{text:?}");
        }
    }
}
