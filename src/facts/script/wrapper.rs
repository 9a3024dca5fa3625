//! Programs that only start another: what they start counts.

use super::Argument;

/// A program that starts the one named in its arguments.
struct Wrapper {
    name: &'static [u8],
    /// Its options that have a value in the next word.
    valued: &'static [&'static [u8]],
    /// Words between its options and the program.
    operands: usize,
}

const WRAPPERS: &[Wrapper] = &[
    wrapper(b"busybox", &[], 0),
    wrapper(b"toybox", &[], 0),
    wrapper(b"nohup", &[], 0),
    wrapper(b"setsid", &[], 0),
    wrapper(b"command", &[], 0),
    wrapper(b"builtin", &[], 0),
    wrapper(b"time", &[], 0),
    wrapper(b"exec", &[b"-a"], 0),
    wrapper(b"nice", &[b"-n"], 0),
    wrapper(b"ionice", &[b"-c", b"-n", b"-p"], 0),
    wrapper(b"chrt", &[], 1),
    wrapper(b"taskset", &[], 1),
    wrapper(b"sudo", &[b"-u", b"-g", b"-p", b"-C", b"-h"], 0),
    wrapper(b"doas", &[b"-u", b"-C"], 0),
    wrapper(b"env", &[b"-u", b"-C"], 0),
    wrapper(b"timeout", &[b"-k", b"-s", b"-t"], 1),
    wrapper(b"chroot", &[], 1),
    wrapper(b"flock", &[b"-w", b"-E"], 1),
    wrapper(b"stdbuf", &[b"-i", b"-o", b"-e"], 0),
    wrapper(b"watch", &[b"-n"], 0),
    wrapper(
        b"xargs",
        &[b"-n", b"-I", b"-P", b"-L", b"-s", b"-d", b"-a"],
        0,
    ),
];

const fn wrapper(
    name: &'static [u8],
    valued: &'static [&'static [u8]],
    operands: usize,
) -> Wrapper {
    Wrapper {
        name,
        valued,
        operands,
    }
}

/// The words of what is started in the end. `env` and the like may also set variables: `set` is told of those.
pub(super) fn strip(
    mut words: Vec<Argument>,
    mut set: impl FnMut(&[u8], Argument),
) -> Vec<Argument> {
    const MOST: usize = 8;
    for _ in 0..MOST {
        let Some(first) = words.first().filter(|word| word.known) else {
            break;
        };
        let base = first.base();
        if base == b"start-stop-daemon" {
            match daemon(&words) {
                Some(inner) => words = inner,
                None => break,
            }
            continue;
        }
        let Some(wrapper) = WRAPPERS.iter().find(|wrapper| wrapper.name == base) else {
            break;
        };
        let mut at = 1_usize;
        while let Some(word) = words.get(at) {
            if wrapper.name == b"env"
                && let Some(sign) = memchr::memchr(b'=', &word.text)
            {
                let (name, value) = word.text.split_at(sign);
                let text = value.get(1..).unwrap_or_default().to_vec();
                let known = word.known;
                set(name, Argument { text, known });
            } else if word.text == b"--" {
                at = at.saturating_add(1);
                break;
            } else if wrapper.valued.contains(&word.text.as_slice()) {
                at = at.saturating_add(1);
            } else if !word.text.starts_with(b"-") {
                break;
            }
            at = at.saturating_add(1);
        }
        at = at.saturating_add(wrapper.operands);
        if at >= words.len() {
            break;
        }
        words.drain(..at);
    }
    words
}

/// What `start-stop-daemon --start` starts.
fn daemon(words: &[Argument]) -> Option<Vec<Argument>> {
    const NAMES: &[&[u8]] = &[b"-x", b"--exec", b"-a", b"--startas"];
    let stops = |word: &Argument| {
        matches!(
            word.text.as_slice(),
            b"-K" | b"--stop" | b"-T" | b"--status"
        )
    };
    if words.iter().any(stops) {
        return None;
    }
    let at = words
        .iter()
        .rposition(|word| NAMES.contains(&word.text.as_slice()))?;
    let program = words.get(at.checked_add(1)?)?;
    let behind = words.iter().position(|word| word.text == b"--");
    let arguments = behind.and_then(|at| words.get(at.checked_add(1)?..));
    let mut inner = vec![program.clone()];
    inner.extend_from_slice(arguments.unwrap_or_default());
    Some(inner)
}
