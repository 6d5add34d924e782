//! Bad inputs, in groups.

use landfall_eks::input::ManifestSetBuilder;

/// What is read.
pub(crate) enum Input {
    /// A text as `m.yaml`.
    Yaml(&'static str),
    /// A text as `m.json`.
    Json(&'static str),
    /// A text that is too long for the page: how it is described, and how it is made.
    Made(&'static str, fn() -> String),
    /// What a program says to the builder: how it is described, and the calls; the text is a folder with a slash.
    Flags(&'static str, fn(ManifestSetBuilder, &str) -> ManifestSetBuilder),
    /// Files in a folder, and the path that is given.
    Files(&'static [(&'static str, &'static [u8])], &'static str),
    /// A file of this name and size.
    Large(&'static str, u64),
    /// What comes in by standard input.
    Standard(&'static [u8]),
}

/// A bad input.
pub(crate) struct Case {
    pub(crate) title: &'static str,
    pub(crate) input: Input,
}

const fn yaml(title: &'static str, text: &'static str) -> Case {
    Case { title, input: Input::Yaml(text) }
}

const fn json(title: &'static str, text: &'static str) -> Case {
    Case { title, input: Input::Json(text) }
}

const fn flags(
    title: &'static str,
    shown: &'static str,
    flags: fn(ManifestSetBuilder, &str) -> ManifestSetBuilder,
) -> Case {
    Case { title, input: Input::Flags(shown, flags) }
}

const fn files(
    title: &'static str,
    files: &'static [(&'static str, &'static [u8])],
    path: &'static str,
) -> Case {
    Case { title, input: Input::Files(files, path) }
}

pub(crate) const GROUPS: &[(&str, &[Case])] = &[
    ("YAML", YAML),
    ("JSON", JSON),
    ("Objects", OBJECTS),
    ("Lists of objects", LISTS),
    ("Where only strings may be", STRINGS),
    ("Secrets", SECRETS),
    ("Images", IMAGES),
    ("Files", FILES),
    ("Kustomizations and charts", PROGRAMS),
    ("What is asked to be changed", FLAGS),
];

const YAML: &[Case] = &[
    yaml("A tab in the indentation", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: web\n"),
    yaml(
        "A member that is indented less than its neighbours",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n    name: web\n  namespace: shop\n",
    ),
    yaml(
        "A member that is indented more than its neighbours",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n    namespace: shop\n",
    ),
    yaml(
        "A key that stands there twice",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  port: '1'\n  level: info\n  port: '2'\n",
    ),
    yaml(
        "Two documents without `---` between them",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n",
    ),
    yaml("No blank behind a colon", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name:web\n"),
    yaml(
        "A colon in a text without quotes",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  note: beware: dragons\n",
    ),
    yaml(
        "A host that begins with a star",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec:\n  rules:\n  - host: *.example.com\n",
    ),
    yaml(
        "A value that begins with an at sign",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  owner: @team\n",
    ),
    yaml(
        "A value that begins with a percent sign",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  share: %50\n",
    ),
    yaml(
        "A quote that is not closed",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  note: 'it's late'\n",
    ),
    yaml(
        "A bracket that is not closed",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web}\n",
    ),
    yaml(
        "A text in a block that is not indented",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  run: |\n  echo a\n",
    ),
    yaml("A list in the place of a map", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n- name: web\n"),
    yaml(
        "An alias without an anchor",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, labels: *common}\n",
    ),
    yaml(
        "An anchor of another document",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, labels: &common {app: web}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: two, labels: *common}\n",
    ),
    Case {
        title: "Aliases that stand for billions of nodes",
        input: Input::Made("nine lists, each of ten aliases of the one before", || {
            let list = |level: usize| match level {
                0 => format!("a0: &a0 [{}]\n", ["x"; 10].join(", ")),
                _ => format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", ")),
            };
            (0..9).map(list).collect()
        }),
    },
    Case {
        title: "More levels than anybody writes",
        input: Input::Made("two hundred lists within each other", || {
            format!("a: {}{}\n", "[".repeat(200), "]".repeat(200))
        }),
    },
    yaml("A merge of what is no map", "apiVersion: v1\nkind: ConfigMap\nmetadata: {<<: web}\n"),
    yaml("A tag of CloudFormation", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: !Ref Name}\n"),
    yaml("`on` as a key", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  on: push\n"),
    yaml("A list as a key", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  [a, b]: c\n"),
    yaml(
        "A number that JSON does not have",
        "apiVersion: example.com/v1\nkind: Limit\nmetadata: {name: web}\nspec: {most: .inf}\n",
    ),
    yaml(
        "A number of more than 64 bits",
        "apiVersion: example.com/v1\nkind: Limit\nmetadata: {name: web}\nspec: {mask: 0xFFFFFFFFFFFFFFFFF}\n",
    ),
    yaml("A template of Helm", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Values.name }}\n"),
    yaml(
        "A merge of git that was not finished",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n<<<<<<< HEAD\n  name: one\n=======\n  name: two\n>>>>>>> feature\n",
    ),
    yaml("Nothing but comments", "# apiVersion: v1\n---\n"),
    yaml("What a program said instead of printing manifests", "Error: no such chart\n"),
];

const JSON: &[Case] = &[
    json(
        "A comma too many",
        "{\"apiVersion\": \"v1\", \"kind\": \"Pod\",\n \"metadata\": {\"name\": \"web\",}}\n",
    ),
    json("A comma that is missing", "{\"apiVersion\": \"v1\"\n \"kind\": \"Pod\"}\n"),
    json("A comment", "{\n  // the pod\n  \"apiVersion\": \"v1\"}\n"),
    json("Single quotes behind double ones", "{\"apiVersion\": 'v1'}\n"),
    json(
        "An end that is missing",
        "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"web\"}\n",
    ),
    json(
        "A key that stands there twice",
        "{\"apiVersion\": \"v1\", \"kind\": \"Pod\",\n \"kind\": \"Service\"}\n",
    ),
    json(
        "Something behind the object",
        "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"web\"}} done\n",
    ),
    json(
        "A list of objects without a List around it",
        "[{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"web\"}}]\n",
    ),
];

const OBJECTS: &[Case] = &[
    yaml("No kind", "apiVersion: v1\nmetadata: {name: web}\n"),
    yaml("No apiVersion", "kind: ConfigMap\nmetadata: {name: web}\n"),
    yaml("Neither, as in a file of values", "replicas: 2\nimage: web:1\n"),
    yaml("A version that is a number", "apiVersion: 1\nkind: ConfigMap\nmetadata: {name: web}\n"),
    yaml("A version that is none", "apiVersion: apps/v1/beta\nkind: Deployment\nmetadata: {name: web}\n"),
    yaml("A kind in small letters", "apiVersion: apps/v1\nkind: deployment\nmetadata: {name: web}\n"),
    yaml("A kind with a name", "apiVersion: apps/v1\nkind: Deployment/web\nmetadata: {name: web}\n"),
    yaml("No metadata", "apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n"),
    yaml("No name", "apiVersion: v1\nkind: ConfigMap\nmetadata: {labels: {app: web}}\n"),
    yaml(
        "A name that the server is to make",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: migrate-}\n",
    ),
    yaml("A name that is a number", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 2026}\n"),
    yaml("A name that is a truth", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: on}\n"),
    yaml("An empty name", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ''}\n"),
    yaml("A name with a slash", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop/web}\n"),
    yaml("A name in capital letters", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: Web}\n"),
    yaml("A name with an underscore", "apiVersion: v1\nkind: Service\nmetadata: {name: my_web}\n"),
    yaml(
        "A variable that nobody replaced",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'web-${CI_ENVIRONMENT_SLUG}'}\n",
    ),
    yaml("A variable that was empty", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web-}\n"),
    yaml(
        "A namespace that cannot be one",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: Shop_1}\n",
    ),
    yaml(
        "A namespace that is a number",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: 42}\n",
    ),
    yaml(
        "The same object twice",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: default}\n",
    ),
    yaml(
        "What the server manages",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, managedFields: [{manager: kubectl}]}\n",
    ),
    yaml(
        "A kustomization",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [web.yaml]\n",
    ),
    yaml("The description of a chart", "apiVersion: v2\nname: web\nversion: 0.1.0\n"),
    yaml("A word", "web\n"),
];

