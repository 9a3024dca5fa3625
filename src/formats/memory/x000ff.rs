//! What Windows CE's boot loader takes several images from: a list of regions (X000FF, and N000FF since Windows CE 4.2), and behind it
//! one file for each: records (B000FF), or bytes as they are.

#[cfg(test)]
mod tests;

use std::ops::Range;

use bytes::Bytes;

use super::b000ff;
use crate::budget::Budget;
use crate::formats::told::Problems;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
    Span,
};
use crate::problem::Problem;
use crate::read::{Fields, cut, index, is_all, length, rest};

/// X000FF and N000FF.
pub(in crate::formats) struct X000ff;

const OLD: &[u8; 7] = b"X000FF\n";
const NEW: &[u8; 7] = b"N000FF\n";
/// Those of other files, whose layout no document describes.
const UNREAD: [(&[u8; 7], &str); 3] = [
    (
        b"S000FF\n",
        "a signed Windows CE image (S000FF), which is not read",
    ),
    (
        b"R000FF\n",
        "a signed Windows CE file (R000FF), which is not read",
    ),
    (
        b"D000FF\n",
        "a Windows CE store (D000FF), which is not read",
    ),
];
/// Bytes of the header: the magic, the sum of the rows, and their number.
const HEADER: u64 = 15;
/// Bytes of a row: where a region starts and how long it is, and in new lists the name of its file.
const ROW: u64 = 8;
const NAME: u64 = 260;
/// The most regions that the loader takes.
const MOST: u64 = 25;
/// Zeros that end an old file.
const END: u64 = 4;

impl Format for X000ff {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "x000ff",
            title: "Windows CE images of several regions (X000FF, N000FF)",
            kind: Kind::Memory,
            spec: "blcommon.c of Windows CE 5 to 7 (N000FF); X000FF as the tools for HTC's devices write it",
            reads: "lists of regions, and a file for each: B000FF, or bytes as they are (.nb0)",
            verifies: "the sum of the list; that each image states the region of its row",
            limits: &[
                "signed images and files (S000FF, R000FF) and stores (D000FF), which are named only",
                "of a file that starts with neither B000FF nor S000FF or R000FF, the length is that of its region",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        const ALL: [Magic; 5] = [
            Magic { bytes: OLD, at: 0 },
            Magic { bytes: NEW, at: 0 },
            Magic {
                bytes: UNREAD[0].0,
                at: 0,
            },
            Magic {
                bytes: UNREAD[1].0,
                at: 0,
            },
            Magic {
                bytes: UNREAD[2].0,
                at: 0,
            },
        ];
        &ALL
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        if let Some((_, what)) = UNREAD.iter().find(|(magic, _)| rest.starts_with(*magic)) {
            // The magic is followed by numbers, and not by more text as in a program that looks for it.
            let is_text = rest.get(7..23).is_none_or(|bytes| {
                let mut printable = bytes.iter().filter(|byte| matches!(byte, b' '..=b'~'));
                printable.nth(11).is_some()
            });
            return Err(if is_text {
                Reject::Coincidence("text")
            } else {
                Reject::NearMiss(what)
            });
        }
        let list = List::read(rest).ok_or(Reject::Coincidence("no list of regions"))?;
        let files = list.files(rest);
        if files.is_empty() {
            return Err(Reject::NearMiss("a list of regions without a file"));
        }
        let proof = match (list.sum == list.stated, list.is_old) {
            (true, _) => Proof::Checksum,
            (false, true) => Proof::Structure,
            (false, false) => {
                return Err(Reject::NearMiss(
                    "a list of regions whose sum is not that of its rows",
                ));
            }
        };
        Ok(Extent::known(list.end(rest, &files), proof))
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some(list) = List::read(&region) else {
            return Opened::unread(Problem::corrupt("the list of regions is cut off"));
        };
        let mut problems = Problems::default();
        if list.sum != list.stated {
            let detail = "the sum of the list of regions is not that of its rows";
            problems.push(Problem::checksum(detail).at(7));
        }
        let files = list.files(&region);
        let mut spans = vec![Span::metadata(0, list.len)];
        let mut parts = Vec::new();
        for (row, file) in list.rows.iter().zip(&files) {
            let here = file.end.min(length(&region));
            if let Some(problem) = row.check(&region, file) {
                problems.push(problem);
            }
            if here < file.end {
                let detail = "the file of a region is cut off";
                problems.push(Problem::corrupt(detail).at(here));
            }
            parts.push(Part {
                name: row.name.clone(),
                bytes: PartBytes::Range(file.start..here),
            });
        }
        if files.len() < list.rows.len() {
            let detail = format!("{} of {} regions have a file", files.len(), list.rows.len());
            problems.push(Problem::corrupt(detail).at(length(&region)));
        }
        if list.is_old && files.len() == list.rows.len() {
            let at = files.last().map_or(list.len, |file| file.end);
            let end = cut(&region, at, END).filter(|end| is_all(end, 0));
            match end {
                Some(_) => spans.push(Span::metadata(at, END)),
                None => problems.push(Problem::corrupt("the zeros at the end are missing").at(at)),
            }
        }
        let mut properties = Properties::new();
        properties.set("regions", list.rows.len().to_string());
        Opened {
            content: Content::Layout(parts),
            spans,
            problems: problems.into_vec(),
            properties,
        }
    }
}

