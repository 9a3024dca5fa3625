//! Deeds, and a process that tries one of them.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::fs;
use std::io::{self, IoSliceMut};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::fcntl::AtFlags;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::ptrace;
use nix::sys::signal::kill;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::{Pid, execveat, getppid};
use vitalsign::commands::sandbox::{Right, Rules, restrict};

/// What refuses a deed, or nothing does.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Files,
    Calls,
    Nobody,
}

/// A name, what refuses it inside, whether anybody may do it outside (and is none the worse for it), and how it is done in a folder.
type Deed = (&'static str, By, bool, fn(&Path) -> io::Result<()>);

const DEEDS: &[Deed] = &[
    ("read the input", By::Nobody, true, |it| {
        fs::read(it.join("inputs/image")).map(drop)
    }),
    ("list the input's folder", By::Nobody, true, |it| {
        fs::read_dir(it.join("inputs")).map(drop)
    }),
    ("write an output", By::Nobody, true, |it| {
        fs::write(it.join("outputs/report"), "new")
    }),
    ("replace an output", By::Nobody, true, |it| {
        fs::write(it.join("outputs/other"), "new")?;
        fs::rename(it.join("outputs/other"), it.join("outputs/report"))
    }),
    ("read another file", By::Files, true, |it| {
        fs::read(it.join("secret")).map(drop)
    }),
    ("list another folder", By::Files, true, |it| {
        fs::read_dir(it).map(drop)
    }),
    ("write to the input", By::Files, true, |it| {
        fs::write(it.join("inputs/image"), "bad")
    }),
    ("append to the input", By::Files, true, |it| {
        let options = fs::File::options().append(true).clone();
        options.open(it.join("inputs/image")).map(drop)
    }),
    ("truncate the input", By::Files, true, |it| {
        Ok(nix::unistd::truncate(&it.join("inputs/image"), 1)?)
    }),
    ("remove the input", By::Files, true, |it| {
        fs::remove_file(it.join("inputs/image"))
    }),
    ("rename the input", By::Files, true, |it| {
        fs::rename(it.join("inputs/image"), it.join("outputs/image"))
    }),
    ("make a file beside the input", By::Files, true, |it| {
        fs::write(it.join("inputs/new"), "bad")
    }),
    ("make a link outside", By::Files, true, |it| {
        std::os::unix::fs::symlink("secret", it.join("link"))
    }),
    ("make a folder outside", By::Files, true, |it| {
        fs::create_dir(it.join("folder"))
    }),
    (
        "write through a link that leads out",
        By::Files,
        true,
        |it| fs::write(it.join("outputs/link"), "bad"),
    ),
    ("run a program", By::Calls, true, |_| {
        Command::new("/bin/true").status().map(drop)
    }),
    ("run a program by a descriptor", By::Calls, false, |_| {
        let (none, flags): (&[&CStr], _) = (&[], AtFlags::AT_EMPTY_PATH);
        let refused = execveat(io::stdin(), c"", none, none, flags);
        Err(refused.unwrap_err().into())
    }),
    ("listen on the network", By::Calls, true, |_| {
        TcpListener::bind("127.0.0.1:0").map(drop)
    }),
    ("send to the network", By::Calls, true, |_| {
        UdpSocket::bind("127.0.0.1:0").map(drop)
    }),
    ("take a socket of this machine", By::Calls, true, |_| {
        UnixDatagram::pair().map(drop)
    }),
    ("be traced", By::Calls, false, |_| Ok(ptrace::traceme()?)),
    ("trace its parent", By::Calls, false, |_| {
        ptrace::attach(getppid())?;
        Ok(ptrace::detach(getppid(), None)?)
    }),
    ("read its parent's memory", By::Calls, false, |_| {
        let mut byte = [0];
        // Whether anything is mapped there does not matter: it is refused before that is looked at.
        let there = RemoteIoVec { base: 0, len: 1 };
        let read = process_vm_readv(getppid(), &mut [IoSliceMut::new(&mut byte)], &[there]);
        Ok(read.map(drop)?)
    }),
    ("signal its parent", By::Calls, true, |_| {
        Ok(kill(getppid(), None)?)
    }),
    ("signal every process", By::Calls, true, |_| {
        Ok(kill(Pid::from_raw(-1), None)?)
    }),
    ("make the input writable", By::Calls, true, |it| {
        let mode = fs::Permissions::from_mode(0o777);
        fs::set_permissions(it.join("inputs/image"), mode)
    }),
    ("set the input's time", By::Calls, true, |it| {
        let file = fs::File::open(it.join("inputs/image"))?;
        file.set_modified(std::time::SystemTime::UNIX_EPOCH)
    }),
    ("be somebody else", By::Calls, true, |_| {
        Ok(nix::unistd::setuid(nix::unistd::getuid())?)
    }),
    ("have a name space of its own", By::Calls, false, |_| {
        Ok(unshare(CloneFlags::CLONE_NEWUSER)?)
    }),
    ("mount a file system", By::Calls, false, |it| {
        let (none, flags) = (None::<&str>, MsFlags::empty());
        let folder = it.join("outputs");
        mount(Some("none"), &folder, Some("tmpfs"), flags, none)?;
        Ok(nix::mount::umount(&folder)?)
    }),
];

/// Whether this kernel refuses files, which is asked past the program.
pub(crate) fn has_landlock() -> bool {
    use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};
    let whole = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    let whole = whole.handle_access(AccessFs::from_all(ABI::V3));
    whole.is_ok_and(|rules| rules.create().is_ok())
}

