//! What each target does with the bytes that it is given: nothing that may panic, hang, or take memory without bounds. Where something is to
//! come out of it whatever the bytes are, that is asserted.

mod documents;
mod images;
mod mend;
mod patched;
mod programs;

/// A target's name, and what it does.
type Deed = (&'static str, fn(&[u8]));

/// The deeds of all targets, sorted by name.
pub const DEEDS: &[Deed] = &[
    ("archive", images::archive),
    ("baseline", documents::baseline),
    ("boot", images::boot),
    ("carve", images::carve),
    ("code", programs::code),
    ("compression", images::compression),
    ("disk", images::disk),
    ("elf", programs::elf),
    ("filesystem", images::filesystem),
    ("flash", images::flash),
    ("hive", images::hive),
    ("import", documents::import),
    ("inventory", documents::inventory),
    ("memory", images::memory),
    ("mended", images::mended),
    ("packages", programs::packages),
    ("patched", patched::patched),
    ("pe", programs::pe),
    ("report", documents::report),
    ("results", documents::results),
    ("rules", documents::rules),
    ("script", programs::script),
    ("signatures", documents::signatures),
    ("trust", documents::trust),
];

/// Does what a target does.
///
/// # Panics
/// There is no such target, or vitalsign does what it never should.
pub fn run(target: &str, bytes: &[u8]) {
    let (_, deed) = DEEDS.iter().find(|(name, _)| *name == target).unwrap();
    deed(bytes);
}
