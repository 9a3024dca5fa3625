//! Which code of a modified program is the one that its baseline states, function by function.

use std::collections::BTreeSet;
use std::ops::Range;

/// The code and data of a program that a finding goes by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InCode {
    /// The functions, by their addresses.
    pub functions: BTreeSet<u64>,
    /// The constant texts that are handed over.
    pub texts: BTreeSet<Vec<u8>>,
    /// Whether something is handed over that may stand in the program's data.
    pub has_data: bool,
}

/// The code that a modified program has in common with the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// Its functions, by their first byte.
    pub functions: Vec<OwnFunction>,
    /// The bit of an address that tells which instructions stand there; 0 where none does.
    pub mode_bit: u64,
    /// Whether calls of libraries lead where they did.
    pub has_same_linkage: bool,
    /// Whether all sections of data are the expected ones.
    pub has_same_data: bool,
}

/// One function of a modified program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnFunction {
    /// From its first byte to the byte behind its last instruction.
    pub range: Range<u64>,
    /// What it is called.
    pub label: String,
    /// Whether the baseline holds its instructions, its calls, and the texts and constants that it uses.
    pub is_known: bool,
    /// The texts that it uses.
    pub texts: Vec<Vec<u8>>,
}

impl Own {
    /// What of the code and data that something goes by is not the expected program's; `None` where all of it is.
    pub fn foreign(&self, code: &InCode) -> Option<String> {
        if !self.has_same_linkage {
            return Some("its calls of libraries, which lead elsewhere than before".to_owned());
        }
        let mut texts: Vec<&Vec<u8>> = Vec::new();
        for &address in &code.functions {
            match self.holding(address & !self.mode_bit) {
                Some(function) if function.is_known => texts.extend(&function.texts),
                Some(function) => return Some(function.label.clone()),
                None => return Some(format!("code at {address:#x}")),
            }
        }
        if self.has_same_data {
            return None;
        }
        let is_known = |text: &Vec<u8>| {
            let mut all = texts.iter();
            all.any(|known| memchr::memmem::find(known, text).is_some())
        };
        let has_other = code.has_data || !code.texts.iter().all(is_known);
        has_other.then(|| "its data, which may be another".to_owned())
    }

    fn holding(&self, address: u64) -> Option<&OwnFunction> {
        let behind = |it: &OwnFunction| it.range.start <= address;
        let at = self.functions.partition_point(behind).checked_sub(1)?;
        self.functions
            .get(at)
            .filter(|it| it.range.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Own {
        let function = |start, is_known, text: &str| OwnFunction {
            range: start..start + 0x10,
            label: format!("the function at {start:#x}"),
            is_known,
            texts: vec![text.as_bytes().to_vec()],
        };
        Own {
            functions: vec![
                function(0x100, true, "telnetd -l /bin/sh"),
                function(0x120, false, "mount"),
            ],
            mode_bit: 1,
            has_same_linkage: true,
            has_same_data: false,
        }
    }

    fn code(functions: &[u64], text: &str) -> InCode {
        InCode {
            functions: functions.iter().copied().collect(),
            texts: [text.as_bytes().to_vec()].into_iter().collect(),
            has_data: false,
        }
    }

    #[test]
    fn all_functions_and_texts_have_to_be_known() {
        let own = own();
        assert_eq!(own.foreign(&code(&[0x101], "telnetd")), None);
        let told = own.foreign(&code(&[0x101, 0x121], "telnetd"));
        assert_eq!(told.as_deref(), Some("the function at 0x120"));
        let told = own.foreign(&code(&[0x110], "telnetd"));
        assert_eq!(told.as_deref(), Some("code at 0x110"));
        assert!(own.foreign(&code(&[0x100], "ftpd")).is_some());
        let data = InCode {
            has_data: true,
            ..code(&[0x100], "telnetd")
        };
        assert!(own.foreign(&data).is_some());
    }

    #[test]
    fn data_that_is_the_same_needs_no_text() {
        let own = Own {
            has_same_data: true,
            ..own()
        };
        assert_eq!(own.foreign(&code(&[0x100], "ftpd")), None);
        let elsewhere = Own {
            has_same_linkage: false,
            ..own
        };
        assert!(elsewhere.foreign(&code(&[0x100], "telnetd")).is_some());
    }
}
