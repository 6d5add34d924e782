//! `--journal DIR`: opened before anything else, so that a bad one is told with the other problems.

use landfall::{Cause, Context, Error, FileJournal, Journal, Result};

use crate::flags::Global;

/// Opens the run in the journal, if there is one. A run without a journal is kept in memory.
///
/// With other problems it is only looked at: a refused command leaves no trace.
///
/// # Errors
/// When the run is open elsewhere; a journal that cannot be used is added to `problems`.
pub(crate) async fn open(global: &Global, cx: &Context, problems: &mut Vec<Cause>) -> Result<()> {
    let Some(directory) = &global.journal else { return Ok(()) };
    let usable = match problems.is_empty() {
        true => cx.open_run().await.map(|_| ()),
        false if directory.exists() => cx.journal().read(cx.run()).await.map(|_| ()),
        false => Ok(()),
    };
    match usable {
        Err(error) if error.exit_code() == 2 => problems.push(problem(&error)),
        other => other?,
    }
    Ok(())
}

/// The journal that has to be there.
///
/// # Errors
/// When the flag is missing.
pub(crate) fn existing(global: &Global, problems: &mut Vec<Cause>) -> Option<FileJournal> {
    let missing = || {
        Cause::invalid("--journal", "--journal is missing")
            .with_hint("name the directory that the runs were recorded in: --journal DIR")
    };
    let directory = global.journal.as_ref();
    if directory.is_none() {
        problems.push(missing());
    }
    directory.map(FileJournal::new)
}

/// A run that is not in the journal, and those that are.
pub(crate) async fn unknown(journal: &FileJournal, run: &str) -> Error {
    let known = journal.runs().await.unwrap_or_default();
    let mut names: Vec<String> = known.into_iter().flatten().map(|history| history.run).collect();
    names.truncate(10);
    let hint = match names.as_slice() {
        [] => "no run is recorded there: check the directory".to_owned(),
        names => format!("recorded there: {}", names.join(", ")),
    };
    let directory = journal.directory().display();
    Error::invalid(format!("run {run:?} is not in the journal {directory}")).with_hint(hint)
}

fn problem(error: &Error) -> Cause {
    let mut cause = Cause::invalid("--journal", error.message());
    if let Some(source) = error.source_text() {
        cause = Cause::invalid("--journal", format!("{}: {source}", error.message()));
    }
    match error.hint() {
        Some(hint) => cause.with_hint(hint),
        None => cause,
    }
}
