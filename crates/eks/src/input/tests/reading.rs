//! What is read, and from where.

use std::fs;
use std::path::Path;

use landfall_core::ErrorKind;
use tempfile::TempDir;

use super::super::{ManifestSet, ManifestSetBuilder, ManifestSource, Scope};
use super::{refused, text};

fn object(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n")
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn path(folder: &TempDir, inside: &str) -> ManifestSetBuilder {
    ManifestSet::builder().path(at(folder.path(), inside))
}

fn at(folder: &Path, inside: &str) -> String {
    folder.join(inside).to_string_lossy().into_owned()
}

fn names(builder: ManifestSetBuilder) -> Vec<String> {
    builder.read().unwrap().objects().iter().map(|object| object.name().to_owned()).collect()
}

#[test]
fn a_folder_is_read_in_the_order_of_names_and_without_what_is_no_manifest() {
    let (a, b, c) = (object("a"), object("b"), object("c"));
    let files = [
        ("b.yml", b.as_str()),
        ("a.yaml", &a),
        ("c.json", r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"}}"#),
        ("README.md", "# no"),
        ("below/d.yaml", &c),
        (".gitignore", "*.yaml\n"),
    ];
    let folder = folder(&files);
    assert_eq!(names(path(&folder, "")), ["a", "b", "c"]);
    let mut all = names(path(&folder, "").recursive(true).namespace("x"));
    all.sort();
    assert_eq!(all, ["a", "b", "c", "c"]);
}

#[test]
fn a_glob_is_read_when_the_shell_has_not_replaced_it() {
    let (a, b, c, d) = (object("a"), object("b"), object("c"), object("d"));
    let folder = folder(&[
        ("x/a.yaml", &a),
        ("x/b.txt", "no"),
        ("y/b.yml", &b),
        ("z/w/c.yaml", &c),
        ("d[1].yaml", &d),
    ]);
    assert_eq!(names(path(&folder, "*/*.yaml")), ["a"]);
    assert_eq!(names(path(&folder, "**/*.y*ml")), ["d", "a", "b", "c"]);
    assert_eq!(names(path(&folder, "?")), ["a", "b"], "folders are read, and z holds folders only");
    assert_eq!(names(path(&folder, "d[1].yaml")), ["d"], "a file of that very name goes before a pattern");
    for (pattern, expected) in [
        ("*.json", "no file matches"),
        ("x/*.txt", "none of the 1 files that match"),
        ("x/[", "is not a pattern"),
    ] {
        let error = refused(path(&folder, pattern));
        assert!(error.causes()[0].message.contains(expected), "{}", error.report());
    }
}

#[test]
fn a_file_that_is_named_twice_is_read_once() {
    let a = object("a");
    let folder = folder(&[("a.yaml", &a)]);
    let all = path(&folder, "").path(at(folder.path(), "a.yaml")).path(at(folder.path(), "./*.yaml"));
    assert_eq!(names(all), ["a"]);
}

#[test]
fn sources_that_cannot_be_read_are_all_told() {
    let folder =
        folder(&[("empty/README.md", ""), ("k/kustomization.yaml", "resources: []"), ("utf16.yaml", "")]);
    fs::write(folder.path().join("utf16.yaml"), [0xff, 0xfe, 0x61, 0]).unwrap();
    fs::write(folder.path().join("latin1.yaml"), b"a: b\nc: \xe9\n").unwrap();
    let error = refused(
        path(&folder, "none.yaml")
            .path(at(folder.path(), "empty"))
            .path(at(folder.path(), "k"))
            .path(at(folder.path(), "utf16.yaml"))
            .path(at(folder.path(), "latin1.yaml"))
            .path("")
            .path("https://example.com/x.yaml"),
    );
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let told: Vec<String> = error.causes().iter().map(landfall_core::Cause::report).collect();
    for (problem, expected) in told.iter().zip([
        "there is no file or folder `",
        "holds no .yaml, .yml or .json file\nnext: check the path",
        "is made for kustomize: it holds a kustomization.yaml\nnext: name it as a kustomization, for which `kustomize build",
        "it is UTF-16: save it as UTF-8",
        "line 2 holds bytes that are not UTF-8",
        "a path of manifests is empty",
        "is an address, and only files are read",
    ]) {
        assert!(problem.contains(expected), "{problem}");
    }
    assert_eq!(told.len(), 7);
}

#[test]
fn what_is_made_for_kustomize_or_helm_is_not_applied_as_it_is() {
    let a = object("a");
    let files = [
        ("k/kustomization.yml", "namePrefix: x-\n"),
        ("k/a.yaml", a.as_str()),
        ("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("c/values.yaml", "a: 1\n"),
    ];
    let folder = folder(&files);
    for (inside, recursive, program) in [
        ("k", false, "kustomize"),
        ("k/kustomization.yml", false, "kustomize"),
        ("k/*.yml", false, "kustomize"),
        ("", true, "helm"),
        ("c/", false, "helm"),
        ("c/*", false, "helm"),
    ] {
        let error = refused(path(&folder, inside).recursive(recursive));
        let cause = &error.causes()[0];
        assert!(cause.message.contains(&format!("is made for {program}: it holds a ")), "{}", error.report());
        let command = match program {
            "helm" => format!("`helm template RELEASE {}", at(folder.path(), "c")),
            _ => format!("`kustomize build {}`", at(folder.path(), "k")),
        };
        assert!(cause.hint.as_deref().unwrap().contains(&command), "{}", error.report());
    }
}

#[test]
fn manifests_that_stand_deeper_than_what_is_read_are_pointed_at() {
    let a = object("a");
    let folder = folder(&[
        ("k8s/prod/a.yaml", a.as_str()),
        ("empty/notes.txt", ""),
        ("x.yaml", "\n"),
        ("y.yaml", "#\n"),
    ]);
    let told = |builder: ManifestSetBuilder| refused(builder).causes()[0].report();
    let deeper = told(path(&folder, "k8s"));
    assert!(
        deeper.contains(&format!(
            "`{}` is in a folder below it\nnext: name that folder",
            at(folder.path(), "k8s/prod/a.yaml")
        )),
        "{deeper}"
    );
    assert!(
        told(path(&folder, "empty").recursive(true))
            .ends_with("that the step before this one wrote the files")
    );
    let empty = told(path(&folder, "*.yaml"));
    let names = format!("{}, {}", at(folder.path(), "x.yaml"), at(folder.path(), "y.yaml"));
    assert!(empty.contains(&format!("there is no object in what was read: {names}\n")), "{empty}");
    let gone = text("").text("a", "").text("b", "").text("c", "").text("d", "").text("e", "").text("f", "");
    assert!(told(gone).contains("m.yaml, a, b, c, d, 2 more\n"));
    fs::write(folder.path().join("z.yaml"), [0x1f, 0x8b, 8, 0]).unwrap();
    assert!(told(path(&folder, "z.yaml")).ends_with("it is compressed (gzip): unpack it first"));
}

#[test]
fn standard_input_is_read_to_its_end() {
    let source = ManifestSource::read("standard input", object("a").as_bytes()).unwrap();
    assert_eq!(names(ManifestSet::builder().source(source)), ["a"]);
    let error = ManifestSource::read("standard input", &[0x61, 0xff][..]).unwrap_err();
    assert_eq!(
        error.causes()[0].message,
        "standard input cannot be read: line 1 holds bytes that are not UTF-8: save it as UTF-8"
    );
    let endless = std::io::repeat(b' ');
    let error = ManifestSource::read("standard input", endless).unwrap_err();
    assert!(
        error.causes()[0].message.ends_with("it has more than 32 MiB, and no more is read"),
        "{}",
        error.report()
    );
}

#[test]
fn lists_are_unfolded_wherever_they_stand() {
    let yaml = "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ''}\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n\
                - apiVersion: v1\n  kind: List\n  items:\n  - {apiVersion: v1, kind: Pod, metadata: {name: b}}\n---\n\
                apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: c}\n---\n\
                {apiVersion: v1, kind: List, items: []}\n---\n{apiVersion: v1, kind: List}\n";
    let manifests = text(yaml).read().unwrap();
    let found: Vec<(String, String, u32, usize)> = manifests
        .objects()
        .iter()
        .map(|one| (one.to_string(), one.api_version().to_owned(), one.location().line, one.document()))
        .collect();
    let expected = [("Pod a", "v1", 5, 1), ("Pod b", "v1", 11, 1), ("Deployment c", "apps/v1", 16, 2)];
    assert_eq!(
        found,
        expected.map(|(name, version, line, document)| (name.to_owned(), version.to_owned(), line, document))
    );
    assert_eq!(
        manifests.objects()[2].to_json(),
        r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"c"}}"#
    );
}

#[test]
fn a_custom_resource_keeps_every_member() {
    let yaml = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w, finalizers: []}\nspec:\n  \
                ratio: 1.10\n  items: {a: [null, ~, '']}\nstatus: {}\nextra: 0x1F\n";
    let manifests = text(yaml).read().unwrap();
    let expected = r#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w","finalizers":[]},"spec":{"ratio":1.10,"items":{"a":[null,null,""]}},"status":{},"extra":31}"#;
    assert_eq!(manifests.objects()[0].to_json(), expected);
    assert_eq!(
        (manifests.objects()[0].group(), manifests.objects()[0].scope()),
        ("example.com", Scope::Unknown)
    );
}

#[test]
fn debug_shows_names_and_no_content() {
    let yaml = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n";
    let builder = text(yaml);
    let shown = format!("{builder:?} {:?}", builder.clone().read().unwrap());
    assert!(
        shown.contains("Secret s") && shown.contains("m.yaml:1:1") && !shown.contains("hunter2"),
        "{shown}"
    );
}