const LISTS: &[Case] = &[
    yaml(
        "A List whose second item has no name",
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: one}}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {}\n",
    ),
    yaml("A List with an item that is no object", "apiVersion: v1\nkind: List\nitems:\n- web\n"),
    yaml(
        "A List with nothing behind a dash",
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: one}\n-\n",
    ),
    yaml(
        "A List whose items are a map",
        "apiVersion: v1\nkind: List\nitems: {apiVersion: v1, kind: ConfigMap}\n",
    ),
    yaml(
        "A list of one kind with an item that says half of what it is",
        "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- kind: Deployment\n  metadata: {name: web}\n",
    ),
];

const STRINGS: &[Case] = &[
    yaml(
        "A number in an annotation",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  annotations: {build: 20261129}\n",
    ),
    yaml(
        "`yes` in a label",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  labels: {public: yes}\n",
    ),
    yaml(
        "A version without quotes in a label",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  labels: {version: 1.10}\n",
    ),
    yaml(
        "Labels as a list",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  labels:\n  - app=web\n",
    ),
    yaml(
        "Annotations as a text",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, annotations: none}\n",
    ),
    yaml(
        "A map in a label",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, labels: {app: {name: web}}}\n",
    ),
    yaml(
        "A label with a blank",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, labels: {team: the shop}}\n",
    ),
    yaml(
        "A label with a key that cannot be one",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, labels: {'app name': web}}\n",
    ),
    yaml(
        "A number in a ConfigMap",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  port: 8080\n  mode: 0644\n",
    ),
    yaml(
        "A map in a ConfigMap",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  settings:\n    port: '8080'\n",
    ),
    yaml(
        "Numbers in variables and arguments of a container",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    image: web:1\n    args: [--port, 8080]\n    env:\n    - {name: DEBUG, value: true}\n",
    ),
    yaml(
        "A truth in a node selector",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  nodeSelector: {fast: true}\n  containers: [{name: web, image: 'web:1'}]\n",
    ),
    yaml(
        "A number in the selector of a Service",
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {version: 2}}\n",
    ),
];

