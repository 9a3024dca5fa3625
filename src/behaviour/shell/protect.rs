//! Protections that are switched off, and checks that are made.

use super::Flow;
use crate::behaviour::act::{Act, Trait};
use crate::behaviour::paths;
use crate::facts::script::{Argument, Command};

impl Flow<'_> {
    pub(super) fn protect(&mut self, name: &[u8], command: &Command) -> bool {
        let words = command.arguments();
        let has = |word: &[u8]| words.iter().any(|it| it.text == word);
        let names = |part: &[u8]| {
            words
                .iter()
                .any(|it| memchr::memmem::find(&it.text, part).is_some())
        };
        match name {
            b"iptables" | b"ip6tables" => {
                let chain = words
                    .iter()
                    .position(|word| matches!(word.text.as_slice(), b"-P" | b"--policy"));
                let accepts =
                    chain.is_some() && has(b"ACCEPT") && (has(b"INPUT") || has(b"FORWARD"));
                if accepts || has(b"-F") || has(b"--flush") {
                    self.note(Act::FilterOff, [], command);
                } else if has(b"DROP") || has(b"REJECT") || has(b"-A") || has(b"-I") {
                    self.note(Act::FilterRule, [], command);
                }
            }
            b"nft" => {
                if has(b"flush") && has(b"ruleset") {
                    self.note(Act::FilterOff, [], command);
                } else if has(b"-f") || has(b"add") {
                    self.note(Act::FilterRule, [], command);
                }
            }
            b"ufw" => {
                if has(b"disable") {
                    self.note(Act::FilterOff, [], command);
                }
            }
            b"setenforce" => {
                if has(b"0") || has(b"Permissive") {
                    self.note(Act::ProtectionOff, [], command);
                }
            }
            b"sysctl" => {
                if names(b"randomize_va_space=0") || names(b"modules_disabled=0") {
                    self.note(Act::ProtectionOff, [], command);
                }
            }
            b"killall" | b"pkill" | b"rmmod" => {
                if names(b"watchdog") || names(b"_wdt") || names(b"wdt_") {
                    self.note(Act::WatchdogOff, [], command);
                } else if names(b"auditd") || names(b"aide") || names(b"integrity") {
                    self.note(Act::ProtectionOff, [], command);
                }
            }
            b"systemctl" | b"service" | b"rc-service" => {
                let stops = has(b"stop") || has(b"disable") || has(b"mask");
                if stops && names(b"watchdog") {
                    self.note(Act::WatchdogOff, [], command);
                } else if stops && (names(b"firewall") || names(b"iptables") || names(b"nftables"))
                {
                    self.note(Act::FilterOff, [], command);
                }
            }
            b"gpg" | b"gpgv" | b"openssl" | b"minisign" | b"signify" | b"usign" | b"ssh-keygen"
            | b"rauc" | b"swupdate" | b"cosign" => {
                let words: [&[u8]; 10] = [
                    b"--verify",
                    b"-verify",
                    b"verify",
                    b"-V",
                    b"-Vm",
                    b"-Y",
                    b"-k",
                    b"install",
                    b"cms",
                    b"smime",
                ];
                if name == b"gpgv" || words.iter().any(|word| has(word)) {
                    self.note(Act::Verify, [Trait::Signature], command);
                }
            }
            b"md5sum" | b"sha1sum" | b"sha256sum" | b"sha512sum" | b"cksum" => {
                self.note(Act::Verify, [Trait::Checksum], command);
            }
            _ => return false,
        }
        true
    }

    /// What is written to switches of the kernel and to the watchdog.
    pub(super) fn switch(&mut self, path: &[u8], text: &[u8], command: &Command) {
        let value = text.strip_prefix(b"echo ").unwrap_or(text).trim_ascii();
        let value = value.strip_prefix(b"-n ").unwrap_or(value);
        if path.starts_with(b"/dev/watchdog") && value == b"V" {
            self.note(Act::WatchdogOff, [], command);
        }
        let guards: [&[u8]; 3] = [
            b"/proc/sys/kernel/randomize_va_space",
            b"/sys/fs/selinux/enforce",
            b"/selinux/enforce",
        ];
        if guards.contains(&path) && value == b"0" {
            self.note(Act::ProtectionOff, [], command);
        }
        // The kernel runs these with the rights of root.
        let helpers: [&[u8]; 2] = [b"/proc/sys/kernel/modprobe", b"/proc/sys/kernel/hotplug"];
        let target = Argument::new(value);
        if helpers.contains(&path)
            && (paths::is_temporary(&target.text) || paths::is_medium(&target.text))
        {
            self.note(Act::Persist, [Trait::FromTemporary], command);
        }
    }
}
