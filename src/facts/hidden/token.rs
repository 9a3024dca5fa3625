//! Pieces of commands, and what their bytes look like under any key.

use std::sync::LazyLock;

use super::key::How;

/// Beginnings of commands, long enough that chance does not make them; a comma stands between them.
const COMMANDS: &str = "mount -,ifconfig ,telnetd,wget -,wget http,wget ftp,curl -,curl http,curl ftp,tftp -,tftp ,ftpget ,ftpput ,\
    chmod +x ,chmod 7,chmod -,chmod 0755,chmod a+x ,cp -r,cp -f,cp -a,cp /mnt/,cp /tmp/,mv -f,mv /tmp/,nc -e,nc -l,ncat -,netcat ,socat ,\
    sh -c,bash -,/bin/sh,/bin/bash,/bin/ash,/bin/busybox,busybox ,/sbin/,/usr/bin/,/usr/sbin/,iptables ,nft flush,killall ,insmod ,modprobe ,\
    passwd ,chpasswd,adduser ,useradd ,dropbear,sshd -,ssh -,ip link,ip addr,ip route,udhcpc -,dhclient ,echo ,export ,rm -rf,dd if=,tar -,\
    tar x,unzip ,nohup ,python,perl -,crontab ,systemctl ,service ,rsync ,scp -,mount.nfs,mount.cifs,http://,https://,ftp://,tftp://,\
    mount -t ,mount -t nfs,mount -t cifs,mount -o ,ifconfig eth,cp -rf /,cp -af /,cp -a /mnt,cp -r /mnt,cp -f /mnt,mv -f /tmp/,chmod 777 ,chmod 755 ,\
    /bin/sh -c,/bin/sh -i,telnetd -l,telnetd -p";
/// What stands further on in commands.
const PIECES: &str = " -t nfs, -o nolock,/usr/local/,/opt/bin/,/etc/cron, -t cifs,nolock,/bin/,/usr/,/tmp/,/mnt/,/media/,/opt/,/etc/,/lib/,/var/,/home/,/root/,/proc/,/dev/,/dev/shm/,/dev/null,\
    /dev/tcp/,/etc/init.d/,/etc/passwd,/etc/shadow,/etc/inittab,LD_PRELOAD,authorized_keys, 2>&1, && , || , >/dev/null, > /dev/null, up; ,\
    eth0 up,wlan0 up,| sh,|/bin/sh, -l /bin/sh, -e /bin/,/bin/ ,/bin/;,password,username=, -O /, -o /";
/// Differences of a token that are looked for first.
const WINDOW: usize = 4;
/// Bits of the map of differences.
const MAP_BITS: u32 = 19;
/// Tokens under keys that count have at least so many letters.
const LONG: usize = 6;

/// What differences are made of: neighbours or bytes further apart, by XOR or by subtraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stream {
    pub(super) how: How,
    /// How far the bytes are apart: the bytes of the key.
    pub(super) lag: usize,
}

/// All of them.
pub(super) const STREAMS: [Stream; 5] = [
    Stream {
        how: How::Xor,
        lag: 1,
    },
    Stream {
        how: How::Xor,
        lag: 2,
    },
    Stream {
        how: How::Xor,
        lag: 3,
    },
    Stream {
        how: How::Xor,
        lag: 4,
    },
    Stream {
        how: How::Add,
        lag: 1,
    },
];

/// A token that differences may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Token {
    pub(super) text: &'static [u8],
    /// Whether it stands backwards.
    pub(super) backwards: bool,
    /// Whether a command may begin with it.
    pub(super) begins: bool,
}

impl Token {
    /// Its bytes in the order in which they are stored.
    pub(super) fn stored(self) -> impl Iterator<Item = u8> + Clone {
        let last = self.text.len().saturating_sub(1);
        let at = move |nth: usize| {
            let place = if self.backwards {
                last.saturating_sub(nth)
            } else {
                nth
            };
            self.text.get(place).copied()
        };
        (0..self.text.len()).filter_map(at)
    }
}

/// Differences of the beginnings of all tokens.
pub(super) struct Table {
    /// A bit for each hash of differences: most bytes of a program are done with after it.
    map: Box<[u64]>,
    /// By stream and differences.
    entries: Vec<(Stream, u32, Token)>,
}

