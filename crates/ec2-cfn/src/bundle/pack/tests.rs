//! The packer by itself: the same bytes for the same content, and archives that others unpack.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod held;

use std::collections::BTreeMap;
use std::fs::{FileTimes, Permissions};
use std::io::{Cursor, Read};
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use landfall_core::Error;
use proptest::prelude::*;
use tempfile::TempDir;

use super::{How, MIB, Packing, Tree};
use crate::bundle::spec::{BundleBuilder, BundleSpec, Format, Modes, Platform, Symlinks};

const FORMATS: [Format; 3] = [Format::Zip, Format::Tar, Format::Tgz];

fn write(folder: &Path, name: &str, content: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

fn set_mode(folder: &Path, name: &str, mode: u32) {
    std::fs::set_permissions(folder.join(name), Permissions::from_mode(mode)).unwrap();
}

/// Bytes that compress to about half.
fn half(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        b"0123456789abcdef"[(state >> 8) as usize % 16]
    };
    (0..length).map(|_| next()).collect()
}

/// Of everything something: small files, none of bytes, one of several blocks, one beyond what is held back, one that
/// cannot be compressed, a link, an empty folder, a long name.
fn corpus() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for number in 0..200 {
        write(root, &format!("many/{number:03}.txt"), format!("file {number}\n").repeat(number).as_bytes());
    }
    write(root, "blocks.txt", &half(3 * MIB as usize + 17, 5));
    write(root, "large.txt", &b"all work and no play makes a dull file\n".repeat(125_000));
    let noise: Vec<u8> = half(4 * MIB as usize, 9)
        .iter()
        .scan(7_u32, |state, byte| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(u32::from(*byte) + 1_013_904_223);
            Some((*state >> 24) as u8)
        })
        .collect();
    write(root, "noise.bin", &noise);
    write(root, &format!("{}/ä ö.txt", "deep/".repeat(30)), b"far down\n");
    std::fs::create_dir(root.join("empty")).unwrap();
    std::os::unix::fs::symlink("many/007.txt", root.join("link")).unwrap();
    write(root, "run.sh", b"#!/bin/sh\n");
    set_mode(root, "run.sh", 0o775);
    folder
}

fn builder(folder: &Path) -> BundleBuilder {
    BundleBuilder::new().source(folder).bucket("demo-bucket").check_appspec(false)
}

fn spec(builder: BundleBuilder) -> BundleSpec {
    builder.build().unwrap()
}

fn packed_with(spec: &BundleSpec, threads: usize) -> Vec<u8> {
    let tree = Arc::new(Tree::read(spec).unwrap());
    let how = How { format: spec.format, level: spec.level, threads: NonZero::new(threads), part_size: MIB };
    let mut packing = Packing::start(tree, how);
    let mut bytes = Vec::new();
    while let Some(part) = packing.next_part().unwrap() {
        bytes.extend_from_slice(&part.bytes);
    }
    bytes
}

fn packed(spec: &BundleSpec) -> Vec<u8> {
    packed_with(spec, 2)
}

