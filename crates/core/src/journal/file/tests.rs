use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{FileJournal, name};
use crate::error::{Error, ErrorKind};
use crate::journal::{Entry, Journal, RunLog};
use crate::target::{Place, Resource};

const RUN: &str = "shop/81/deploy/production";

struct Disk {
    folder: TempDir,
    journal: FileJournal,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = FileJournal::new(folder.path().join("journal"));
        Self { folder, journal }
    }

    fn file(&self) -> PathBuf {
        self.journal.run_file(RUN)
    }

    /// A run with these records, closed again.
    async fn written(records: &[&str]) -> Self {
        let disk = Self::new();
        let opened = disk.journal.open(RUN).await.unwrap();
        for record in records {
            opened.log.append(&entry(record)).await.unwrap();
        }
        disk
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn change(&self, with: impl FnOnce(String) -> String) {
        fs::write(self.file(), with(self.text())).unwrap();
    }

    async fn names(&self) -> Vec<String> {
        names(&self.journal.open(RUN).await.unwrap().entries)
    }

    async fn refused(&self) -> Error {
        self.journal.open(RUN).await.unwrap_err()
    }
}

fn entry(record: &str) -> Entry {
    let value = json!({ "what": record, "numbers": [1, 2.5, -3] });
    let at = Timestamp::constant(1_786_000_000, 123_456_789);
    Entry { step: "ecs".into(), attempt: 1, record: record.into(), at, took_ms: 12, value }
}

fn names(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| entry.record.clone()).collect()
}

fn resource(name: &str) -> Resource {
    Resource::new(Place::new("aws", "111122223333", "eu-central-1"), "ecs-service", ["demo", name])
}

#[tokio::test]
async fn what_was_appended_is_read_again_as_it_was() {
    let disk = Disk::written(&["plan", "apply.0"]).await;
    let opened = disk.journal.open(RUN).await.unwrap();
    assert_eq!(opened.entries, [entry("plan"), entry("apply.0")]);
    opened.log.append(&entry("settled")).await.unwrap();
    let history = disk.journal.read(RUN).await.unwrap().unwrap();
    assert_eq!(
        (history.run.as_str(), names(&history.entries).join(" ")),
        (RUN, "plan apply.0 settled".into())
    );
    assert_eq!(history.holder.map(|holder| holder.pid), Some(std::process::id()));
    drop(opened);
    assert_eq!(disk.journal.read(RUN).await.unwrap().unwrap().holder, None, "nobody has it open any more");
}

#[tokio::test]
async fn the_first_line_names_format_and_run_and_every_other_is_a_record() {
    let disk = Disk::written(&["plan"]).await;
    let lines: Vec<Value> = disk.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["landfall_journal"], &lines[0]["run"]), (&json!(1), &json!(RUN)));
    assert_eq!(
        (&lines[1]["line"], &lines[1]["step"], &lines[1]["record"]),
        (&json!("record"), &json!("ecs"), &json!("plan"))
    );
}

#[tokio::test]
async fn a_file_that_is_cut_off_anywhere_goes_on_with_its_whole_lines() {
    let disk = Disk::written(&["plan", "apply.0", "settled"]).await;
    let whole = disk.text();
    for cut in (0..=whole.len()).rev().step_by(5) {
        fs::write(disk.file(), &whole[..cut]).unwrap();
        let before = whole[..cut].matches('\n').count().saturating_sub(1);
        let read = disk.journal.read(RUN).await.unwrap();
        assert_eq!(read.map_or(0, |history| history.entries.len()), before, "cut at {cut}");
        let opened = disk.journal.open(RUN).await.unwrap();
        assert_eq!(opened.entries.len(), before, "cut at {cut}");
        opened.log.append(&entry("later")).await.unwrap();
        drop(opened);
        assert_eq!(disk.names().await.len(), before + 1, "cut at {cut}: {}", disk.text());
    }
}

#[tokio::test]
async fn a_last_line_with_holes_is_left_out_and_one_elsewhere_is_an_error_with_file_and_line() {
    let disk = Disk::written(&["plan", "apply.0"]).await;
    disk.change(|text| format!("{text}{{\"line\":\"rec\0\0\0\0\0\n"));
    assert_eq!(disk.names().await, ["plan", "apply.0"]);
    let disk = Disk::written(&["plan", "apply.0"]).await;
    disk.change(|text| text.replacen("\"plan\"", "\"pl", 1));
    let before = disk.text();
    let error = disk.refused().await;
    assert!(error.message().contains("line 2 of") && error.message().contains("shop-81-deploy"), "{error}");
    assert_eq!((error.exit_code(), disk.text()), (2, before), "nothing is changed");
    assert!(disk.journal.read(RUN).await.is_err());
    let listed = disk.journal.runs().await.unwrap();
    assert!(matches!(listed.as_slice(), [Err(error)] if error.message().contains("line 2")), "{listed:?}");
}

#[tokio::test]
async fn a_newer_format_is_refused_and_newer_lines_and_members_are_passed_over() {
    let disk = Disk::written(&["plan"]).await;
    disk.change(|text| {
        let later = "{\"line\":\"weather\",\"rain\":true}\n";
        format!("{}{later}", text.replace("\"attempt\"", "\"mood\":\"good\",\"attempt\""))
    });
    assert_eq!(disk.names().await, ["plan"]);
    disk.change(|text| text.replace("\"landfall_journal\":1", "\"landfall_journal\":2"));
    let error = disk.refused().await;
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.report().contains("format 2") && error.report().contains("newer landfall"),
        "{}",
        error.report()
    );
}

