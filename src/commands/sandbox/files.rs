//! Which files can still be opened: Landlock (Linux 5.13 and later).
//!
//! What it does not cover: the names, sizes, modes and times of files anywhere can still be asked for, and what is open stays open.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, PathFdError,
    RestrictionStatus, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope,
};

use super::Right;

/// The rights that are refused unless a rule gives them. Later kernels have more, which concern sockets alone.
const KNOWN: ABI = ABI::V6;

/// From this version on (Linux 6.2) also truncation is refused.
const WHOLE: ABI = ABI::V3;

/// Refuses to open what no row allows; else says why that cannot be had.
pub(super) fn restrict(paths: &[(PathBuf, Right)]) -> Result<(), String> {
    let status = try_restrict(paths)?;
    match status.landlock {
        _ if status.ruleset == RulesetStatus::NotEnforced => {
            Err("this kernel has no Landlock, or it is switched off".to_owned())
        }
        LandlockStatus::Available { effective_abi, .. } if effective_abi >= WHOLE => Ok(()),
        _ => Err("this kernel lets files be truncated all the same".to_owned()),
    }
}

fn create() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))?
        // The filter of system calls refuses these already.
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()
}

/// Whether a path is not there, or not to be reached: then it gives no right, and what opens it says so.
fn is_missing(error: &PathFdError) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    match error {
        PathFdError::OpenCall { source, .. } => {
            matches!(source.kind(), NotFound | NotADirectory | PermissionDenied)
        }
        _ => false,
    }
}

fn try_restrict(paths: &[(PathBuf, Right)]) -> Result<RestrictionStatus, String> {
    let mut rules = create().map_err(|error| error.to_string())?;
    for (path, right) in paths {
        let opened = match PathFd::new(path) {
            Ok(opened) => opened,
            Err(error) if is_missing(&error) => continue,
            // Without its right, an honest run could not go on.
            Err(error) => return Err(error.to_string()),
        };
        // What is no part of a file system, such as the pipe behind `/dev/stdout`, needs none.
        let _ = (&mut rules).add_rule(PathBeneath::new(opened, flags(*right, path)));
    }
    rules.restrict_self().map_err(|error| error.to_string())
}

fn flags(right: Right, path: &Path) -> BitFlags<AccessFs> {
    use AccessFs::{
        MakeBlock, MakeChar, MakeDir, MakeFifo, MakeReg, MakeSock, MakeSym, ReadDir, ReadFile,
        Refer, RemoveDir, RemoveFile, Truncate, WriteFile,
    };
    let files = ReadFile | ReadDir | WriteFile | Truncate | MakeReg | RemoveFile;
    let tree = files | MakeDir | MakeSym | RemoveDir | Refer;
    match right {
        Right::Read if path.is_dir() => ReadFile | ReadDir,
        Right::Read => ReadFile.into(),
        Right::Write => WriteFile | Truncate,
        Right::Link => MakeReg.into(),
        Right::Replace => MakeReg | RemoveFile,
        Right::Files => files,
        Right::Tree => tree,
        Right::Nodes => tree | MakeChar | MakeBlock | MakeFifo | MakeSock,
        Right::Clear => RemoveDir.into(),
    }
}
