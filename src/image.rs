//! Where bytes come from.

pub mod map;
pub mod spool;
