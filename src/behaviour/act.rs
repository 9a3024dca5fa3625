//! The words for what is done, and under which circumstances. Rules use them; none is ever renamed.

/// Defines a closed set of words.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Each with its word.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$variant),)*];

            /// The word that rules use.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

words! {
    /// What is done, or stated by a configuration.
    Act {
        /// A network interface is switched on or given an address.
        InterfaceUp = "interface-up",
        /// A file system of another machine is mounted.
        RemoteMount = "remote-mount",
        /// A medium that can be plugged in is mounted.
        MediumMount = "medium-mount",
        /// Something is fetched from another machine.
        Download = "download",
        /// Something is sent to another machine.
        Send = "send",
        /// A file is written, copied, moved or unpacked to.
        Write = "write",
        /// A file is made executable.
        MakeExecutable = "make-executable",
        /// A program or script is run.
        Run = "run",
        /// A module is loaded into the kernel.
        LoadModule = "load-module",
        /// A port is listened on.
        Listen = "listen",
        /// A connection to another machine is made.
        Connect = "connect",
        /// A connection that another machine makes is taken.
        Accept = "accept",
        /// A text is compared with a fixed one.
        Compare = "compare",
        /// A connection or pipe becomes the input or output of what is run next.
        Tie = "tie",
        /// The input and output of a shell are tied to another machine.
        ReverseShell = "reverse-shell",
        /// Ports are handed on to another machine.
        Tunnel = "tunnel",
        /// A service for remote logins is started.
        RemoteLogin = "remote-login",
        /// A login that listens on a network is offered without a question.
        Account = "account",
        /// A password is set.
        SetPassword = "set-password",
        /// A secret stands in clear.
        Secret = "secret",
        /// A key is admitted for logins.
        AuthorizedKey = "authorized-key",
        /// A private key.
        PrivateKey = "private-key",
        /// Something is arranged to run when the device starts.
        Persist = "persist",
        /// The registry of Windows has a program start by itself.
        RegistryStart = "registry-start",
        /// A library is loaded into programs that did not ask for it.
        Preload = "preload",
        /// A library is loaded while a program runs.
        LoadLibrary = "load-library",
        /// Programs are looked for in a folder first.
        SearchPath = "search-path",
        /// The packet filter is emptied, or lets everything in.
        FilterOff = "filter-off",
        /// The packet filter is given a rule that refuses something.
        FilterRule = "filter-rule",
        /// A protection of the system is switched off.
        ProtectionOff = "protection-off",
        /// The watchdog is stopped.
        WatchdogOff = "watchdog-off",
        /// Traces are removed.
        TracesRemoved = "traces-removed",
        /// A signature or checksum is verified.
        Verify = "verify",
        /// An address or host that a configuration names.
        Peer = "peer",
        /// A folder that is offered to other machines.
        Export = "export",
        /// A setting of a service.
        Setting = "setting",
        /// Something is run when a device is plugged in.
        Hotplug = "hotplug",
        /// An encoded text is run.
        DecodedRun = "decoded-run",
        /// A part of a program lies as linkers do not lay it.
        Structure = "structure",
    }
}

words! {
    /// Under which circumstances.
    Trait {
        /// With an address that is reached over the Internet.
        Public = "public",
        /// With an address of the own site.
        Private = "private",
        /// With a name for a host.
        Named = "named",
        /// At the port of a service for names or the time.
        NameService = "name-service",
        /// With the machine itself.
        Loopback = "loopback",
        /// With a host that is not known.
        HostUnknown = "host-unknown",
        /// To a folder that programs, libraries or the system's own settings stand in, or to flash.
        CodePath = "code-path",
        /// To a file or folder that is looked at when the device starts.
        StartPath = "start-path",
        /// To a file that accounts stand in.
        AccountPath = "account-path",
        /// With something that came over the network.
        FromRemote = "from-remote",
        /// With what a connection brought, as it came.
        Received = "received",
        /// With something from a medium that can be plugged in.
        FromMedium = "from-medium",
        /// With something in a folder that everybody may write to.
        FromTemporary = "from-temporary",
        /// With a log, a device of sensors, or a file of patients.
        Recorded = "recorded",
        /// Out of a pipe.
        Piped = "piped",
        /// By a shell or with one.
        Shell = "shell",
        /// By telnet.
        Telnet = "telnet",
        /// Without a login.
        NoLogin = "no-login",
        /// Without a password.
        EmptyPassword = "empty-password",
        /// With the rights of root.
        UidZero = "uid-zero",
        /// Under another name than root.
        NotRoot = "not-root",
        /// With a password that is stored in a scheme that can be searched fast.
        WeakHash = "weak-hash",
        /// With a password that is stored as a hash.
        Hashed = "hashed",
        /// A fixed value that the text states.
        Literal = "literal",
        /// By a signature.
        Signature = "signature",
        /// By a checksum.
        Checksum = "checksum",
        /// Without a check of whom one talks to.
        Unverified = "unverified",
        /// Root may log in.
        RootLogin = "root-login",
        /// Everybody may read, or write.
        Everybody = "everybody",
        /// By a path that the text does not tell.
        PathUnknown = "path-unknown",
        /// Root keeps its rights.
        RootKept = "root-kept",
        /// With bits that give the rights of the owner, or with capabilities.
        Privileged = "privileged",
        /// By a text that a key or an encoding hides.
        Hidden = "hidden",
        /// By the loader, before the program itself runs.
        ByLoader = "by-loader",
        /// In bytes that no section of a program names.
        OutsideSections = "outside-sections",
        /// In a segment that was not laid with the others.
        AddedSegment = "added-segment",
        /// In code that may be written while it runs.
        WritableCode = "writable-code",
        /// Behind the end of what a file's tables name.
        Appended = "appended",
    }
}
