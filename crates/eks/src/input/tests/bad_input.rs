//! What is refused, and in which words: file, line, column and document every time.

use landfall_core::{Cause, ErrorKind};

use super::{deployment, refused, text};

/// A bad text and what is said about it, the first problem of each.
const BAD: &[(&str, &str)] = &[
    (
        "- a\n",
        "m.yaml:1:1: document 1: this is a list, and a Kubernetes object is a map with apiVersion, kind and metadata",
    ),
    ("just words\n", "m.yaml:1:1: document 1: this is a string, and a Kubernetes object is a map"),
    (
        "{}",
        "m.yaml:1:1: document 1: this is no Kubernetes object: it has no apiVersion, no kind and no metadata",
    ),
    ("kind: Pod\nmetadata: {name: a}\n", "m.yaml:1:1: document 1: the object has no apiVersion"),
    ("apiVersion: v1\nmetadata: {name: a}\n", "m.yaml:1:1: document 1: the object has no kind"),
    (
        "apiVersion: 1\nkind: Pod\nmetadata: {name: a}\n",
        "m.yaml:1:13: document 1: apiVersion is a number (`1`), and not a string\nnext: write it like v1 or apps/v1",
    ),
    ("apiVersion: ''\nkind: Pod\nmetadata: {name: a}\n", "m.yaml:1:13: document 1: apiVersion is empty"),
    (
        "apiVersion: apps/v1/x\nkind: Pod\nmetadata: {name: a}\n",
        "the apiVersion `apps/v1/x` is not of the form `v1` or `group/v1`",
    ),
    ("apiVersion: $V\nkind: Pod\nmetadata: {name: a}\n", "the apiVersion `$V` is not of the form"),
    (
        "apiVersion: v1\nkind: [Pod]\nmetadata: {name: a}\n",
        "m.yaml:2:7: document 1: kind is a list, and not a string",
    ),
    ("apiVersion: v1\nkind: Pod/x\nmetadata: {name: a}\n", "the kind `Pod/x` is no name of a kind"),
    ("apiVersion: v1\nkind: Pod\n", "m.yaml:1:1: document 1: the Pod has no metadata, and so no name"),
    ("apiVersion: v1\nkind: Pod\nmetadata:\nspec: {}\n", "the Pod has no metadata, and so no name"),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: a\n",
        "m.yaml:3:11: document 1: metadata of the Pod is a string, and not a map",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {}\n",
        "m.yaml:3:11: metadata.name: document 1: the Pod has no name",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: 5}\n",
        "m.yaml:3:18: metadata.name: document 1: the Pod's name is a number (`5`), and not a string\nnext: put it in quotes",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: no}\n",
        "the Pod's name is a boolean (`no`), and not a string",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: ''}\n",
        "the Pod's name `` is empty; a variable for it was probably not set",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: 'a/b'}\n",
        "the Pod's name `a/b` contains `/`, which no name may",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: 'a b'}\n",
        "the Pod's name `a b` contains ` `, which no name may",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web-}\n",
        "begins or ends with `-`; a variable in it was probably empty",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: '${NAME}'}\n",
        "contains `$`: a variable in it was not replaced",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n",
        "the Pod has no name\nnext: give it a metadata.name: what is applied again has to be found again",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: A}\n",
        "m.yaml:3:32: metadata.namespace: document 1: the Pod's namespace `A` is not valid",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: 1}\n",
        "the Pod's namespace is a number (`1`), and not a string",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, managedFields: [{}]}\n",
        "the Pod has metadata.managedFields, which server-side apply refuses",
    ),
    ("apiVersion: v1\nkind: List\nitems: {}\n", "m.yaml:3:8: document 1: `items` is not a list"),
    (
        "apiVersion: v1\nkind: List\nitems: [{kind: Pod}]\n",
        "m.yaml:3:9: document 1: the object has no apiVersion",
    ),
    (
        "apiVersion: v1\nkind: List\nitems: [7]\n",
        "m.yaml:3:9: document 1: this is a number, and a Kubernetes object is a map",
    ),
    (
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
        "this is a Kustomization of kustomize, and no object of a cluster\nnext: name its folder as a kustomization, or give what `kustomize build FOLDER` prints",
    ),
    (
        "apiVersion: v2\nname: x\nversion: 0.1.0\n",
        "this is the description of a Helm chart, and no object of a cluster\nnext: name its folder as a chart, or give what `helm template` prints",
    ),
    ("a: b\n c: d\n", "m.yaml:2:"),
    ("a: b\n\tc: d\n", "found a tab\nnext: YAML is indented by blanks: replace the tab"),
    ("a: 'b\n", "m.yaml:"),
    ("a: [b\n", "m.yaml:"),
    ("a: {{ .Values.a }}\n", "next: this looks like a template of a Helm chart"),
    ("{\"a\": 1,}\n", "m.yaml:1:9: document 1: trailing comma"),
    ("{\"a\": 1\n", "m.yaml:2:"),
    ("a: 1\nb: 1\na: 2\n", "m.yaml:3:1: document 1: `a` stands here for the second time"),
    ("a: *b\n", "m.yaml:1:"),
    ("a: !Ref b\n", "m.yaml:1:4: document 1: the tag `!Ref` has no meaning in a manifest"),
    (
        "on: push\n",
        "m.yaml:1:1: document 1: the key `on` is a boolean in YAML, and would reach Kubernetes changed\nnext: put the key in quotes",
    ),
    ("a: .inf\n", "m.yaml:1:4: document 1: `.inf` is a number that JSON, and so Kubernetes, does not have"),
    ("a: 0xFFFFFFFFFFFFFFFFF\n", "m.yaml:1:4: document 1: this number does not fit into 64 bits"),
    ("[a]: b\n", "m.yaml:1:1: document 1: a key is expected here, and not a list or a map"),
    ("", "there is no object in what was read: m.yaml\nnext: it is empty"),
    ("# nothing\n---\n", "there is no object in what was read"),
    (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {x: 1}}\n",
        "m.yaml:3:33: document 1: ConfigMap a: metadata.labels.x is a number (`1`), and has to be a string\nnext: put it in quotes",
    ),
    (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {x: yes}}\n",
        "metadata.annotations.x is a boolean (`yes`), and has to be a string",
    ),
    (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: [x]}\n",
        "metadata.labels is a list, and has to be a map of strings",
    ),
    (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  port: 8080\n",
        "m.yaml:5:9: document 1: ConfigMap a: data.port is a number (`8080`), and has to be a string",
    ),
    (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  mode: 0644\n",
        "data.mode is a number (`0644`), and has to be a string",
    ),
    (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: {k: z}\n",
        "data.x is a map, and has to be a string",
    ),
    (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  pin: 31337\n",
        "document 1: Secret a: stringData.pin is a number, and has to be a string",
    ),
    (
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {v: 1.0}}\n",
        "spec.selector.v is a number (`1.0`), and has to be a string",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name:web\n",
        "metadata of the Pod is a string, and not a map\nnext: a blank is missing behind a colon",
    ),
    (
        "apiVersion: apps/v1\nkind: deployment\nmetadata: {name: a}\n",
        "m.yaml:2:7: document 1: the kind `deployment` begins with a small letter, and no kind of Kubernetes does",
    ),
    (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: Web}\n",
        "m.yaml:3:18: metadata.name: document 1: the Deployment's name `Web` contains `W`: it may hold lower-case letters",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a..b}\n",
        "the Pod's name `a..b` has a `.` or `-` too many",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\napiVersion: v1\n",
        "m.yaml:4:1: document 1: `apiVersion` stands here for the second time\nnext: if another object begins here, put a line `---`",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {x: a b}}\n",
        "m.yaml:3:33: document 1: Pod a: metadata.labels.x is `a b`, which Kubernetes does not take\nnext: up to 63 letters",
    ),
    (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  p: '!'\n",
        "m.yaml:5:6: document 1: Secret a: data.p is not base64\nnext: encode the value",
    ),
    ("a: *.b\n", "next: put it in quotes if it is text, such as '*.example.com'"),
    ("a: @b\n", "next: text cannot begin with this character: put it in quotes"),
    (
        "a: 'it's'\n",
        "something stands behind the closing quote\nnext: write a quote within single quotes twice",
    ),
    ("a: |\nb\n", "next: add the colon and a blank, or indent the line"),
    ("a:\n<<<<<<< HEAD\n  b: 1\n=======\n", "next: a merge of git was not finished here"),
    ("{\n // x\n\"a\": 1}\n", "m.yaml:2:2: document 1: key must be a string\nnext: JSON takes no comments"),
    ("{\"a\": 'x'}\n", "next: JSON has double quotes only"),
    ("{\"a\": [1\n", "next: the text ends too early"),
];

