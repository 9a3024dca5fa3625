//! Where there is no filter for a processor.

/// Says so.
pub(super) fn restrict(_sets_metadata: bool) -> Result<(), String> {
    Err("there is no filter for this processor".to_owned())
}