const SECRETS: &[Case] = &[
    yaml(
        "What is not base64",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata:\n  password: hunter2!\n",
    ),
    yaml(
        "Base64 with its end cut off",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata:\n  password: aHVudGVyMg\n",
    ),
    yaml(
        "A number, which is not shown",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData:\n  pin: 31337\n",
    ),
    yaml(
        "Bytes of a ConfigMap that are not base64",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\nbinaryData:\n  logo: <svg/>\n",
    ),
];

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: 'web:1'}, {name: log, image: 'log:1'}]}\n";

const IMAGES: &[Case] = &[
    yaml(
        "A tag that is missing",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: web, image: 'registry.example.com/web:'}\n",
    ),
    yaml(
        "Capital letters",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: web, image: 'Registry/Web:1'}\n",
    ),
    yaml(
        "A variable that nobody replaced",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: web, image: 'web:$CI_COMMIT_SHA'}\n",
    ),
    yaml(
        "A number",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: web, image: 1.10}\n",
    ),
    flags(
        "An image for a container that there is not",
        "`.image(\"wbe\", \"web:2\")`, with the containers web and log",
        |builder, _| builder.text("m.yaml", POD).image("wbe", "web:2"),
    ),
    flags(
        "Two images for a container",
        "`.image(\"web\", \"web:2\").image(\"web\", \"web:3\")`",
        |builder, _| builder.text("m.yaml", POD).image("web", "web:2").image("web", "web:3"),
    ),
    flags("An image that is empty", "`.image(\"web\", \"\")`", |builder, _| {
        builder.text("m.yaml", POD).image("web", "")
    }),
];

const ONE: &[u8] = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n";

