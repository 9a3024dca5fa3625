//! Documents that people sign: baselines, keyrings, indexes, revocations. TOML 1.0, read so strictly that two readers cannot
//! disagree, with a constant in it that says which kind it is.
//!
//! Who signed a document and whether that suffices is the business of [`trust`](crate::trust).

mod field;
mod malformed;
mod source;
pub(crate) mod write;

pub(crate) use field::{Field, Table};
pub(crate) use malformed::Fault;
pub use malformed::Malformed;
use source::Source;

/// The most bytes that a document may have (64 MiB). Whoever reads one from a file need not read further than one byte past it.
pub const MAX_BYTES: usize = 64 << 20;

/// The kinds of documents. What was signed as one of them passes as no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What a device and version hold.
    Baseline,
    /// Which keys may say what.
    Keyring,
    /// Which keys may say nothing any more.
    Revocations,
    /// Which baselines are current.
    Index,
    /// What was seen on this machine; not signed.
    State,
    /// What checks look for.
    Rules,
    /// Which advisories speak of which devices; compiled in.
    Advisories,
}

impl Kind {
    /// The value of its `format` key.
    pub fn format(self) -> &'static str {
        match self {
            Self::Baseline => "vitalsign-baseline",
            Self::Keyring => "vitalsign-keyring",
            Self::Revocations => "vitalsign-revocations",
            Self::Index => "vitalsign-index",
            Self::State => "vitalsign-state",
            Self::Rules => "vitalsign-rules",
            Self::Advisories => "vitalsign-advisories",
        }
    }

    /// What people call it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Baseline => "a baseline",
            Self::Keyring => "a keyring",
            Self::Revocations => "a list of revocations",
            Self::Index => "an index",
            Self::State => "a state file",
            Self::Rules => "a rule pack",
            Self::Advisories => "a table of advisories",
        }
    }
}

/// Reads a document of one kind: `rest` takes all keys but `format` and `schema`, and none may be left over.
pub(crate) fn read<T>(
    bytes: &[u8],
    kind: Kind,
    rest: impl FnOnce(&mut Table<'_>) -> Result<T, Fault>,
) -> Result<T, Malformed> {
    if bytes.len() > MAX_BYTES {
        return Err(Malformed::whole(format!(
            "it has more than {MAX_BYTES} bytes"
        )));
    }
    let text = str::from_utf8(bytes)
        .map_err(|error| Malformed::at(bytes, error.valid_up_to(), "this is not UTF-8 text"))?;
    keys(text, kind, rest).map_err(|fault| Malformed::at(bytes, fault.at, fault.what))
}

fn keys<T>(
    text: &str,
    kind: Kind,
    rest: impl FnOnce(&mut Table<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let source = Source::new(text)?;
    let mut top = Table::top(&source)?;
    let name = |field: Field<'_>| {
        let spot = field.spot;
        let fits = field.string()? == kind.format();
        fits.then_some(()).ok_or_else(|| {
            let must = format!("\"{}\": this is another kind of document", kind.format());
            spot.fault(must)
        })
    };
    top.need("format", name)?;
    let schema = |field: Field<'_>| {
        let spot = field.spot;
        let fits = field.number::<u64>()? == 1;
        fits.then_some(())
            .ok_or_else(|| spot.fault("1, the only schema that this version reads"))
    };
    top.need("schema", schema)?;
    let read = rest(&mut top)?;
    top.end(kind.noun())?;
    source.end()?;
    Ok(read)
}