impl Table {
    /// The table, made once.
    pub(super) fn get() -> &'static Self {
        static TABLE: LazyLock<Table> = LazyLock::new(Table::new);
        &TABLE
    }

    fn new() -> Self {
        let mut entries = Vec::new();
        let commands = COMMANDS.split(',').map(|text| (text, true));
        let pieces = PIECES.split(',').map(|text| (text, false));
        for (text, begins) in commands.chain(pieces) {
            for backwards in [false, true] {
                let text = text.as_bytes();
                let token = Token {
                    text,
                    backwards,
                    begins,
                };
                for stream in STREAMS {
                    let windows = windows(token, stream).into_iter();
                    entries.extend(windows.map(|window| (stream, window, token)));
                }
            }
        }
        entries.sort_unstable();
        entries.dedup();
        let words = 1_usize.checked_shl(MAP_BITS.saturating_sub(6)).unwrap_or(1);
        let mut map = vec![0; words].into_boxed_slice();
        for &(stream, window, _) in &entries {
            let (word, bit) = spot(stream, window);
            if let Some(word) = map.get_mut(word) {
                *word |= bit;
            }
        }
        Self { map, entries }
    }

    /// Whether a token may begin where these differences are; mostly right where it says so, and always where it does not.
    #[inline]
    pub(super) fn has(&self, stream: Stream, window: u32) -> bool {
        let (word, bit) = spot(stream, window);
        self.map.get(word).is_some_and(|word| word & bit != 0)
    }

    /// The tokens that may begin where these differences are.
    pub(super) fn tokens(&self, stream: Stream, window: u32) -> impl Iterator<Item = Token> {
        let first = self
            .entries
            .partition_point(|it| (it.0, it.1) < (stream, window));
        let entries = self.entries.get(first..).unwrap_or_default().iter();
        let same = entries.take_while(move |it| (it.0, it.1) == (stream, window));
        same.map(|it| it.2)
    }
}

/// The word of the map and the bit in it for differences.
#[inline]
fn spot(stream: Stream, window: u32) -> (usize, u64) {
    let salt = match (stream.how, stream.lag) {
        (How::Xor, 1) => 0,
        (How::Xor, 2) => 0x7f4a_7c15,
        (How::Xor, 3) => 0x1ce4_e5b9,
        (How::Xor, _) => 0x1331_11eb,
        (How::Add, _) => 0x5851_f42d,
    };
    let hash = (window ^ salt).wrapping_mul(0x9e37_79b1) >> u32::BITS.saturating_sub(MAP_BITS);
    let bit = 1_u64.checked_shl(hash & 63).unwrap_or(0);
    (crate::read::index(u64::from(hash >> 6)), bit)
}

/// What the first differences of a token are, lowest byte first: under a key that repeats, and under those that count.
fn windows(token: Token, stream: Stream) -> Vec<u32> {
    let Some(plain) = window(token.stored(), stream) else {
        return Vec::new();
    };
    // The bytes of a long key are taken from the token itself: what is left must still be more than chance.
    if stream.lag > 1 && token.text.len() <= stream.lag.saturating_add(WINDOW) {
        return Vec::new();
    }
    let mut windows = vec![plain];
    match stream {
        Stream { .. } if token.text.len() < LONG => {}
        Stream {
            how: How::Xor,
            lag: 1,
        } => {
            for first in 0..=u8::MAX {
                for step in [1, u8::MAX] {
                    let mut key = first;
                    let under = token.stored().map(|byte| {
                        let under = byte ^ key;
                        key = key.wrapping_add(step);
                        under
                    });
                    windows.extend(window(under, stream));
                }
            }
        }
        Stream { how: How::Add, .. } => {
            for step in [1, u8::MAX] {
                let mut key = 0_u8;
                let under = token.stored().map(|byte| {
                    let under = byte.wrapping_add(key);
                    key = key.wrapping_add(step);
                    under
                });
                windows.extend(window(under, stream));
            }
        }
        Stream { .. } => {}
    }
    windows.sort_unstable();
    windows.dedup();
    windows
}

/// The first differences of some bytes; `None` where there are too few.
fn window(bytes: impl Iterator<Item = u8>, stream: Stream) -> Option<u32> {
    let bytes: Vec<u8> = bytes.collect();
    let later = bytes.get(stream.lag..)?.get(..WINDOW)?;
    let mut all = [0; WINDOW];
    for ((to, &later), &byte) in all.iter_mut().zip(later).zip(&bytes) {
        *to = stream.how.undo(later, byte);
    }
    Some(u32::from_le_bytes(all))
}
