//! Functions of the C library and of the kernel whose calls tell something: what their parameters are, and what they do to texts.

/// What a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    /// Of no interest.
    Other,
    /// A number, or a handle.
    Number,
    /// The address of a text.
    Text,
    /// The address of what is filled.
    Buffer,
    /// The address of a socket address.
    Peer,
    /// The address of a list of texts that ends with a null.
    List,
    /// The first of as many texts as follow, with a null at the end.
    Texts,
    /// A format; what it formats follows.
    Format,
}

/// What a function does to memory, by the numbers of its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    None,
    /// The text of one goes where the other points, which is the result.
    Copy(u8, u8),
    /// The text of one is put behind that of the other, which is the result.
    Append(u8, u8),
    /// So many bytes (third) of the second go where the first points.
    Bytes(u8, u8, u8),
    /// So many bytes (third) where the first points become the second.
    Fill(u8, u8, u8),
    /// The result is the length of a text.
    Length(u8),
    /// A text made by a format (second) of the values that follow goes where the first points.
    Format(u8, u8),
    /// The same; the values stand in a list that is not read.
    FormatList(u8, u8),
    /// The same as [`Effect::Format`], and the first points at what is to point at the text.
    Allocate(u8, u8),
    /// The result is a copy of a text.
    Duplicate(u8),
    /// What another machine or a file sent goes where the parameter points.
    Receive(u8),
    /// The result is the parameter with its bytes swapped on little-endian processors: of so many bytes.
    Network(u8),
    /// The result is an address in network order, from a text.
    Address,
    /// The address that a text (first) names goes where the second points.
    AddressInto(u8, u8),
}

/// A function that is known.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) effect: Effect,
}

use Effect as E;
use Parameter::{
    Buffer as B, Format as F, List as L, Number as N, Other as O, Peer as P, Text as T, Texts as X,
};

macro_rules! known {
    ($($name:literal $($parameter:ident)* $(=> $effect:expr)?;)*) => {
        &[$(Known {
            name: $name,
            parameters: &[$($parameter),*],
            effect: known!(@ $($effect)?),
        }),*]
    };
    (@) => { E::None };
    (@ $effect:expr) => { $effect };
}

/// In the order of their names.
static KNOWN: &[Known] = known! {
    "__asprintf_chk" => E::Allocate(0, 2);
    "__fprintf_chk" O O F;
    "__isoc99_sscanf" T F;
    "__memcpy_chk" => E::Bytes(0, 1, 2);
    "__memmove_chk" => E::Bytes(0, 1, 2);
    "__memset_chk" => E::Fill(0, 1, 2);
    "__snprintf_chk" => E::Format(0, 4);
    "__sprintf_chk" => E::Format(0, 3);
    "__stpcpy_chk" => E::Copy(0, 1);
    "__strcat_chk" => E::Append(0, 1);
    "__strcpy_chk" => E::Copy(0, 1);
    "__strdup" => E::Duplicate(0);
    "__strncat_chk" => E::Append(0, 1);
    "__strncpy_chk" => E::Copy(0, 1);
    "__vsnprintf_chk" => E::FormatList(0, 4);
    "__vsprintf_chk" => E::FormatList(0, 3);
    "accept" N;
    "accept4" N;
    "asprintf" => E::Allocate(0, 1);
    "bind" N P;
    "chdir" T;
    "chmod" T N;
    "chown" T N N;
    "chroot" T;
    "connect" N P;
    "creat" T N;
    "curl_easy_setopt" O N T;
    "dlopen" T N;
    "dlsym" O T;
    "dprintf" N F;
    "dup2" N N;
    "dup3" N N;
    "execl" T X;
    "execle" T X;
    "execlp" T X;
    "execv" T L;
    "execve" T L;
    "execvp" T L;
    "execvpe" T L;
    "fexecve" N L;
    "fgets" B => E::Receive(0);
    "finit_module" N T;
    "fopen" T T;
    "fopen64" T T;
    "fprintf" O F;
    "fputs" T O;
    "freopen" T T;
    "freopen64" T T;
    "fwrite" T N N O;
    "getaddrinfo" T T;
    "getenv" T;
    "gethostbyname" T;
    "htonl" => E::Network(4);
    "htons" => E::Network(2);
    "inet_addr" T => E::Address;
    "inet_aton" T => E::AddressInto(0, 1);
    "inet_pton" N T => E::AddressInto(1, 2);
    "init_module" O N T;
    "ioctl" N N;
    "kill" N N;
    "link" T T;
    "listen" N;
    "memcmp" T T N;
    "memcpy" => E::Bytes(0, 1, 2);
    "memfd_create" T N;
    "memmove" => E::Bytes(0, 1, 2);
    "memset" => E::Fill(0, 1, 2);
    "mount" T T T N T;
    "ntohl" => E::Network(4);
    "ntohs" => E::Network(2);
    "open" T N;
    "open64" T N;
    "openat" O T N;
    "openat64" O T N;
    "popen" T T;
    "posix_spawn" O T O O L;
    "posix_spawnp" O T O O L;
    "putenv" T;
    "reboot" N;
    "recv" N B => E::Receive(1);
    "recvfrom" N B => E::Receive(1);
    "remove" T;
    "rename" T T;
    "send" N T N;
    "sendto" N T N N P;
    "setegid" N;
    "setenv" T T;
    "seteuid" N;
    "setgid" N;
    "setresuid" N N N;
    "setreuid" N N;
    "setuid" N;
    "snprintf" => E::Format(0, 2);
    "socket" N N N;
    "sprintf" => E::Format(0, 1);
    "stpcpy" => E::Copy(0, 1);
    "strcat" => E::Append(0, 1);
    "strcmp" T T;
    "strcpy" => E::Copy(0, 1);
    "strdup" => E::Duplicate(0);
    "strlen" => E::Length(0);
    "strncat" => E::Append(0, 1);
    "strncmp" T T N;
    "strncpy" => E::Copy(0, 1);
    "symlink" T T;
    "syscall" N;
    "system" T;
    "unlink" T;
    "vasprintf" => E::FormatList(0, 1);
    "vfork";
    "vsnprintf" => E::FormatList(0, 2);
    "vsprintf" => E::FormatList(0, 1);
    "write" N T N;
};

