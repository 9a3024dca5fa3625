//! What it costs to try a password: scrypt, with libsodium's way of choosing its parameters.

use zeroize::Zeroizing;

use super::super::key::KeyError;

/// How much scrypt has to do, in libsodium's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// Operations limit: about four times the blocks mixed.
    pub(super) operations: u64,
    /// Memory limit, in bytes.
    pub(super) memory: u64,
}

impl Cost {
    /// What minisign asks for: N = 2^20, r = 8, p = 1, one gigabyte. Nothing above it is obeyed.
    pub(super) const SENSITIVE: Self = Self {
        operations: 1 << 25,
        memory: 1 << 30,
    };

    /// Seals or opens `plain` in place: the exclusive or with what scrypt makes of the password.
    pub(super) fn apply(
        self,
        password: &str,
        salt: &[u8; 32],
        plain: &mut [u8],
    ) -> Result<(), KeyError> {
        let params = self.params().ok_or(KeyError::Cost(
            "it asks for more work than any honest key does",
        ))?;
        let mut stream = Zeroizing::new(vec![0; plain.len()]);
        let mut memory: Vec<u8> = Vec::new();
        // scrypt aborts the process where it cannot have its memory; ask first, and give back at once.
        memory
            .try_reserve_exact(1024 << params.log_n())
            .ok()
            .ok_or(KeyError::Cost("there is not enough memory"))?;
        drop(memory);
        let done = scrypt::scrypt(password.as_bytes(), salt, &params, &mut stream);
        done.ok()
            .ok_or(KeyError::Cost("its parameters are out of range"))?;
        for (byte, mask) in plain.iter_mut().zip(stream.iter()) {
            *byte ^= mask;
        }
        Ok(())
    }

    /// libsodium's `pickparams`: r is 8, and N and p follow from the limits.
    fn params(self) -> Option<scrypt::Params> {
        if self.operations > Self::SENSITIVE.operations || self.memory > Self::SENSITIVE.memory {
            return None;
        }
        let operations = self.operations.max(32768);
        let bounded_by_work = operations < self.memory / 32;
        let most = if bounded_by_work {
            operations / 32
        } else {
            self.memory / 1024
        };
        let log_n = (most / 2)
            .checked_ilog2()
            .map_or(1, |log| log.saturating_add(1));
        let parallel = if bounded_by_work {
            1
        } else {
            ((operations / 4) >> log_n) / 8
        };
        scrypt::Params::new(u8::try_from(log_n).ok()?, 8, u32::try_from(parallel).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_those_of_libsodium() {
        let params = |operations, memory| {
            Cost { operations, memory }
                .params()
                .map(|it| (it.log_n(), it.r(), it.p()))
        };
        assert_eq!(params(1 << 25, 1 << 30), Some((20, 8, 1)));
        assert_eq!(params(1 << 21, 1 << 26), Some((16, 8, 1)));
        assert_eq!(params(524_288, 16 << 20), Some((14, 8, 1)));
        assert_eq!(params(0, 0), Some((1, 8, 512)));
        assert_eq!(params(32768, 1 << 30), Some((10, 8, 1)));
        assert_eq!(params(1 << 20, 1 << 20), Some((10, 8, 32)));
        assert_eq!(params((1 << 25) + 1, 1 << 30), None);
        assert_eq!(params(1 << 25, u64::MAX), None);
    }
}