/// Names, permissions and contents below a folder; of a link its target.
fn content(root: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let metadata = path.symlink_metadata().unwrap();
            let executable = metadata.permissions().mode() & 0o111;
            if metadata.is_dir() {
                found.insert(name, (0, Vec::new()));
                folders.push(path);
            } else if metadata.is_symlink() {
                let target = std::fs::read_link(&path).unwrap();
                found.insert(name, (1, target.to_str().unwrap().as_bytes().to_vec()));
            } else {
                found.insert(name, (executable.min(1) + 2, std::fs::read(path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn the_archive_is_the_same_for_any_number_of_threads_any_times_and_any_umask() {
    let folder = corpus();
    for format in FORMATS {
        let spec = spec(builder(folder.path()).format(format));
        let (manifest, first) = (Tree::read(&spec).unwrap().manifest, packed_with(&spec, 1));
        for threads in [2, 4, 8] {
            assert!(packed_with(&spec, threads) == first, "{format:?} with {threads} threads");
        }
        let file = std::fs::File::open(folder.path().join("run.sh")).unwrap();
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
        file.set_times(FileTimes::new().set_modified(old)).unwrap();
        set_mode(folder.path(), "many/007.txt", 0o600);
        set_mode(folder.path(), "many", 0o700);
        assert!(packed(&spec) == first, "{format:?} at another time, with another umask");
        assert_eq!(Tree::read(&spec).unwrap().manifest, manifest);
        set_mode(folder.path(), "many/007.txt", 0o755);
        assert_ne!(Tree::read(&spec).unwrap().manifest, manifest, "what may be executed matters");
        set_mode(folder.path(), "many/007.txt", 0o644);
    }
}

#[test]
fn every_entry_has_the_time_that_is_asked_for_and_another_time_is_another_archive() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "run.sh", b"#!/bin/sh\n");
    write(folder.path(), "many/1.txt", b"one\n");
    let at = jiff::Timestamp::from_second(1_795_988_158).unwrap();
    for format in FORMATS {
        let (plain, dated) = (builder(folder.path()).format(format), builder(folder.path()).format(format));
        let (plain, dated) = (spec(plain), spec(dated.modified(at)));
        assert_ne!(Tree::read(&plain).unwrap().manifest, Tree::read(&dated).unwrap().manifest);
        let bytes = packed(&dated);
        assert!(bytes == packed_with(&dated, 4) && bytes != packed(&plain), "{format:?}");
        let Some(out) = unpacked(format, &bytes) else { continue };
        // Zip files know no zone: what they say is the time of the place where they are unpacked.
        if format != Format::Zip {
            let file = std::fs::metadata(out.path().join("tree/run.sh")).unwrap();
            let seconds = file.modified().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
            assert_eq!(seconds, 1_795_988_158, "{format:?}");
        }
    }
    let explicit = builder(folder.path()).modified(jiff::Timestamp::from_second(315_532_800).unwrap());
    let (explicit, plain) = (spec(explicit), spec(builder(folder.path())));
    assert_eq!(Tree::read(&explicit).unwrap().manifest, Tree::read(&plain).unwrap().manifest);
    let early = builder(folder.path()).modified(jiff::Timestamp::UNIX_EPOCH).build().unwrap_err();
    assert!(early.report().contains("1980 to 2107"), "{}", early.report());
}

/// Unpacks with the program that CodeDeploy's agent calls. None: it is not installed.
fn unpacked(format: Format, bytes: &[u8]) -> Option<TempDir> {
    let out = tempfile::tempdir().unwrap();
    let archive = out.path().join("archive");
    std::fs::write(&archive, bytes).unwrap();
    let (program, arguments) = match format {
        Format::Zip => ("unzip", vec!["-q", "archive", "-d", "tree"]),
        Format::Tar => ("tar", vec!["-xf", "archive", "-C", "tree"]),
        Format::Tgz => ("tar", vec!["-xzf", "archive", "-C", "tree"]),
    };
    std::fs::create_dir(out.path().join("tree")).unwrap();
    let ran = Command::new(program).args(&arguments).current_dir(out.path()).output().ok()?;
    assert!(ran.status.success() && ran.stderr.is_empty(), "{program}: {ran:?}");
    if format == Format::Zip {
        let tested = Command::new("unzip").args(["-tq", "archive"]).current_dir(out.path()).output().unwrap();
        assert!(tested.status.success(), "{tested:?}");
    }
    Some(out)
}

#[test]
fn what_the_agents_programs_unpack_is_what_was_packed() {
    let folder = corpus();
    for format in FORMATS {
        let bytes = packed(&spec(builder(folder.path()).format(format)));
        if let Some(out) = unpacked(format, &bytes) {
            assert!(content(&out.path().join("tree")) == content(folder.path()), "{format:?}");
        }
    }
}

#[test]
fn a_zip_file_read_by_another_library_has_names_permissions_and_contents() {
    let folder = corpus();
    let bytes = packed(&spec(builder(folder.path())));
    let mut archive = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
    let expected = content(folder.path());
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let name = entry.name().unwrap().trim_end_matches('/').to_owned();
        let mut read = Vec::new();
        entry.read_to_end(&mut read).unwrap();
        assert!(read == expected[&name].1, "{name}");
    }
    let mode = |archive: &mut zip::ZipArchive<Cursor<&Vec<u8>>>, name: &str| {
        archive.by_name(name).unwrap().unix_mode().unwrap()
    };
    assert_eq!(mode(&mut archive, "run.sh"), 0o100_755);
    assert_eq!(mode(&mut archive, "many/007.txt"), 0o100_644);
    assert_eq!(mode(&mut archive, "link"), 0o120_777);
    let method = |archive: &mut zip::ZipArchive<Cursor<&Vec<u8>>>, name: &str| {
        archive.by_name(name).unwrap().compression()
    };
    assert_eq!(method(&mut archive, "noise.bin"), zip::CompressionMethod::Stored, "it cannot be compressed");
    assert_eq!(method(&mut archive, "large.txt"), zip::CompressionMethod::Deflated);
}

#[test]
fn a_tgz_is_one_gzip_member() {
    let folder = corpus();
    let bytes = packed(&spec(builder(folder.path()).format(Format::Tgz)));
    let mut one = Vec::new();
    flate2::bufread::GzDecoder::new(&bytes[..]).read_to_end(&mut one).unwrap();
    assert!(
        one == packed(&spec(builder(folder.path()).format(Format::Tar))),
        "the first member holds all of it"
    );
}

#[test]
fn more_than_65535_entries_are_listed_in_the_zip64_directory() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..65_600 {
        let name = format!("{}/{number}", number / 1_000);
        if number % 1_000 == 0 {
            std::fs::create_dir(folder.path().join((number / 1_000).to_string())).unwrap();
        }
        std::fs::write(folder.path().join(name), b"").unwrap();
    }
    let bytes = packed(&spec(builder(folder.path())));
    assert_eq!(zip::ZipArchive::new(Cursor::new(&bytes)).unwrap().len(), 65_600);
    if let Some(out) = unpacked(Format::Zip, &bytes) {
        assert!(out.path().join("tree/65/65599").exists());
    }
}

fn names(spec: &BundleSpec) -> Vec<String> {
    Tree::read(spec).unwrap().entries.into_iter().map(|entry| entry.name).collect()
}

#[test]
fn the_ignore_file_the_globs_and_git_keep_things_out_as_gitignore_does() {
    let folder = tempfile::tempdir().unwrap();
    for name in
        ["a.log", "keep.log", "src/b.log", "src/main.rs", "target/x", ".git/HEAD", ".env", "docs/a.md"]
    {
        write(folder.path(), name, b"x");
    }
    write(folder.path(), ".deployignore", b"*.log\n!keep.log\n/target/\n");
    write(folder.path(), "src/.deployignore", b"main.rs\n");
    write(folder.path(), "src/kept.rs", b"x");
    let spec = spec(builder(folder.path()).ignore("docs/").ignore(".env"));
    assert_eq!(names(&spec), ["keep.log", "src/kept.rs"]);
}

/// The codes of all causes.
fn codes(error: &Error) -> Vec<&str> {
    error.causes().iter().map(|cause| cause.code.as_str()).collect()
}

fn refused(builder: BundleBuilder) -> Error {
    let error = Tree::read(&spec(builder)).unwrap_err();
    assert!(error.causes().iter().all(|cause| cause.hint.is_some()), "{}", error.report());
    error
}

#[test]
fn links_are_kept_within_the_folder_followed_on_request_and_never_lead_out() {
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "secret.txt", b"secret");
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a/b.txt", b"content");
    let link =
        |target: &str, name: &str| std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
    link("a", "folder");
    link("../a/b.txt", "a/up");
    assert_eq!(names(&spec(builder(folder.path()))), ["a/b.txt", "a/up", "folder"]);
    let followed = spec(builder(folder.path()).symlinks(Symlinks::Follow));
    assert_eq!(names(&followed), ["a/b.txt", "a/up", "folder/b.txt", "folder/up"]);
    assert_eq!(codes(&refused(builder(folder.path()).symlinks(Symlinks::Refuse))), ["symlink", "symlink"]);
    link("../elsewhere", "out");
    link(outside.path().to_str().unwrap(), "absolute");
    link("../../a", "folder/deep"); // within by its words, if `folder` were a folder
    let error = refused(builder(folder.path()));
    assert_eq!(codes(&error), ["symlink-outside"; 3], "{}", error.report());
    link(".", "a/loop");
    std::fs::remove_file(folder.path().join("out")).unwrap();
    std::fs::remove_file(folder.path().join("a/deep")).unwrap();
    assert_eq!(codes(&refused(builder(folder.path()).symlinks(Symlinks::Follow)))[0], "symlink-loop");
}

