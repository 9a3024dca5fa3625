//! From an image to everything that is in it: regions, gaps, entries, and an account of every byte.

mod content;
mod drain;
mod gaps;
mod inventory;
mod ledger;
mod obscured;
mod partitions;
mod profile;
mod search;
mod settle;
mod unpack;

pub use gaps::{GapKind, entropy_of};
pub use inventory::{FileId, Found, Gap, ImageId, Inventory, Older, Owner, Region, State, Told};
pub use ledger::Coverage;
pub use partitions::Partition;
pub use profile::Profile;
pub use unpack::unpack;
