//! Kustomizations and charts, by small scripts that play the programs, and by the real `kubectl` where it is there.

use std::fs;
use std::path::Path;

use landfall_aws::environment::Environment;
use landfall_core::{Cause, Error, ErrorKind};
use tempfile::TempDir;

use super::super::{ManifestSet, ManifestSetBuilder};
use super::refused;

/// A folder with the programs that are played, beside one with a kustomization and a chart.
struct Stage(TempDir);

impl Stage {
    /// Each program with the script that it runs. The script may use `$OUT`, a folder, and nothing that is not built in.
    fn with(programs: &[(&str, &str)]) -> Self {
        let stage = tempfile::tempdir().unwrap();
        let play = concat!(env!("CARGO_MANIFEST_DIR"), "/src/input/tests/testdata/play");
        for folder in ["bin", "prod", "chart", "empty"] {
            fs::create_dir(stage.path().join(folder)).unwrap();
        }
        for (name, script) in programs {
            let program = stage.path().join("bin").join(name);
            // A file that is written and run by one process may be busy: what is run is a link to one that nobody writes.
            std::os::unix::fs::symlink(play, &program).unwrap();
            fs::write(program.with_extension("sh"), script).unwrap();
        }
        fs::write(stage.path().join("prod/kustomization.yaml"), "resources: []\n").unwrap();
        fs::write(stage.path().join("values.yaml"), "a: 1\n").unwrap();
        Self(stage)
    }

    fn at(&self, inside: &str) -> String {
        self.0.path().join(inside).to_string_lossy().into_owned()
    }

    fn builder(&self) -> ManifestSetBuilder {
        let environment = Environment::from_pairs([("PATH", self.at("bin")), ("OUT", self.at(""))]);
        ManifestSet::builder().environment(environment)
    }

    fn written(&self, file: &str) -> String {
        fs::read_to_string(self.0.path().join(file)).unwrap()
    }
}

const OBJECTS: &str = "\
echo 'apiVersion: v1'; echo 'kind: ConfigMap'; echo 'metadata: {name: a}'
echo '---'; echo 'apiVersion: v1'; echo 'kind: ConfigMap'; echo 'metadata: {name: b}'
";

fn told(error: &Error) -> String {
    error.causes().iter().map(Cause::report).collect::<Vec<_>>().join("\n")
}

fn names(builder: ManifestSetBuilder) -> Vec<String> {
    builder.read().unwrap().objects().iter().map(ToString::to_string).collect()
}

#[test]
fn a_kustomization_is_built_by_kustomize_and_by_kubectl_where_there_is_none() {
    let kubectl = format!("echo \"$@\" > $OUT/asked; {OBJECTS}");
    let kustomize = format!(
        "echo \"$@\" > $OUT/asked; {OBJECTS} echo '---'; echo '{{apiVersion: v1, kind: Pod, metadata: {{name: p}}}}'"
    );
    let stage = Stage::with(&[("kubectl", &kubectl), ("kustomize", &kustomize)]);
    let prod = stage.at("prod");
    assert_eq!(names(stage.builder().kustomize(&prod)), ["ConfigMap a", "ConfigMap b", "Pod p"]);
    assert_eq!(stage.written("asked"), format!("build {prod}\n"));
    fs::remove_file(stage.at("bin/kustomize")).unwrap();
    let set = stage.builder().kustomize(&prod).namespace("shop").read().unwrap();
    assert_eq!(set.objects()[1].to_string(), "ConfigMap shop/b");
    assert_eq!(set.objects()[1].location().to_string(), format!("kubectl kustomize {prod}:5:1"));
    assert_eq!(stage.written("asked"), format!("kustomize {prod}\n"));
}

#[test]
fn what_is_wrong_in_the_output_is_told_with_the_command_the_document_and_the_line() {
    let script = format!("{OBJECTS} echo '---'; echo 'apiVersion: v1'; echo 'metadata: {{name: c}}'");
    let stage = Stage::with(&[("kustomize", &script)]);
    let prod = stage.at("prod");
    let error = refused(stage.builder().kustomize(&prod));
    let start = format!("kustomize build {prod}:9:1: document 3: the object has no kind\n");
    assert!(told(&error).starts_with(&start), "{}", error.report());
}

#[test]
fn a_program_that_is_not_there_is_told_with_what_to_do() {
    let stage = Stage::with(&[]);
    let chart = stage.at("chart");
    let builder = stage.builder().kustomize(stage.at("prod")).helm(&chart, "web", &[], &[]);
    let error = refused(builder);
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let report = error.report();
    for part in [
        "is a kustomization, and there is neither `kustomize` nor `kubectl` in PATH",
        "next: put one of them into the image of the job (kubectl has kustomize built in)",
        "is a chart, and there is no `helm` in PATH",
        "next: put helm into the image of the job",
    ] {
        assert!(report.contains(part), "{part} in {report}");
    }
    let nowhere = ManifestSet::builder().environment(Environment::default()).kustomize(stage.at("prod"));
    assert!(refused(nowhere).report().contains("there is neither"));
}