#[test]
fn bad_texts_are_refused_with_the_place_and_the_reason() {
    assert!(BAD.len() >= 50, "{}", BAD.len());
    for (bad, expected) in BAD {
        let error = refused(text(bad));
        assert_eq!(error.kind(), ErrorKind::Invalid, "{bad:?}");
        assert_eq!(error.message(), "the manifests cannot be used; nothing was sent");
        let told: Vec<String> = error.causes().iter().map(Cause::report).collect();
        assert!(told[0].contains(expected), "{bad:?}\n  {}\n  {expected}", told.join("\n  "));
    }
}

#[test]
fn names_and_bytes_that_kubernetes_takes_are_taken() {
    for good in [
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: 'system:Node_1'}}",
        "{apiVersion: networking.k8s.io/v1, kind: IPAddress, metadata: {name: 'fd00::1'}}",
        "{apiVersion: example.com/v1, kind: widget, metadata: {name: A_b}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: kube-root-ca.crt, labels: {a.b/c_D: '', x: a_B.c-1}}}",
        // Go's decoder, which the server has, minds neither line breaks nor bits that are left over.
        "{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: '', b: \"aHVu\\ndGVyMg==\\n\", c: aHVudGVyMh==, d: null}}",
        "{apiVersion: example.com/v1, kind: Secret, metadata: {name: s}, data: {a: '!'}}",
    ] {
        assert!(text(good).read().is_ok(), "{}", refused(text(good)).report());
    }
}