const FILES: &[Case] = &[
    files("A file that is not there", &[], "k8s/web.yaml"),
    files("A path that is empty", &[], ""),
    files("An address", &[], "https://example.com/web.yaml"),
    files(
        "A file that is not UTF-8",
        &[("web.yaml", b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: caf\xe9}\n")],
        "web.yaml",
    ),
    files("A file that is UTF-16", &[("web.yaml", b"\xff\xfea\0p\0i\0")], "web.yaml"),
    files("An archive in the place of a manifest", &[("web.yaml", b"\x1f\x8b\x08\0\0\0\0\0")], "web.yaml"),
    Case { title: "A file that is too large", input: Input::Large("dump.yaml", 33_554_433) },
    files("An empty file", &[("web.yaml", b"")], "web.yaml"),
    files("A folder without manifests", &[("k8s/README.md", b"")], "k8s"),
    files("A folder with all of its manifests one level deeper", &[("k8s/prod/web.yaml", ONE)], "k8s"),
    files("A pattern that nothing matches", &[("k8s/web.yml", ONE)], "k8s/*.yaml"),
    files("A pattern that matches other files only", &[("k8s/web.txt", b""), ("k8s/web.md", b"")], "k8s/*"),
    files("A pattern that is none", &[], "k8s/["),
    Case { title: "Standard input that is not UTF-8", input: Input::Standard(b"kind: \xff\n") },
    Case { title: "Standard input that is empty", input: Input::Standard(b"") },
];

const PROGRAMS: &[Case] = &[
    files("A folder that is made for kustomize", &[("prod/kustomization.yaml", b"resources: []\n")], "prod"),
    files(
        "The file of a kustomization",
        &[("prod/kustomization.yaml", b"resources: []\n")],
        "prod/kustomization.yaml",
    ),
    files("A folder that is a chart", &[("web/Chart.yaml", b""), ("web/values.yaml", b"")], "web"),
    flags(
        "A kustomization, and no program that builds it",
        "`.kustomize(\"prod\")`, and PATH names no kustomize and no kubectl",
        |builder, folder| {
            let prod = format!("{folder}prod");
            let made = std::fs::create_dir(&prod)
                .and_then(|()| std::fs::write(format!("{prod}/kustomization.yaml"), ""));
            builder.kustomize(made.map_or_else(|error| error.to_string(), |()| prod))
        },
    ),
    flags("A kustomization that is not there", "`.kustomize(\"prod\")`", |builder, folder| {
        builder.kustomize(format!("{folder}prod"))
    }),
    flags(
        "A chart, and no helm",
        "`.helm(\"./web\", \"web\", &[], &[])`, and PATH names no helm",
        |builder, _| builder.helm("./web", "web", &[], &[]),
    ),
    flags(
        "Values of a chart that are none",
        "`.helm(\"./web\", \"\", &[\"prod.yaml\"], &[\"hunter2\"])`",
        |builder, folder| builder.helm("./web", "", &[format!("{folder}prod.yaml")], &["hunter2".to_owned()]),
    ),
];

const FLAGS: &[Case] = &[
    flags("Nothing to read", "`ManifestSet::builder().read()`", |builder, _| builder),
    flags("A namespace that cannot be one", "`.namespace(\"Shop\")`", |builder, _| {
        builder.text("m.yaml", POD).namespace("Shop")
    }),
    flags("A namespace that is empty", "`.namespace(\"\")`", |builder, _| {
        builder.text("m.yaml", POD).namespace("")
    }),
    flags("A label with a key that cannot be one", "`.label(\"app name\", \"web\")`", |builder, _| {
        builder.text("m.yaml", POD).label("app name", "web")
    }),
    flags("A label with a value that cannot be one", "`.label(\"ref\", \"feature/login\")`", |builder, _| {
        builder.text("m.yaml", POD).label("ref", "feature/login")
    }),
    flags("A label with two values", "`.label(\"app\", \"web\").label(\"app\", \"shop\")`", |builder, _| {
        builder.text("m.yaml", POD).label("app", "web").label("app", "shop")
    }),
    flags(
        "A label that an object has already",
        "`.label(\"app\", \"shop\")`, and the object has `app: web`",
        |builder, _| {
            let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, labels: {app: web}}\n";
            builder.text("m.yaml", text).label("app", "shop")
        },
    ),
];