#[tokio::test]
async fn a_file_of_another_run_is_refused() {
    let disk = Disk::written(&["plan"]).await;
    disk.change(|text| text.replace(RUN, "shop/82/deploy/production"));
    let error = disk.refused().await;
    assert!(error.message().contains("holds run shop/82"), "{error}");
}

#[tokio::test]
async fn a_run_that_is_open_elsewhere_is_refused_with_who_has_it_and_since_when() {
    let disk = Disk::new();
    let first = disk.journal.open(RUN).await.unwrap();
    let error = disk.refused().await;
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let pid = format!("process {} on ", std::process::id());
    assert!(error.message().contains(&pid) && error.message().contains("since 2"), "{error}");
    assert!(disk.journal.open("shop/82").await.is_ok(), "another run is another file");
    drop(first);
    assert!(disk.journal.open(RUN).await.is_ok());
}

#[tokio::test]
async fn a_resource_is_held_by_one_step_at_a_time_whatever_the_run() {
    let disk = Disk::new();
    let held = disk.journal.hold(&resource("web"), RUN).await.unwrap();
    let other = FileJournal::new(disk.journal.directory());
    assert!(other.hold(&resource("api"), "shop/82").await.is_ok());
    let error = other.hold(&resource("web"), "shop/82").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("demo/web") && error.message().contains(RUN), "{error}");
    drop(held);
    assert!(other.hold(&resource("web"), "shop/82").await.is_ok());
}

#[tokio::test]
async fn to_ask_who_holds_a_run_never_keeps_anybody_from_opening_it() {
    let disk = Disk::written(&["plan"]).await;
    let reader = disk.journal.clone();
    let asking = tokio::spawn(async move {
        loop {
            let _ = reader.read(RUN).await;
        }
    });
    for _ in 0..50 {
        disk.journal.open(RUN).await.unwrap();
    }
    asking.abort();
}

#[test]
fn names_of_runs_can_be_read_and_never_collide() {
    assert!(name::of(RUN).starts_with("shop-81-deploy-production."), "{}", name::of(RUN));
    let alike = ["a/b", "a-b", "A/b", "a/b ", "../a/b", "", "/", "größe", &"x".repeat(300), &"x".repeat(301)];
    let mut names: Vec<String> = alike.iter().map(|id| name::of(id).to_lowercase()).collect();
    assert!(
        names.iter().all(|name| name.len() < 130 && Path::new(name).components().count() == 1),
        "{names:?}"
    );
    names.sort();
    names.dedup();
    assert_eq!(names.len(), alike.len());
}

#[tokio::test]
async fn a_journal_that_cannot_be_used_is_named_with_what_to_do() {
    let disk = Disk::new();
    let file = disk.folder.path().join("file");
    fs::write(&file, "").unwrap();
    for (directory, words) in
        [(file.clone(), "a journal is a directory"), (file.join("below"), "a journal is a directory")]
    {
        let error = FileJournal::new(&directory).open(RUN).await.unwrap_err();
        assert_eq!(error.exit_code(), 2, "{}", error.report());
        assert!(error.message().contains(&*directory.to_string_lossy()), "{error}");
        assert!(error.report().contains(words), "{}", error.report());
    }
    let missing = FileJournal::new(disk.folder.path().join("missing"));
    let error = missing.runs().await.unwrap_err();
    assert!(error.report().contains("no such directory"), "{}", error.report());
    assert!(missing.read(RUN).await.is_err() && !missing.directory().exists(), "to read makes nothing");
    missing.open(RUN).await.unwrap();
    assert_eq!(missing.runs().await.unwrap().len(), 1);
    assert!(missing.read("shop/82").await.unwrap().is_none());
}

/// A disk on which nothing has room: writes to `/dev/full` fail so.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn after_a_write_that_failed_nothing_more_is_appended() {
    let disk = Disk::written(&["plan"]).await;
    let lock = match super::lock(&super::lock_of(&disk.file()), &crate::journal::Holder::this_process(RUN))
        .unwrap()
    {
        super::Locked::Here(lock) => lock,
        super::Locked::Elsewhere(holder) => panic!("{holder:?}"),
    };
    let log = super::FileLog::on_full_disk(lock);
    let error = log.append(&entry("apply.0")).await.unwrap_err();
    assert!(error.report().contains("make room"), "{}", error.report());
    assert_eq!(log.append(&entry("settled")).await.unwrap_err(), error, "a hole is not written over");
}

#[tokio::test]
async fn steps_that_record_at_once_share_the_writing_and_each_line_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let journal = FileJournal::new(folder.path());
    let opened = journal.open("run").await.unwrap();
    let entries: Vec<Entry> = (0..500).map(|number| entry(&format!("apply.{number}"))).collect();
    let all = futures_util::future::join_all(entries.iter().map(|entry| opened.log.append(entry)));
    // One that nobody waits for any more takes none of the others with it.
    let dropped = opened.log.append(&entries[0]);
    let (all, ()) = tokio::join!(all, async {
        tokio::select! { biased; _ = dropped => {}, () = std::future::ready(()) => {} }
    });
    all.into_iter().collect::<Result<Vec<()>, Error>>().unwrap();
    drop(opened);
    let read = journal.read("run").await.unwrap().unwrap().entries;
    let missing = entries.iter().filter(|entry| !read.contains(entry)).count();
    assert_eq!(missing, 0, "of {}", read.len());
}

#[cfg(unix)]
#[test]
fn too_many_open_files_are_answered_with_what_to_do() {
    let error = std::io::Error::from_raw_os_error(24);
    let error = super::unusable(std::path::Path::new("journal"), "cannot be locked", &error);
    assert!(error.report().contains("ulimit -n"), "{}", error.report());
}
