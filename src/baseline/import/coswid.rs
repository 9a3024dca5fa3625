//! `CoSWID` tags (RFC 9393): the files of the payload with their sizes and SHA-256, alone, or in an unsigned `CoRIM`
//! (draft-ietf-rats-corim). Evidence, signed tags (COSE) and the measurements of `CoMID` are not read.

use ciborium::Value;

use super::NotImported;
use super::tree::Tree;
use crate::digest::Digest;
use crate::place::escape;

/// A longer list is not read (4 MiB): it takes up to forty times its size in memory.
const LONGEST: usize = 4 << 20;
/// How deep directories may be nested.
const DEEPEST: usize = 64;

/// Tags of CBOR.
const COSWID: u64 = 1_398_229_316;
const SIGNED: u64 = 18;
const CORIM: u64 = 501;
const CORIM_COSWID: u64 = 505;

/// Keys of RFC 9393.
const PAYLOAD: i128 = 6;
const HASH: i128 = 7;
const DIRECTORY: i128 = 16;
const FILE: i128 = 17;
const SIZE: i128 = 20;
const LOCATION: i128 = 23;
const NAME: i128 = 24;
const PATH_ELEMENTS: i128 = 26;
/// The `tags` of a `CoRIM`.
const TAGS: i128 = 1;
/// SHA-256 among the hash algorithms.
const SHA_256: i128 = 1;

/// Takes the payloads of all tags.
pub(super) fn read<'a>(bytes: &[u8], mut tree: Tree<'a>) -> Result<Tree<'a>, NotImported> {
    let document = decode(bytes)?;
    match &document {
        Value::Tag(CORIM, inner) => {
            let mut others = 0_usize;
            for tag in items(get(inner, TAGS)) {
                match tag {
                    Value::Tag(CORIM_COSWID, inner) => match &**inner {
                        Value::Bytes(bytes) => payload(&decode(bytes)?, &mut tree)?,
                        _ => others = others.saturating_add(1),
                    },
                    _ => others = others.saturating_add(1),
                }
            }
            if others > 0 {
                tree.notes.push(format!(
                    "not taken from the list: {others} tags that are no CoSWID"
                ));
            }
        }
        Value::Tag(SIGNED, _) => {
            return Err(NotImported::whole(
                "it is signed with COSE, which is not read; take its payload out",
            ));
        }
        tag => payload(tag, &mut tree)?,
    }
    Ok(tree)
}

fn decode(bytes: &[u8]) -> Result<Value, NotImported> {
    if bytes.len() > LONGEST {
        return Err(NotImported::whole(format!(
            "it has more than {LONGEST} bytes"
        )));
    }
    let mut rest = bytes;
    let value =
        ciborium::de::from_reader_with_recursion_limit(&mut rest, DEEPEST.saturating_mul(4))
            .ok()
            .ok_or_else(|| NotImported::whole("it is not CBOR"))?;
    if !rest.is_empty() {
        return Err(NotImported::whole("something stands behind its CBOR"));
    }
    Ok(value)
}

fn payload(tag: &Value, tree: &mut Tree<'_>) -> Result<(), NotImported> {
    let tag = match tag {
        Value::Tag(COSWID, inner) => inner,
        other => other,
    };
    let Some(payload) = get(tag, PAYLOAD) else {
        tree.left_out.push("a tag without a payload".to_owned());
        return Ok(());
    };
    for payload in items(Some(payload)) {
        elements(payload, b"", 0, tree)?;
    }
    Ok(())
}

/// The files and directories that stand at one place.
fn elements(
    holder: &Value,
    folder: &[u8],
    depth: usize,
    tree: &mut Tree<'_>,
) -> Result<(), NotImported> {
    if depth > DEEPEST {
        return Err(NotImported::whole(format!(
            "it is nested more than {DEEPEST} deep"
        )));
    }
    for file in items(get(holder, FILE)) {
        let path = path(file, folder)?;
        let size = match get(file, SIZE) {
            Some(Value::Integer(size)) => Some(u64::try_from(*size).ok()),
            Some(_) => Some(None),
            None => None,
        };
        let size = size.map(|size| size.ok_or_else(|| wrong(&path, "has a size that is none")));
        let size = size.transpose()?;
        match hash(get(file, HASH)) {
            Some(digest) => tree.file(&path, digest, size)?,
            None => tree
                .left_out
                .push(format!("{}: no SHA-256 is stated", escape(&path))),
        }
    }
    for directory in items(get(holder, DIRECTORY)) {
        let path = path(directory, folder)?;
        if let Some(inner) = get(directory, PATH_ELEMENTS) {
            elements(inner, &path, depth.saturating_add(1), tree)?;
        }
    }
    Ok(())
}

/// The path of a file or directory: that around it, its own location, its name.
fn path(item: &Value, folder: &[u8]) -> Result<Vec<u8>, NotImported> {
    let text = |key| match get(item, key) {
        Some(Value::Text(text)) => Some(text.as_bytes()),
        _ => None,
    };
    let name = text(NAME).ok_or_else(|| wrong(folder, "holds something without a name"))?;
    if name.contains(&b'/') {
        return Err(wrong(name, "is a name with a slash in it"));
    }
    let parts = [folder, text(LOCATION).unwrap_or_default(), name];
    let parts: Vec<&[u8]> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let path = parts.join(&b'/');
    if path.len() > 4096 {
        return Err(wrong(name, "has a path of more than 4096 bytes"));
    }
    Ok(path)
}

fn wrong(name: &[u8], why: &str) -> NotImported {
    NotImported::whole(format!("`{}` {why}", escape(name)))
}

/// `[algorithm, bytes]`, when it is SHA-256.
fn hash(value: Option<&Value>) -> Option<Digest> {
    let [Value::Integer(algorithm), Value::Bytes(bytes)] = value?.as_array()?.as_slice() else {
        return None;
    };
    let bytes: [u8; 32] = bytes.as_slice().try_into().ok()?;
    (i128::from(*algorithm) == SHA_256).then(|| Digest::new(bytes))
}

/// The value of a numbered key.
fn get(map: &Value, key: i128) -> Option<&Value> {
    let mut members = map.as_map()?.iter();
    let is = |name: &Value| {
        name.as_integer()
            .is_some_and(|name| i128::from(name) == key)
    };
    members.find(|(name, _)| is(name)).map(|(_, value)| value)
}

/// One item, or the items of an array: RFC 9393 writes one without the array.
fn items(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}
