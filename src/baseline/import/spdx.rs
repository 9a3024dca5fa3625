//! SPDX 2.2 and 2.3, in JSON and as tags and values: files with their checksums. Packages, relations and licences are not taken.

use serde::Deserialize;

use super::NotImported;
use super::json::{Name, one_sha256, parse};
use super::tree::Tree;
use crate::place::escape;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    spdx_version: String,
    #[serde(default)]
    files: Vec<File>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    file_name: Name,
    #[serde(default)]
    checksums: Vec<Checksum>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: String,
    checksum_value: String,
}

/// Takes every file.
pub(super) fn read<'a>(bytes: &[u8], mut tree: Tree<'a>) -> Result<Tree<'a>, NotImported> {
    let json = bytes.trim_ascii_start().starts_with(b"{");
    let document = if json { parse(bytes)? } else { tags(bytes)? };
    if !document.spdx_version.starts_with("SPDX-2.") {
        let version = escape(document.spdx_version.as_bytes());
        return Err(NotImported::whole(format!(
            "it is of version `{version}`; 2.2 and 2.3 are read"
        )));
    }
    for file in document.files {
        let checksums = file.checksums.iter();
        let checksums = checksums.map(|it| (it.algorithm.as_str(), it.checksum_value.as_str()));
        if let Some(digest) = one_sha256(&file.file_name.0, checksums)? {
            tree.file(&file.file_name.0, digest, None)?;
        } else {
            let name = escape(&file.file_name.0);
            tree.left_out.push(format!("{name}: no SHA-256 is stated"));
        }
    }
    Ok(tree)
}

/// `Tag: value`, one a line; a value between `<text>` and `</text>` may have several, and none of them is a tag.
fn tags(bytes: &[u8]) -> Result<Document, NotImported> {
    let text = str::from_utf8(bytes)
        .ok()
        .ok_or_else(|| NotImported::whole("it is not UTF-8 text"))?;
    let mut document = Document {
        spdx_version: String::new(),
        files: Vec::new(),
    };
    let mut in_text = false;
    // Whether the tags are those of a file: checksums of packages have another tag, but nothing keeps them from this one.
    let mut in_file = false;
    for (index, line) in text.lines().enumerate() {
        if in_text {
            in_text = !line.contains("</text>");
            continue;
        }
        let Some((tag, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        if let Some((_, rest)) = value.split_once("<text>") {
            in_text = !rest.contains("</text>");
        }
        match tag.trim() {
            "SPDXVersion" => value.clone_into(&mut document.spdx_version),
            "PackageName" | "SnippetSPDXID" => in_file = false,
            "FileName" => {
                in_file = true;
                document.files.push(File {
                    file_name: Name(value.as_bytes().to_vec()),
                    checksums: Vec::new(),
                });
            }
            "FileChecksum" => {
                let file = document.files.last_mut().filter(|_| in_file);
                let checksum = file.zip(value.split_once(':'));
                let Some((file, (algorithm, digits))) = checksum else {
                    let line = index.saturating_add(1);
                    return Err(NotImported::on(line, "this checksum is of no file"));
                };
                file.checksums.push(Checksum {
                    algorithm: algorithm.trim().to_owned(),
                    checksum_value: digits.trim().to_owned(),
                });
            }
            _ => {}
        }
    }
    Ok(document)
}
