//! LZMA in every wrapping that builders of images chose: xz, the header of the `lzma` tool, and the shorter ones of vendors.

use liblzma::stream::{Action, Error, Status, Stream};

use crate::read::{Fields, index, length};

use super::decoder::{Decoded, TOO_LONG};

/// How much memory one decoder may take (17 MiB): a dictionary of 16 MiB, sixteen times the largest block.
const MEMORY: u64 = 17 << 20;

/// The smallest dictionary that LZMA knows, in bytes.
const SMALLEST_DICTIONARY: usize = 4096;

/// Properties are one number: (position bits * 5 + literal position bits) * 9 + literal context bits.
const PROPERTIES: u8 = 225;

/// How a block of LZMA tells its properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// 13 bytes as the `lzma` tool writes them: properties, dictionary, size.
    Alone,
    /// The first 5 bytes of those.
    Short,
    /// 4 bytes that mean nothing here, then the 5 bytes.
    Behind,
    /// DD-WRT: position bits, literal context bits, literal position bits, and a byte that only an encoder needs.
    Spelled,
    /// Not at all: so many bytes that mean nothing, then the data, with properties that the builder's kernel knew.
    Bare {
        /// The bytes in front of the data.
        skip: usize,
        /// The properties.
        properties: u8,
    },
}

/// The forms that builders are known to have used, the likeliest first.
pub(super) const KNOWN: [Form; 7] = [
    Form::Alone,
    Form::Short,
    Form::Behind,
    Form::Spelled,
    // The default of the encoder, without and with the letters `7zip` in front; and that of some Linksys devices.
    Form::Bare {
        skip: 0,
        properties: 93,
    },
    Form::Bare {
        skip: 4,
        properties: 93,
    },
    Form::Bare {
        skip: 0,
        properties: 90,
    },
];

/// So many bytes in front of the data are tried where no known form fits.
const MOST_SKIPPED: usize = 10;

/// So many bytes too many a decoder may make of data that has no mark at its end.
const MOST_RUN_ON: usize = 16;

struct Header {
    properties: u8,
    /// The length of the decoded block, when it is told.
    size: Option<u64>,
    /// Where the data starts.
    body_at: usize,
}

impl Form {
    /// What the header says, when `block` can be of this form and decode to at most `room` bytes.
    fn header(self, block: &[u8], room: u64) -> Option<Header> {
        let fields = Fields::little(block);
        let header = match self {
            Self::Alone => Header {
                properties: fields.u8(0)?,
                size: Some(fields.u64(5)?).filter(|&size| size != u64::MAX),
                body_at: 13,
            },
            Self::Short | Self::Behind => {
                let at = if self == Self::Short { 0 } else { 4 };
                Header {
                    properties: fields.u8(at)?,
                    size: None,
                    body_at: at.checked_add(5)?,
                }
            }
            Self::Spelled => {
                let [position, context, literal] = [fields.u8(0)?, fields.u8(1)?, fields.u8(2)?];
                if position > 4 || context > 8 || literal > 4 {
                    return None;
                }
                let high = position.checked_mul(5)?.checked_add(literal)?;
                Header {
                    properties: high.checked_mul(9)?.checked_add(context)?,
                    size: None,
                    body_at: 4,
                }
            }
            Self::Bare { skip, properties } => Header {
                properties,
                size: None,
                body_at: skip,
            },
        };
        // The first byte of the data is always zero.
        let fits = header.properties < PROPERTIES
            && header.size.is_none_or(|size| size <= room)
            && fields.u8(header.body_at)? == 0;
        fits.then_some(header)
    }

    /// Decodes `block` to the start of `out`; `full` says that the decoded block fills it.
    ///
    /// # Errors
    /// The block is not of this form, or damaged.
    fn decode(self, block: &[u8], out: &mut [u8], full: bool) -> Result<Decoded, String> {
        let header = self
            .header(block, length(out))
            .ok_or("it has no LZMA header")?;
        let known = header.size.or(full.then_some(length(out)));
        let stop = match alone(&header, known, block, out) {
            Err(stop) if known.is_none() && stop.all_read => stop,
            result => return result.map_err(|stop| stop.why),
        };
        // Some builders write no mark at the end. Then the decoder runs on a little, on the zeros that it takes to lie behind the
        // data, and the end is the last place where the data can end.
        for less in 0..=MOST_RUN_ON {
            let size = stop.made.checked_sub(less).filter(|&size| size > 0);
            let size = size.and_then(|size| u64::try_from(size).ok());
            if let Some(size) = size
                && let Ok(decoded) = alone(&header, Some(size), block, out)
            {
                return Ok(decoded);
            }
        }
        Err(stop.why)
    }

    /// Decodes `block`, all of it, so that nothing but this form explains it.
    fn decode_exactly(self, block: &[u8], out: &mut [u8], full: bool) -> Option<Decoded> {
        let decoded = self.decode(block, out, full).ok()?;
        (decoded.read == block.len() && decoded.made > 0).then_some(decoded)
    }
}

/// Decodes a block in the form of the `lzma` tool, or in the short one.
///
/// # Errors
/// The block is damaged, or holds more than `out` can take.
pub(super) fn plain(block: &[u8], out: &mut [u8]) -> Result<Decoded, String> {
    let alone = Form::Alone.header(block, length(out)).is_some();
    let form = if alone { Form::Alone } else { Form::Short };
    form.decode(block, out, false)
}

