//! What is in a bundle, read as far as the agent's programs for it get.

use std::io::{Cursor, Read};
use std::path::Path;

use bytes::Bytes;

/// The names in a bundle.
///
/// Words and exit codes are those of the agent (aws/aws-codedeploy-agent, `command_executor.rb` and `linux_util.rb`): it
/// calls `unzip` and after it its own unzip, or `tar`. What it does not know is tried as tar.
pub(super) fn names(bundle_type: &str, bytes: &Bytes) -> Result<Vec<String>, String> {
    match bundle_type {
        // Of the directory only: like the agent's own unzip, which compares no checksums of the files.
        "zip" => match zip::ZipArchive::new(Cursor::new(bytes)) {
            Ok(archive) => {
                Ok(archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect())
            }
            Err(_) => Err("Zip end of central directory signature not found".to_owned()),
        },
        "tgz" => listed(flate2::read::GzDecoder::new(bytes.as_ref())),
        // GNU tar looks whether an archive is compressed when it is not told.
        _ if bytes.starts_with(&[0x1f, 0x8b]) => listed(flate2::read::GzDecoder::new(bytes.as_ref())),
        _ => listed(bytes.as_ref()),
    }
}

fn listed(reader: impl Read) -> Result<Vec<String>, String> {
    let names = || -> std::io::Result<Vec<String>> {
        let mut archive = tar::Archive::new(reader);
        archive.entries()?.map(|entry| Ok(entry?.path()?.to_string_lossy().into_owned())).collect()
    };
    names().map_err(|_| "Error extracting tar archive: 2".to_owned())
}

/// True when `appspec.yml` is at the root, or in the only folder there is at the root, which the agent strips.
pub(super) fn has_appspec(names: &[String]) -> bool {
    let parts = |name: &String| -> Vec<String> {
        let parts = Path::new(name).components();
        parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).filter(|part| part != ".").collect()
    };
    let all: Vec<Vec<String>> = names.iter().map(parts).filter(|parts| !parts.is_empty()).collect();
    let one_folder = all.iter().all(|parts| parts.first() == all.first().and_then(|first| first.first()));
    let is = |parts: &Vec<String>| match parts.as_slice() {
        [name] => name == "appspec.yml",
        [_, name] => one_folder && name == "appspec.yml",
        _ => false,
    };
    all.iter().any(is)
}
