//! Interfaces and mounts.

use std::collections::BTreeSet;

use super::Flow;
use crate::behaviour::act::{Act, Trait};
use crate::behaviour::{host, options, paths};
use crate::facts::script::Command;

/// File systems of other machines.
const REMOTE: &[&[u8]] = &[
    b"nfs",
    b"nfs4",
    b"cifs",
    b"smb",
    b"smb3",
    b"smbfs",
    b"9p",
    b"afs",
    b"ceph",
    b"coda",
    b"davfs",
    b"glusterfs",
    b"ncpfs",
    b"sshfs",
    b"fuse.sshfs",
    b"curlftpfs",
    b"fuse.curlftpfs",
    b"fuse.rclone",
    b"nbd",
];

/// Programs that mount a file system of another machine: `program SOURCE FOLDER`.
const MOUNTERS: &[&[u8]] = &[
    b"mount.nfs",
    b"mount.nfs4",
    b"mount.cifs",
    b"mount.smb3",
    b"mount.davfs",
    b"mount.glusterfs",
    b"sshfs",
    b"curlftpfs",
    b"smbmount",
    b"simple-mtpfs",
    b"s3fs",
];

impl Flow<'_> {
    pub(super) fn network(&mut self, name: &[u8], command: &Command) -> bool {
        let words = command.arguments();
        let has = |word: &[u8]| words.iter().any(|it| it.text == word);
        match name {
            b"ifconfig" => {
                if !has(b"down") && words.len() > 1 {
                    self.note(Act::InterfaceUp, [], command);
                }
                true
            }
            b"ip" => {
                let changes = has(b"set") && has(b"up")
                    || has(b"add") && (has(b"addr") || has(b"address") || has(b"a"));
                if changes {
                    self.note(Act::InterfaceUp, [], command);
                }
                true
            }
            b"ifup" | b"udhcpc" | b"dhclient" | b"dhcpcd" | b"wpa_supplicant" | b"pppd" => {
                self.note(Act::InterfaceUp, [], command);
                true
            }
            b"mount" => {
                self.mount(command);
                true
            }
            _ if MOUNTERS.contains(&name) => {
                let options = options::split(words, &["o", "t"]);
                if let [source, folder, ..] = options.operands.as_slice() {
                    self.remote_mount(host::class_of(source), &self.resolve(folder), command);
                }
                true
            }
            b"rclone" => {
                if has(b"mount") {
                    self.note(Act::RemoteMount, [Trait::HostUnknown], command);
                }
                true
            }
            _ => false,
        }
    }

    fn remote_mount(&mut self, class: Trait, folder: &[u8], command: &Command) {
        self.note(Act::RemoteMount, [class], command);
        self.taint(folder.to_vec(), &BTreeSet::from([Trait::FromRemote]));
    }

    fn mount(&mut self, command: &Command) {
        let options = options::split(command.arguments(), &["t", "o", "types", "options", "O"]);
        let kind = options
            .value(&["t", "types"])
            .map_or(&b""[..], |kind| &kind.text);
        let (source, folder) = match options.operands.as_slice() {
            [source, folder, ..] => (source, folder),
            // `mount FOLDER` takes the rest from fstab.
            [folder] => (folder, folder),
            [] => return,
        };
        let folder = self.resolve(folder);
        let is_remote = REMOTE.contains(&kind);
        let by_source = kind.is_empty() && source.known && host::of_remote(&source.text).is_some();
        if is_remote || by_source {
            let remote = host::of_remote(&source.text).or_else(|| host::of_url(&source.text));
            let class = remote.map_or(Trait::HostUnknown, |remote| host::class(remote.name));
            self.remote_mount(class, &folder, command);
            return;
        }
        let source_path = self.resolve(source);
        if options.has(&["bind", "B", "rbind"])
            || options
                .value(&["o"])
                .is_some_and(|it| it.text.ends_with(b"bind"))
        {
            let from = self.origin(&source_path);
            self.write(folder, &from, command);
        } else if paths::is_medium_device(&source_path)
            || paths::is_medium(&folder) && source.text.starts_with(b"$")
        {
            self.note(Act::MediumMount, [], command);
            self.taint(folder, &BTreeSet::from([Trait::FromMedium]));
        }
    }
}
