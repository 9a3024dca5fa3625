//! Parts of a fleet for several machines: which devices each of them does follows from their names alone, so that all machines agree and none
//! reads an image to find out.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::inventory::{Device, MOST};
use crate::digest::Digest;

/// One shard of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    /// Which one, from 0.
    index: u64,
    /// Of how many.
    of: u64,
}

/// A shard, as the first line of its results says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardRow {
    /// Which one, from 0.
    pub index: u64,
    /// Of how many.
    pub of: u64,
    /// How many devices it has.
    pub devices: u64,
}

impl ShardRow {
    /// The shard itself.
    ///
    /// # Errors
    /// [`NoShard`]: the line names none.
    pub fn shard(&self) -> Result<Shard, NoShard> {
        Shard::new(self.index, self.of)
    }
}

/// Why something names no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoShard {
    /// It is no number, or not two of them.
    #[error("a shard is I/N, auto or auto/N, with whole numbers")]
    Form,
    /// There are none, or more than a fleet has devices.
    #[error("a fleet has 1 to {MOST} shards")]
    Count,
    /// There is none of this number.
    #[error("of {of} shards the first is 0/{of} and the last {}/{of}", of.saturating_sub(1))]
    Index {
        /// How many there are.
        of: u64,
    },
}

impl Shard {
    /// One of `of` shards, from 0.
    ///
    /// # Errors
    /// [`NoShard`]: there is none of this number.
    pub fn new(index: u64, of: u64) -> Result<Self, NoShard> {
        if of == 0 || usize::try_from(of).map_or(true, |of| of > MOST) {
            return Err(NoShard::Count);
        }
        if index >= of {
            return Err(NoShard::Index { of });
        }
        Ok(Self { index, of })
    }

    /// Which one it is, from 0.
    pub fn index(self) -> u64 {
        self.index
    }

    /// Of how many.
    pub fn of(self) -> u64 {
        self.of
    }

    /// The one among the same shards that a device is in: by the first 8 bytes of the SHA-256 of its image's name, as a big-endian number,
    /// modulo their count. The name is that of the record: as the inventory writes it, escaped.
    #[must_use]
    pub fn that_holds(self, image: &str) -> Self {
        let digest = Digest::of(image.as_bytes());
        let first = digest.as_bytes().first_chunk().copied();
        let number = u64::from_be_bytes(first.unwrap_or_default());
        let index = number.checked_rem(self.of).unwrap_or_default();
        Self { index, ..self }
    }

    /// Whether a device is in it.
    pub fn holds(self, image: &str) -> bool {
        self.that_holds(image) == self
    }

    /// What its results begin with.
    pub fn row(self, devices: usize) -> ShardRow {
        ShardRow {
            index: self.index,
            of: self.of,
            devices: u64::try_from(devices).unwrap_or(u64::MAX),
        }
    }

    /// Its devices, by their positions in the inventory.
    pub fn positions(self, devices: &[Device]) -> Vec<usize> {
        let devices = devices.iter().enumerate();
        let held = devices.filter(|(_, device)| self.holds(&device.image));
        held.map(|(position, _)| position).collect()
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.index, self.of)
    }
}

/// Which shard a run is to do, as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// `I/N`: this one.
    Stated(Shard),
    /// `auto/N`: the one that the engine numbers, of so many.
    AutoOf(u64),
    /// `auto`: the engine says both.
    Auto,
}

impl FromStr for Asked {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Self, NoShard> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let (index, of) = text.split_once('/').ok_or(NoShard::Form)?;
        let of = number(of)?;
        if index == "auto" {
            return Shard::new(0, of).map(|first| Self::AutoOf(first.of));
        }
        Ok(Self::Stated(Shard::new(number(index)?, of)?))
    }
}

/// A number in decimal digits alone: no sign, no space.
///
/// # Errors
/// [`NoShard::Form`].
pub fn number(text: &str) -> Result<u64, NoShard> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_plain);
    number.ok_or(NoShard::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_is_in_one_shard_and_always_the_same() {
        let names: Vec<String> = (0..1000).map(|number| format!("{number:04}.bin")).collect();
        for of in [1, 2, 3, 7, 64] {
            let shards: Vec<Shard> = (0..of)
                .map(|index| Shard::new(index, of).unwrap())
                .collect();
            for name in &names {
                let held = shards.iter().filter(|shard| shard.holds(name)).count();
                assert_eq!(held, 1, "{name} of {of}");
            }
            for shard in &shards {
                let held = names.iter().filter(|name| shard.holds(name)).count();
                let fair = 1000 / usize::try_from(of).unwrap();
                assert!(held > fair / 3 && held < fair.max(2) * 3, "{shard}: {held}");
            }
        }
    }

    #[test]
    fn the_split_is_the_one_that_is_documented() {
        // printf a.bin | sha256sum | cut -c1-16, and that number modulo 7; the same of b.bin and of ../demo/vsm9000-4.2.1.bin
        for (name, index) in [
            ("a.bin", 0x4fef_9cff_ec13_baaa_u64),
            ("b.bin", 0x87b6_c6fe_b9fc_94a9),
            ("../demo/vsm9000-4.2.1.bin", 0xbb3d_e7fb_c91b_c72f),
        ] {
            let shard = Shard::new(index % 7, 7).unwrap();
            assert!(shard.holds(name), "{name}");
        }
    }

    #[test]
    fn what_names_no_shard_is_refused() {
        let parsed = |text: &str| text.parse::<Asked>();
        assert_eq!(parsed("2/7"), Ok(Asked::Stated(Shard { index: 2, of: 7 })));
        assert_eq!(parsed("auto"), Ok(Asked::Auto));
        assert_eq!(parsed("auto/7"), Ok(Asked::AutoOf(7)));
        assert_eq!(parsed("7/7"), Err(NoShard::Index { of: 7 }));
        for text in ["0/0", "auto/0", "1/1000001", "auto/18446744073709551615"] {
            assert_eq!(parsed(text), Err(NoShard::Count), "{text}");
        }
        for text in [
            "",
            "3",
            "/",
            "/7",
            "1/",
            "+1/7",
            " 1/7",
            "-1/7",
            "1/7/2",
            "AUTO",
            "auto/",
            "0x1/7",
            "99999999999999999999/7",
        ] {
            assert_eq!(parsed(text), Err(NoShard::Form), "{text}");
        }
    }
}
