//! Many images: which devices there are, what is kept of each, and what only all of them together show.
//!
//! An `inventory` names the devices. Each becomes one [`record::Record`], a few kB that outlive the image, and all records make a
//! [`summary::Summary`]. Nothing here reads an image from disk, knows the time or prints.

pub mod inventory;
pub mod keys;
pub mod merge;
pub mod parts;
pub mod record;
pub mod results;
pub mod shard;
pub mod summary;
pub mod tally;