/// What a process of its own says: what was held, and what came of a deed.
fn told(how: &str, deed: &str) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    for name in ["inputs", "outputs"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("inputs/image"), "image").unwrap();
    fs::write(folder.path().join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink("../secret", folder.path().join("outputs/link")).unwrap();
    let own = std::env::current_exe().unwrap();
    let run = Command::new(own)
        .args(["inside", how, deed])
        .arg(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    if how == "closed" {
        let secret = fs::read_to_string(folder.path().join("secret")).unwrap();
        assert_eq!(secret, "secret", "{deed}");
    }
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Does one deed: outside, inside, or inside on a kernel that has no Landlock.
pub(crate) fn child(args: &[String]) {
    let [how, deed, folder] = args else {
        panic!("how, deed, folder");
    };
    let folder = PathBuf::from(folder);
    if how == "old" {
        without_landlock();
    }
    if how != "open" {
        let held = restrict(
            &Rules::default()
                .with(&folder.join("inputs"), Right::Read)
                .with(&folder.join("outputs"), Right::Files),
        );
        report(&held);
    }
    let (.., act) = DEEDS.iter().find(|(name, ..)| name == deed).unwrap();
    // The threads that come later are held, too.
    let act = *act;
    let done = std::thread::spawn(move || act(&folder)).join().unwrap();
    match done {
        Ok(()) => println!("deed=done"),
        Err(error) => println!("deed={:?}", error.raw_os_error().unwrap()),
    }
}

fn report(held: &vitalsign::commands::sandbox::Held) {
    println!("files={}", held.files.clone().err().unwrap_or_default());
    println!("calls={}", held.calls.clone().err().unwrap_or_default());
}

/// As on a kernel before 5.13.
fn without_landlock() {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
    let calls = [
        libc::SYS_landlock_create_ruleset,
        libc::SYS_landlock_add_rule,
        libc::SYS_landlock_restrict_self,
    ];
    let rules = calls.map(|call| (call, Vec::new())).into();
    let missing = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, missing, arch).unwrap();
    let program: BpfProgram = filter.try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}

pub(crate) fn every_deed_is_refused_inside_and_done_outside() {
    for (deed, by, is_anybodys, _) in DEEDS {
        if *is_anybodys {
            let outside = told("open", deed);
            assert_eq!(outside["deed"], "done", "{deed}, outside");
        }
        let inside = told("closed", deed);
        assert_eq!(inside["calls"], "", "{deed}");
        let expected = match by {
            By::Nobody => "done",
            By::Calls => "1",
            By::Files if inside["files"].is_empty() => "13",
            By::Files => {
                assert!(!has_landlock(), "{}", inside["files"]);
                println!("not tried: {deed}: {}", inside["files"]);
                continue;
            }
        };
        assert_eq!(inside["deed"], expected, "{deed}, inside");
    }
}

pub(crate) fn a_kernel_without_landlock_keeps_the_rest() {
    let told_of = |deed| {
        let told = told("old", deed);
        assert!(told["files"].contains("no Landlock"), "{}", told["files"]);
        assert_eq!(told["calls"], "");
        told["deed"].clone()
    };
    assert_eq!(told_of("read the input"), "done");
    assert_eq!(told_of("read another file"), "done");
    assert_eq!(told_of("run a program"), "1");
    assert_eq!(told_of("be traced"), "1");
}