/// Other names of functions: of versions for large files, of musl and of glibc inside.
const ALIASES: &[(&str, &str)] = &[
    ("_IO_fopen", "fopen"),
    ("_IO_popen", "popen"),
    ("__connect", "connect"),
    ("__dup2", "dup2"),
    ("__execve", "execve"),
    ("__libc_connect", "connect"),
    ("__libc_open", "open"),
    ("__libc_open64", "open"),
    ("__libc_recv", "recv"),
    ("__libc_send", "send"),
    ("__libc_sendto", "sendto"),
    ("__libc_system", "system"),
    ("__libc_write", "write"),
    ("__mount", "mount"),
    ("__open", "open"),
    ("__open64", "open"),
    ("__open64_2", "open"),
    ("__open_2", "open"),
    ("__socket", "socket"),
    ("__write", "write"),
    ("fopen64", "fopen"),
    ("freopen", "fopen"),
    ("freopen64", "fopen"),
    ("open64", "open"),
    ("openat64", "openat"),
];

/// Functions by which a program reaches others, runs something or changes what is run. A program that uses none of them does nothing that is looked
/// for.
const TELLING: &[&str] = &[
    "__libc_system",
    "bind",
    "chmod",
    "connect",
    "curl_easy_setopt",
    "dlopen",
    "execl",
    "execle",
    "execlp",
    "execv",
    "execve",
    "execvp",
    "execvpe",
    "fexecve",
    "finit_module",
    "init_module",
    "ioctl",
    "listen",
    "mount",
    "popen",
    "posix_spawn",
    "posix_spawnp",
    "rename",
    "sendto",
    "setuid",
    "syscall",
    "system",
];

/// Functions that never come back.
const NO_RETURN: &[&str] = &[
    "_Exit",
    "__assert_fail",
    "__chk_fail",
    "__cxa_throw",
    "__fortify_fail",
    "__libc_fatal",
    "__stack_chk_fail",
    "_exit",
    "abort",
    "err",
    "errx",
    "exit",
    "longjmp",
    "pthread_exit",
];

/// Whether a function never comes back.
pub(super) fn never_returns(name: &[u8]) -> bool {
    str::from_utf8(name).is_ok_and(|name| NO_RETURN.binary_search(&name).is_ok())
}

/// Whether it tells something that a program uses a function.
pub(super) fn is_telling(name: &[u8]) -> bool {
    str::from_utf8(name).is_ok_and(|name| TELLING.binary_search(&name).is_ok())
}

/// The function of a name.
pub(super) fn known(name: &[u8]) -> Option<&'static Known> {
    let name = str::from_utf8(name).ok()?;
    let alias = ALIASES
        .binary_search_by(|(other, _)| (*other).cmp(name))
        .ok();
    let name = alias
        .and_then(|at| ALIASES.get(at))
        .map_or(name, |&(_, name)| name);
    let at = KNOWN.binary_search_by(|known| known.name.cmp(name)).ok()?;
    KNOWN.get(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_its_aliases_lead_somewhere() {
        assert!(KNOWN.is_sorted_by(|one, other| one.name < other.name));
        assert!(TELLING.is_sorted() && NO_RETURN.is_sorted());
        assert!(ALIASES.is_sorted_by(|one, other| one.0 < other.0));
        for (other, name) in ALIASES {
            assert!(known(name.as_bytes()).is_some(), "{other}");
        }
    }
}