#[test]
fn what_is_wrong_in_containers_is_named_by_its_path() {
    let containers = "      - name: web\n        image: 'registry.example.com/web:'\n        command: [serve, 80]\n        env:\n        \
                      - {name: DEBUG, value: no}\n        - {name: LEVEL, value: 3}\n      - {name: log, image: 5}\n";
    let error = refused(text(&deployment("d", containers)));
    let told: Vec<String> = error.causes().iter().map(Cause::report).collect();
    let path = "spec.template.spec.containers[0]";
    let expected = [
        format!("m.yaml:10:16: {path}.image: document 1: Deployment d: container web: the image `registry.example.com/web:` ends with `:`"),
        "m.yaml:15:28: spec.template.spec.containers[1].image: document 1: Deployment d: container log: the image is a number".to_owned(),
        format!("m.yaml:11:26: document 1: Deployment d: {path}.command[1] is a number (`80`), and has to be a string"),
        format!("m.yaml:13:32: document 1: Deployment d: {path}.env[DEBUG].value is a boolean (`no`)"),
        format!("m.yaml:14:32: document 1: Deployment d: {path}.env[LEVEL].value is a number (`3`)"),
    ];
    assert_eq!(told.len(), expected.len(), "{}", told.join("\n"));
    for (problem, expected) in told.iter().zip(expected) {
        assert!(problem.starts_with(&expected), "{problem}\n{expected}");
    }
}

#[test]
fn all_problems_of_all_files_are_told_at_once_and_nothing_is_returned() {
    let good = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";
    let builder = text(&format!("{good}---\na: [\n---\nkind: Pod\n---\n{good}"))
        .text("n.json", "{\"kind\": \"Pod\",}")
        .text("o.yaml", good)
        .path("/nowhere/p.yaml")
        .image("none", "a:1");
    let error = refused(builder);
    let report = error.report();
    let places = ["m.yaml:", "n.json:1:16: document 1", "no file or folder `/nowhere/p.yaml`"];
    for place in places {
        assert!(report.contains(place), "{report}");
    }
    assert!(!report.contains("container `none`"), "what was not read is not judged: {report}");
}

#[test]
fn a_flood_of_problems_is_cut() {
    let many: String = (0..200).map(|_| "---\nkind: Pod\n").collect();
    let error = refused(text(&many));
    assert_eq!(error.causes().len(), 51);
    assert_eq!(error.causes()[50].message, "there are 350 more, told when these are mended");
}

#[test]
fn no_value_of_a_secret_is_told() {
    for value in [
        "31337",
        "0x1F4D3",
        "0xFFFFFFFFFFFFFFFFFF",
        "1_2_3_7_7",
        "[hunter2]",
        "{a: hunter2}",
        "!x hunter2",
        "'hunter2",
    ] {
        let yaml =
            format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n  pin: {value}\n");
        let report = refused(text(&yaml)).report();
        for secret in ["31337", "1F4D3", "128211", "FFFF", "hunter2", "12377"] {
            assert!(!report.contains(secret), "{report}");
        }
    }
}
