//! Reads every bad input and writes down what was said. Nothing of that is written by hand.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use landfall_aws::environment::Environment;
use landfall_core::{Cause, Error};
use landfall_eks::input::{ManifestSet, ManifestSetBuilder, ManifestSource};

use super::cases::{Case, GROUPS, Input};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const HEAD: &str = "\
# Manifests that are wrong, and what is said

Each is read by `ManifestSet::builder()`, before anything is sent: what is shown are the causes of the error `the manifests
cannot be used; nothing was sent`. A place is file, line and column; `m.yaml` stands for the file that is shown. A test makes
the page anew (`just causes`).
";

/// A bad input, and what was said about it.
pub(crate) struct Row {
    pub(crate) group: &'static str,
    pub(crate) case: &'static Case,
    /// The causes with place and next step, each over several lines.
    pub(crate) said: Vec<String>,
}

/// Every row.
///
/// # Errors
/// An input that is taken, or cannot be set up.
pub(crate) fn rows() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (group, cases) in GROUPS {
        for case in *cases {
            let said = said(&case.input).map_err(|error| format!("{}: {error}", case.title))?;
            rows.push(Row { group, case, said });
        }
    }
    Ok(rows)
}

fn said(input: &Input) -> Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    let error = match read(input, folder.path())? {
        Ok(_) => return Err("it was taken".into()),
        Err(error) => error,
    };
    let here = format!("{}/", folder.path().display());
    let plain = |cause: &Cause| cause.report().replace(&here, "");
    Ok(error.causes().iter().map(plain).collect())
}

fn read(input: &Input, folder: &Path) -> Result<std::result::Result<ManifestSet, Error>> {
    // Nothing of this machine's programs plays a part.
    let builder = ManifestSet::builder().environment(Environment::default());
    let at = |inside: &str| folder.join(inside).to_string_lossy().into_owned();
    Ok(match input {
        Input::Yaml(text) => builder.text("m.yaml", *text).read(),
        Input::Json(text) => builder.text("m.json", *text).read(),
        Input::Made(_, make) => builder.text("m.yaml", make()).read(),
        Input::Flags(_, flags) => flags(builder, &at("")).read(),
        Input::Files(files, path) => {
            for (name, content) in *files {
                let file = folder.join(name);
                fs::create_dir_all(file.parent().unwrap_or(folder))?;
                fs::write(file, content)?;
            }
            with_path(builder, path, &at).read()
        }
        Input::Large(name, bytes) => {
            fs::File::create(folder.join(name))?.set_len(*bytes)?;
            builder.path(at(name)).read()
        }
        Input::Standard(bytes) => match ManifestSource::read("standard input", *bytes) {
            Ok(source) => builder.source(source).read(),
            Err(error) => Err(error),
        },
    })
}

/// A path is one in the folder; the empty one and addresses are taken as they are.
fn with_path(builder: ManifestSetBuilder, path: &str, at: &dyn Fn(&str) -> String) -> ManifestSetBuilder {
    let is_inside = !path.is_empty() && !path.contains("://");
    builder.path(if is_inside { at(path) } else { path.to_owned() })
}

/// The page.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut page = HEAD.to_owned();
    let mut group = "";
    for row in rows {
        if row.group != group {
            group = row.group;
            let _ = write!(page, "\n## {group}\n");
        }
        let _ = write!(
            page,
            "\n### {}\n\n{}\n```text\n{}\n```\n",
            row.case.title,
            shown(&row.case.input),
            row.said.join("\n")
        );
    }
    page
}

/// The input as a block.
fn shown(input: &Input) -> String {
    let block = |language: &str, text: &str| format!("```{language}\n{}\n```\n", text.trim_end_matches('\n'));
    match input {
        Input::Yaml(text) => block("yaml", text),
        Input::Json(text) => block("json", text),
        Input::Made(text, _) | Input::Flags(text, _) => format!("{text}\n"),
        Input::Files(files, path) => {
            let names: Vec<String> = files.iter().map(|(name, _)| format!("`{name}`")).collect();
            match names.is_empty() {
                true => format!("path `{path}`\n"),
                false => format!("path `{path}`; there is {}\n", names.join(", ")),
            }
        }
        Input::Large(name, bytes) => format!("path `{name}`; it has {bytes} bytes\n"),
        Input::Standard(bytes) => format!("standard input: `{}`\n", bytes.escape_ascii()),
    }
}