/// Decodes a block in the form `hint`, or in the first of the known forms under which all of it decodes.
pub(super) fn any(block: &[u8], out: &mut [u8], full: bool, hint: Option<Form>) -> Option<Decoded> {
    let mut forms = hint.into_iter().chain(KNOWN);
    forms.find_map(|form| form.decode_exactly(block, out, full))
}

/// The form under which all of `block` decodes: a known one, or else any that there could be.
pub(super) fn find(block: &[u8], out: &mut [u8]) -> Option<Form> {
    let bare = (0..=MOST_SKIPPED)
        .flat_map(|skip| (0..PROPERTIES).map(move |properties| Form::Bare { skip, properties }));
    let mut forms = KNOWN.into_iter().chain(bare);
    forms.find(|form| form.decode_exactly(block, out, false).is_some())
}

/// Where a decoder stopped too early.
struct Stop {
    made: usize,
    /// Whether it had read all that there is.
    all_read: bool,
    why: String,
    memory: bool,
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self {
            made: 0,
            all_read: false,
            why,
            memory: false,
        }
    }
}

fn alone(
    header: &Header,
    size: Option<u64>,
    block: &[u8],
    out: &mut [u8],
) -> Result<Decoded, Stop> {
    // A distance never exceeds what was decoded, so that a dictionary larger than the block is memory wasted.
    let dictionary = u32::try_from(out.len().max(SMALLEST_DICTIONARY)).unwrap_or(u32::MAX);
    let mut front = Vec::with_capacity(13);
    front.push(header.properties);
    front.extend_from_slice(&dictionary.to_le_bytes());
    front.extend_from_slice(&size.unwrap_or(u64::MAX).to_le_bytes());
    let mut stream = Stream::new_lzma_decoder(MEMORY)
        .map_err(|error| Stop::from(format!("no LZMA decoder: {error}")))?;
    // The decoder takes nothing in while it may put nothing out; the header itself becomes no bytes.
    stream
        .process(&front, out, Action::Run)
        .map_err(|error| Stop::from(format!("the LZMA header is damaged: {error}")))?;
    let body = block.get(header.body_at..).unwrap_or_default();
    let mut decoded = run(&mut stream, body, out)?;
    decoded.read = decoded.read.saturating_add(header.body_at);
    Ok(decoded)
}

/// Decodes an xz stream.
///
/// # Errors
/// The block is damaged, or holds more than `out` can take.
pub(super) fn xz(block: &[u8], out: &mut [u8]) -> Result<Decoded, String> {
    match stream(block, out) {
        Err(stop) if stop.memory => {
            let smaller = with_small_dictionary(block).ok_or(stop.why)?;
            stream(&smaller, out).map_err(|stop| stop.why)
        }
        result => result.map_err(|stop| stop.why),
    }
}

fn stream(block: &[u8], out: &mut [u8]) -> Result<Decoded, Stop> {
    let mut stream = Stream::new_stream_decoder(MEMORY, 0)
        .map_err(|error| Stop::from(format!("no xz decoder: {error}")))?;
    run(&mut stream, block, out)
}

/// The same xz stream with a dictionary of 2 MiB, which is more than any block holds.
fn with_small_dictionary(block: &[u8]) -> Option<Vec<u8>> {
    // Behind the stream's header of 12 bytes stands that of its one block, which ends with a checksum.
    const AT: usize = 12;
    let len = usize::from(*block.get(AT)?).checked_mul(4)?;
    let mut smaller = block.to_vec();
    let header = smaller.get_mut(AT..AT.checked_add(len)?)?;
    let stored = u32::from_le_bytes(block.get(AT.checked_add(len)?..)?.first_chunk().copied()?);
    // The last filter is LZMA2 (33) with one byte of properties; only zeros follow it.
    let end = header.iter().rposition(|&byte| byte != 0)?.checked_add(1)?;
    let [filter, count, dictionary] = header.get_mut(..end)?.last_chunk_mut::<3>()?;
    if (*filter, *count) != (33, 1) || crc32fast::hash(block.get(AT..)?.get(..len)?) != stored {
        return None;
    }
    *dictionary = 18;
    let sum = crc32fast::hash(header).to_le_bytes();
    let rest = smaller.get_mut(AT.checked_add(len)?..)?;
    rest.first_chunk_mut::<4>()?.copy_from_slice(&sum);
    Some(smaller)
}

/// Runs a fresh decoder over all of `block`.
fn run(stream: &mut Stream, block: &[u8], out: &mut [u8]) -> Result<Decoded, Stop> {
    let (mut read, mut made) = (0, 0);
    let before = stream.total_in();
    loop {
        let input = block.get(read..).unwrap_or_default();
        let space = out.get_mut(made..).unwrap_or_default();
        let status = stream.process(input, space, Action::Run);
        let progress = (read, made);
        read = index(stream.total_in().saturating_sub(before));
        made = index(stream.total_out());
        let (why, memory) = match status {
            Ok(Status::StreamEnd) => return Ok(Decoded { read, made }),
            Ok(_) if progress != (read, made) => continue,
            Err(Error::MemLimit) => ("its dictionary is larger than 16 MiB".into(), true),
            Ok(_) if made == out.len() => (TOO_LONG.into(), false),
            Ok(_) => ("the LZMA data ends too early".into(), false),
            Err(error) => (format!("the LZMA data is damaged: {error}"), false),
        };
        return Err(Stop {
            made,
            all_read: read == block.len(),
            why,
            memory,
        });
    }
}
