//! The state file, whatever happens while it is written.

use std::process::{Command, Stdio};
use std::time::Duration;

use vitalsign::trust::state::State;

use super::bench::{Bench, NOW};

/// How often the program is killed.
const KILLS: u32 = 120;

/// Killed at any moment, it leaves the state of before or that of after.
#[test]
fn a_kill_leaves_the_old_state_or_the_new_one() {
    let bench = Bench::new();
    bench.sign("b.toml", "vendor", None);
    let start = |state: &str| {
        Command::new(env!("CARGO_BIN_EXE_vitalsign"))
            .current_dir(bench.path(""))
            .args([
                "verify",
                "unit",
                "--baseline",
                "b.toml",
                "--trust-key",
                "vendor.pub",
            ])
            .args(["--now", NOW, "--state", state])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    assert!(start("whole.toml").wait().unwrap().success());
    let new = bench.read("whole.toml");
    let old = String::from_utf8(new.clone()).unwrap();
    let old = old.replace("sequence = 1", "sequence = 0").into_bytes();
    assert_ne!(old, new);

    // Longer after each kill that came too early, shorter after each that came too late: most of them come while the state is
    // written, however slow the machine is.
    let mut wait = Duration::from_millis(1);
    let (mut before, mut after) = (0, 0);
    for _ in 0..KILLS {
        bench.write("s.toml", &old);
        let mut child = start("s.toml");
        std::thread::sleep(wait);
        let _ = child.kill();
        child.wait().unwrap();
        let left = bench.read("s.toml");
        State::parse(&left).unwrap();
        if left == old {
            before += 1;
            wait = wait.mul_f64(1.3);
        } else {
            assert_eq!(left, new);
            after += 1;
            wait = wait.div_f64(1.3);
        }
    }
    assert!(before > 0 && after > 0, "{before} before, {after} after");
}
