//! Devices by the parts of their images: which part of which device is as it usually is for the model.
//!
//! Devices of which the same is told are one row, so that four thousand devices are as many rows as there are ways to be.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::groups::{Content, Groups, usual};
use super::{Answer, Row, Summary, Unit};
use crate::digest::Digest;
use crate::fleet::record::count;

/// So many parts of a model are told: those that most devices have.
const MOST_PARTS: usize = 16;
/// So many rows of a model are told, the worst first.
const MOST_ROWS: usize = 200;

/// The devices of one model.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Matrix {
    /// The model; empty where nothing says which.
    pub model: String,
    /// How many devices it has.
    pub count: u64,
    /// The places of its parts, in the order of their names.
    pub places: Vec<String>,
    /// How many places are not told, since few devices have them.
    pub other_places: u64,
    /// The devices, the worst first.
    pub rows: Vec<MatrixRow>,
    /// How many devices stand in no row, since there are too many ways to be.
    pub left: u64,
}

/// Devices of which the same is told.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct MatrixRow {
    /// One of them; the answers are those of all.
    #[serde(flatten)]
    pub first: Unit,
    /// For each place what the devices have there.
    pub cells: Vec<Cell>,
    /// How many devices.
    pub count: u64,
    /// The first of them.
    pub units: Vec<String>,
}

/// What a device has as a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// What is usual.
    Usual,
    /// Another content with the programs that are usual: settings, records.
    OtherContent,
    /// Other programs.
    OtherPrograms,
    /// The part is there, and nothing is usual: every device has its own.
    Own,
    /// It lacks the part.
    Absent,
}

/// What of a model's part is usual, and what each device has.
struct Part {
    usual: BTreeSet<(Content, Digest)>,
    has: BTreeMap<usize, Vec<(Content, Digest)>>,
}

impl Part {
    fn cell(&self, index: usize) -> Cell {
        let Some(has) = self.has.get(&index) else {
            return Cell::Absent;
        };
        let is_usual = |of: Content| has.iter().any(|it| it.0 == of && self.usual.contains(it));
        let some_usual = |of: Content| self.usual.iter().any(|(content, _)| *content == of);
        let has_programs = has.iter().any(|(of, _)| *of == Content::Programs);
        if is_usual(Content::All) {
            Cell::Usual
        } else if has_programs && some_usual(Content::Programs) && !is_usual(Content::Programs) {
            Cell::OtherPrograms
        } else if some_usual(Content::All) {
            Cell::OtherContent
        } else {
            Cell::Own
        }
    }
}

impl Summary {
    /// The matrix of each model.
    pub(super) fn matrices(&self) -> Vec<Matrix> {
        let models = self.groups.models.iter();
        let matrix = |(model, members): (&String, &Vec<usize>)| self.matrix(model, members);
        models.map(matrix).collect()
    }

    fn matrix(&self, model: &str, members: &[usize]) -> Matrix {
        let parts = self.groups.of_model(model);
        let mut told: Vec<(&str, Part)> = parts.into_iter().collect();
        told.sort_by_key(|(_, part)| Reverse(part.has.len()));
        let other_places = told.len().saturating_sub(MOST_PARTS);
        told.truncate(MOST_PARTS);
        told.sort_by_key(|(place, _)| *place);
        let mut alike: BTreeMap<Like, Vec<usize>> = BTreeMap::new();
        for &index in members {
            if let Some(row) = self.rows.get(index) {
                let cells = told.iter().map(|(_, part)| part.cell(index)).collect();
                let like = (Reverse(row.rank()), row.exit_code, row.answer, cells);
                alike.entry(like).or_default().push(index);
            }
        }
        let rows = alike.into_iter().take(MOST_ROWS);
        let rows: Vec<MatrixRow> = rows
            .filter_map(|((.., cells), members)| self.matrix_row(cells, &members))
            .collect();
        let shown = rows
            .iter()
            .fold(0_u64, |sum, row| sum.saturating_add(row.count));
        Matrix {
            model: model.to_owned(),
            count: count(members.len()),
            places: told.iter().map(|(place, _)| (*place).to_owned()).collect(),
            other_places: count(other_places),
            rows,
            left: count(members.len()).saturating_sub(shown),
        }
    }

    fn matrix_row(&self, cells: Vec<Cell>, members: &[usize]) -> Option<MatrixRow> {
        let rows = members.iter().filter_map(|&index| self.rows.get(index));
        let first: &Row = rows.min_by_key(|row| row.position)?;
        Some(MatrixRow {
            first: Unit::new(first),
            cells,
            count: count(members.len()),
            units: self.names(members),
        })
    }
}

/// What devices of one row have in common: how bad it is, and what is told.
type Like = (Reverse<(u8, u8, u64)>, u8, Answer, Vec<Cell>);

impl Groups {
    fn of_model(&self, model: &str) -> BTreeMap<&str, Part> {
        let mut parts: BTreeMap<&str, Part> = BTreeMap::new();
        for ((_, place, content), groups) in self.parts.iter().filter(|((of, ..), _)| of == model) {
            let part = parts.entry(place).or_insert_with(|| Part {
                usual: BTreeSet::new(),
                has: BTreeMap::new(),
            });
            let usual = usual(groups).into_iter();
            part.usual
                .extend(usual.map(|(sha256, _)| (*content, *sha256)));
            for (sha256, members) in groups {
                for &index in members {
                    part.has.entry(index).or_default().push((*content, *sha256));
                }
            }
        }
        parts
    }
}
