//! Which system calls can still be made: a seccomp filter that refuses some with EPERM.
//!
//! The filter is a list of what is refused, and not of what is allowed. What a program calls is decided by its C library, by the kernel that
//! runs it and by how much memory there is: a list of what is allowed that is short enough to help would one day kill an honest run in
//! the middle of a verdict. What is refused here is everything by which one gets at other processes, the network, other programs or the
//! kernel's rarer parts; which files can be opened is the business of `files`.
//!
//! Nothing here uses the network. Were images to be read from a server one day, that must be fetched before the filter is set.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

// Calls that are newer than some C libraries; since Linux 5.1 each has one number on all processors.
const FCHMODAT2: i64 = 452;
const SETXATTRAT: i64 = 463;
const REMOVEXATTRAT: i64 = 466;
const OPEN_TREE_ATTR: i64 = 467;
const FILE_SETATTR: i64 = 469;

/// Other programs, and the insides of other processes.
const PROCESSES: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kcmp,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
];

/// The network, sockets of this machine too.
const NETWORK: &[i64] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
];

/// Parts of the kernel that only the system's own programs need, or that have the most defects.
const KERNEL: &[i64] = &[
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_kexec_load,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
    #[cfg(not(target_arch = "x86_64"))]
    294, // the same, where the C library's headers do not always name it
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    libc::SYS_fanotify_init,
    libc::SYS_personality,
    libc::SYS_vhangup,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// Mounts, name spaces, and files that are opened by other ways than their paths.
const MOUNTS: &[i64] = &[
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_mount_setattr,
    libc::SYS_open_tree,
    OPEN_TREE_ATTR,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
];

/// Whose rights the process has.
const RIGHTS: &[i64] = &[
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
];

/// What Landlock does not cover: owners, modes, times and attributes of files, and device nodes. `extract` sets them.
const METADATA: &[i64] = &[
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    FCHMODAT2,
    SETXATTRAT,
    REMOVEXATTRAT,
    FILE_SETATTR,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_utimensat,
    libc::SYS_mknodat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mknod,
];

/// On x86-64 the same calls have further numbers, under which the kernel takes them for those of x32 programs; some are that ABI's own.
#[cfg(target_arch = "x86_64")]
const X32: (i64, std::ops::RangeInclusive<i64>) = (0x4000_0000, 512..=547);

/// What pushes characters into the terminal, as if somebody had typed them (`TIOCSTI`, `TIOCLINUX`).
const TYPING: [u64; 2] = [0x5412, 0x541c];

/// Refuses these calls in every thread; else says why that cannot be had.
pub(super) fn restrict(sets_metadata: bool) -> Result<(), String> {
    let program = program(sets_metadata).map_err(|error| error.to_string())?;
    seccompiler::apply_filter_all_threads(&program).map_err(|error| match error {
        seccompiler::Error::EmptyFilter => error.to_string(),
        _ => "this kernel takes no filter".to_owned(),
    })
}

fn program(sets_metadata: bool) -> Result<BpfProgram, seccompiler::BackendError> {
    let mut refused = BTreeMap::new();
    let metadata = if sets_metadata { &[] } else { METADATA };
    let calls = [PROCESSES, NETWORK, KERNEL, MOUNTS, RIGHTS, metadata].concat();
    for call in calls {
        refused.insert(call, Vec::new());
        #[cfg(target_arch = "x86_64")]
        refused.insert(call | X32.0, Vec::new());
    }
    #[cfg(target_arch = "x86_64")]
    for call in X32.1 {
        refused.insert(call | X32.0, Vec::new());
    }
    let own = u64::from(std::process::id());
    let other_process = when(0, SeccompCmpOp::Ne, own)?;
    refused.insert(libc::SYS_tgkill, vec![other_process]);
    let typing: Result<_, _> = TYPING
        .iter()
        .map(|&code| when(1, SeccompCmpOp::Eq, code))
        .collect();
    refused.insert(libc::SYS_ioctl, typing?);
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let arch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(refused, SeccompAction::Allow, refuse, arch)?.try_into()
}

/// Where the argument at a position compares so.
fn when(
    position: u8,
    how: SeccompCmpOp,
    value: u64,
) -> Result<SeccompRule, seccompiler::BackendError> {
    let condition = SeccompCondition::new(position, SeccompCmpArgLen::Dword, how, value)?;
    SeccompRule::new(vec![condition])
}