#[test]
fn a_folder_that_is_missing_empty_or_a_file_is_named_with_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(codes(&refused(builder(folder.path()))), ["source-empty"]);
    assert_eq!(codes(&refused(builder(&folder.path().join("none")))), ["source-missing"]);
    write(folder.path(), "file", b"x");
    assert_eq!(codes(&refused(builder(&folder.path().join("file")))), ["source-no-folder"]);
}

#[test]
fn names_that_are_one_on_windows_and_names_that_windows_does_not_have_are_found_together() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["Readme.md", "README.md", "a:b"] {
        write(folder.path(), name, b"x");
    }
    let error = refused(builder(folder.path()).platform(Platform::Windows));
    assert_eq!(codes(&error), ["name-on-windows", "name-collision"]);
    Tree::read(&spec(builder(folder.path()))).unwrap();
}

#[test]
fn a_file_that_changes_while_it_is_packed_is_an_error_and_never_an_archive() {
    for format in FORMATS {
        for (name, longer) in [("many/007.txt", false), ("blocks.txt", false), ("large.txt", true)] {
            let folder = corpus();
            let spec = spec(builder(folder.path()).format(format));
            let tree = Arc::new(Tree::read(&spec).unwrap());
            let mut bytes = std::fs::read(folder.path().join(name)).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            if longer {
                bytes.push(b'!');
            }
            write(folder.path(), name, &bytes);
            let how = How { format, level: 1, threads: None, part_size: MIB };
            let mut packing = Packing::start(tree, how);
            let error = loop {
                match packing.next_part() {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("{format:?}: {name} was packed"),
                    Err(error) => break error,
                }
            };
            assert_eq!(codes(&error), ["file-changed"], "{format:?} {name}");
        }
    }
}