/// The list of regions.
struct List {
    is_old: bool,
    stated: u32,
    /// The sum of the bytes of its rows.
    sum: u32,
    rows: Vec<Row>,
    /// Bytes of header and rows.
    len: u64,
}

/// A region.
struct Row {
    start: u32,
    len: u32,
    /// The name of its file, or where it starts.
    name: Vec<u8>,
}

impl List {
    fn read(bytes: &Bytes) -> Option<Self> {
        let header = cut(bytes, 0, HEADER)?;
        let fields = Fields::little(&header);
        let is_old = header.starts_with(OLD);
        if !is_old && !header.starts_with(NEW) {
            return None;
        }
        let count = u64::from(fields.u32(11)?);
        let row = if is_old {
            ROW
        } else {
            ROW.saturating_add(NAME)
        };
        if !(1..=MOST).contains(&count) {
            return None;
        }
        let rows = cut(bytes, HEADER, count.checked_mul(row)?)?;
        let sum = rows
            .iter()
            .fold(0_u32, |sum, &byte| sum.wrapping_add(byte.into()));
        Some(Self {
            is_old,
            stated: fields.u32(7)?,
            sum,
            len: HEADER.saturating_add(length(&rows)),
            rows: rows.chunks(index(row)).filter_map(Row::read).collect(),
        })
    }

    /// The files, as many as start in `bytes`; the last may end behind them.
    fn files(&self, bytes: &Bytes) -> Vec<Range<u64>> {
        let mut files = Vec::new();
        let mut at = self.len;
        for row in &self.rows {
            let here = rest(bytes, at);
            let len = match b000ff::extent(&here) {
                Some(len) => len,
                None if self.is_old => break,
                // What is signed has a length that nothing states.
                None if here.starts_with(UNREAD[0].0) || here.starts_with(UNREAD[1].0) => {
                    length(&here)
                }
                None => row.len.into(),
            };
            if here.is_empty() || len == 0 {
                break;
            }
            let end = at.saturating_add(len);
            files.push(at..end);
            at = end;
        }
        files
    }

    /// Where the last file ends, and what ends an old list.
    fn end(&self, bytes: &Bytes, files: &[Range<u64>]) -> u64 {
        let end = files.last().map_or(self.len, |file| file.end);
        let zeros = cut(bytes, end, END).is_some_and(|end| is_all(&end, 0));
        if self.is_old && zeros {
            end.saturating_add(END)
        } else {
            end
        }
    }
}

impl Row {
    fn read(row: &[u8]) -> Option<Self> {
        let fields = Fields::little(row);
        let start = fields.u32(0)?;
        let name = fields.tail(index(ROW))?;
        let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
        Some(Self {
            start,
            len: fields.u32(4)?,
            name: if name.is_empty() {
                format!("{start:#010x}").into_bytes()
            } else {
                name.to_vec()
            },
        })
    }

    /// What is wrong with the file of this region.
    fn check(&self, bytes: &Bytes, file: &Range<u64>) -> Option<Problem> {
        let here = rest(bytes, file.start);
        let states = b000ff::states(&here);
        if let Some((_, what)) = UNREAD.iter().find(|(magic, _)| here.starts_with(*magic)) {
            return Some(Problem::unsupported(*what).at(file.start));
        }
        let differs = states.is_some_and(|states| states != (self.start, self.len));
        let detail = "an image states another region than its row";
        differs.then(|| Problem::corrupt(detail).at(file.start))
    }
}