#[test]
fn a_program_that_fails_is_told_with_its_last_words() {
    for (words, hint) in [
        (
            "Error: accumulating resources: evalsymlink failure on web.yaml",
            "by hand: it has to succeed there first",
        ),
        ("Error: must specify --enable-helm", "landfall gives it no flags: run it with those it asks for"),
    ] {
        let stage = Stage::with(&[("kustomize", &format!("echo '{words}' >&2; exit 1"))]);
        let prod = stage.at("prod");
        let error = refused(stage.builder().kustomize(&prod));
        let cause = &error.causes()[0];
        assert_eq!(cause.message, format!("`kustomize build {prod}` failed with exit code 1"));
        assert_eq!(cause.evidence, [words]);
        assert!(cause.hint.as_deref().unwrap().contains(hint), "{cause:?}");
    }
    let stage = Stage::with(&[(
        "helm",
        "echo 'Error: found in Chart.yaml, but missing in charts/ directory: redis' >&2; exit 1",
    )]);
    let error = refused(stage.builder().helm(stage.at("chart"), "web", &[], &["password=canary".to_owned()]));
    assert!(error.report().contains("helm dependency build"), "{}", error.report());
    assert!(!error.report().contains("canary"), "{}", error.report());
}

#[test]
fn folders_that_cannot_be_built_are_told_before_anything_is_run() {
    let stage = Stage::with(&[("kustomize", "echo > $OUT/ran"), ("helm", "echo > $OUT/ran")]);
    for (folder, part) in [
        (String::new(), "kustomize: the folder is empty\nnext: a variable for it was probably not set"),
        (stage.at("nowhere"), "kustomize: there is no folder `"),
        (stage.at("empty"), "holds no kustomization.yaml\nnext: name the folder that holds it"),
        (stage.at("prod/kustomization.yaml"), "is a file\nnext: name its folder: "),
        (
            "https://github.com/x/y?ref=main".to_owned(),
            "is an address, and only folders are built\nnext: fetch it first",
        ),
    ] {
        let report = told(&refused(stage.builder().kustomize(folder)));
        assert!(report.contains(part), "{part} in {report}");
    }
    let values = [stage.at("nowhere.yaml"), String::new()];
    let sets = ["canary".to_owned(), "a=1".to_owned(), "=canary".to_owned()];
    let report = told(&refused(stage.builder().helm("--post-renderer=x", "", &values, &sets)));
    for part in [
        "helm: `--post-renderer=x` is a flag and no chart",
        "helm: the name of the release is empty",
        "helm: there is no file of values `",
        "helm: the name of a file of values is empty",
        "helm: a single value is not of the form key=value\nnext: write it like image.tag=1.2.3",
    ] {
        assert!(report.contains(part), "{part} in {report}");
    }
    assert!(!report.contains("canary"), "{report}");
    assert!(!Path::new(&stage.at("ran")).exists());
}

#[test]
fn a_chart_is_filled_in_with_its_values_and_the_namespace() {
    let stage = Stage::with(&[("helm", &format!("printf '%s\\n' \"$@\" > $OUT/asked; {OBJECTS}"))]);
    let (chart, values) = (stage.at("chart"), stage.at("values.yaml"));
    let sets = ["image.tag=1.2".to_owned(), "note=a b;$(c)".to_owned()];
    let builder = stage.builder().namespace("shop").helm(&chart, "web", std::slice::from_ref(&values), &sets);
    assert!(!format!("{builder:?}").contains("image.tag"), "{builder:?}");
    assert_eq!(names(builder), ["ConfigMap shop/a", "ConfigMap shop/b"]);
    let asked = format!(
        "template\nweb\n{chart}\n--include-crds\n--skip-tests\n--namespace\nshop\n--values\n{values}\n--set\n\
         image.tag=1.2\n--set\nnote=a b;$(c)\n"
    );
    assert_eq!(stage.written("asked"), asked);
}

/// Where this machine has `kubectl`: its own kustomize, and its own words.
#[test]
fn the_real_kubectl_builds_a_kustomization() {
    let kubectl = Path::new("/usr/bin/kubectl");
    if !kubectl.exists() {
        println!("skipped: there is no {}", kubectl.display());
        return;
    }
    let stage = Stage::with(&[]);
    std::os::unix::fs::symlink(kubectl, stage.at("bin/kubectl")).unwrap();
    let kustomization =
        "namePrefix: prod-\nresources: [web.yaml]\nconfigMapGenerator: [{name: settings, literals: [a=1]}]\n";
    fs::write(stage.at("prod/kustomization.yaml"), kustomization).unwrap();
    fs::write(stage.at("prod/web.yaml"), "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n").unwrap();
    let names = names(stage.builder().kustomize(stage.at("prod")));
    assert!(names[0].starts_with("ConfigMap prod-settings-"), "{names:?}");
    assert_eq!(names[1], "Service prod-web");
    fs::remove_file(stage.at("prod/web.yaml")).unwrap();
    let cause = refused(stage.builder().kustomize(stage.at("prod"))).causes()[0].clone();
    assert!(cause.message.contains("` failed with exit code 1"), "{cause:?}");
    assert!(cause.evidence.iter().any(|line| line.contains("web.yaml")), "{cause:?}");
}