#[test]
fn permissions_are_kept_when_asked_and_forced_where_a_checkout_has_none() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.sh", b"x");
    write(folder.path(), "b.txt", b"x");
    set_mode(folder.path(), "b.txt", 0o4640);
    let modes = |builder: BundleBuilder| -> Vec<u32> {
        Tree::read(&spec(builder)).unwrap().entries.iter().map(|entry| entry.mode).collect()
    };
    assert_eq!(modes(builder(folder.path()).executable("*.sh")), [0o755, 0o644]);
    let keep = builder(folder.path()).modes(Modes::Keep);
    assert_eq!(modes(keep.clone()), [0o644, 0o4640]);
    let notes = Tree::read(&spec(keep)).unwrap().notes;
    assert_eq!(notes[0].0, "setuid-packed");
}

#[test]
fn all_problems_of_an_application_specification_are_told_at_once_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let text = "version: 1.0\nos: windows\nfiles:\n  - source: none.txt\n    destination: /srv\nhooks:\n  AfterInstal:\n    - \
                location: scripts/plain.sh\n  AfterInstall:\n    - location: scripts/dos.sh\n    - location: scripts/gone.sh\n";
    write(folder.path(), "appspec.yml", text.as_bytes());
    write(folder.path(), "scripts/plain.sh", b"#!/bin/sh\n");
    write(folder.path(), "scripts/dos.sh", b"#!/bin/sh\r\nexit 0\r\n");
    set_mode(folder.path(), "scripts/dos.sh", 0o755);
    let error = refused(builder(folder.path()).check_appspec(true));
    let found: Vec<(&str, u32)> =
        error.causes().iter().map(|cause| (cause.code.as_str(), cause.at.as_ref().unwrap().line)).collect();
    let expected = [
        ("appspec", 1),
        ("appspec-os", 2),
        ("appspec-file-missing", 4),
        ("appspec", 7),
        ("hook-not-executable", 8),
        ("hook-line-ends", 10),
        ("hook-missing", 11),
    ];
    assert_eq!(found, expected, "{}", error.report());
    assert!(error.report().contains("chmod"), "{}", error.report());
}

#[test]
fn a_specification_that_is_missing_misplaced_broken_or_called_yaml_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "deploy/appspec.yml", b"version: 0.0\nos: linux\n");
    let check = || builder(folder.path()).check_appspec(true);
    let error = refused(check());
    assert_eq!(codes(&error), ["appspec-missing"]);
    assert!(error.report().contains("`deploy`"), "{}", error.report());
    write(folder.path(), "appspec.yaml", b"version: 0.0\nos: linux\n");
    assert_eq!(Tree::read(&spec(check())).unwrap().notes[0].0, "appspec-yaml");
    write(folder.path(), "appspec.yml", b"version: 0.0\nhooks: [\n");
    let error = refused(check());
    assert_eq!(codes(&error), ["appspec"]);
    assert!(error.causes()[0].at.is_some(), "{}", error.report());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Any folder comes out as it went in, by any number of threads and any size of a part.
    #[test]
    fn any_folder_comes_out_as_it_went_in(
        files in prop::collection::btree_map("[a-zé]{1,3}(/[A-Z]{1,2}){0,2}/x", prop::collection::vec(any::<u8>(), 0..5_000), 1..20),
        threads in 1_usize..5,
        level in 0_u32..10,
    ) {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in &files {
            write(folder.path(), name, bytes);
        }
        let spec = spec(builder(folder.path()).level(level));
        let bytes = packed_with(&spec, threads);
        prop_assert!(bytes == packed_with(&spec, 1));
        let mut archive = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
        prop_assert_eq!(archive.len(), files.len());
        for (name, expected) in &files {
            let mut read = Vec::new();
            archive.by_name(name).unwrap().read_to_end(&mut read).unwrap();
            prop_assert_eq!(&read, expected);
        }
    }
}
