//! The flags of the components, and the files that they name.
//!
//! <https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/> and its neighbours;
//! <https://kwok.sigs.k8s.io/docs/user/kwok-out-of-cluster/>.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::certificates::Certificates;

/// Nodes and pods that a test asks to fail; see the file.
const STAGES: &str = include_str!("stages.yaml");

/// What the components have in common.
pub(super) struct Settings {
    folder: PathBuf,
    pub(super) certificates: Certificates,
    /// Of a person who may do everything.
    pub(super) token: String,
    etcd: String,
    port: u16,
    /// Where kwok answers as the kubelet of every node.
    kubelet: u16,
    pub(super) endpoint: String,
    /// Whether each request is written down, in `audit.log`.
    audited: bool,
}

impl Settings {
    pub(super) fn new(folder: &Path, [etcd, port, kubelet]: [u16; 3], audited: bool) -> Result<Self, String> {
        let certificates = Certificates::write(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            certificates,
            token: random()?,
            etcd: format!("http://127.0.0.1:{etcd}"),
            port,
            kubelet,
            endpoint: format!("https://127.0.0.1:{port}"),
            audited,
        })
    }

    /// For kubectl and for the components, which are administrators here.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// Writes the files. `authenticator` is the address of the webhook that judges tokens.
    pub(super) fn write(&self, authenticator: &str) -> Result<(), String> {
        let administrator = format!("{},administrator,administrator,system:masters\n", self.token);
        self.file("tokens.csv", &administrator)?;
        self.file("stages.yaml", &format!("{STAGES}---\n{}\n", self.logs()))?;
        self.file("container.log", &cri_log(&["reading its settings", "listening"]))?;
        self.file("container-previous.log", &cri_log(&["reading its settings", "panic: no settings"]))?;
        let policy = json!({
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [{ "level": "Metadata" }],
        });
        self.file("audit-policy.yaml", &policy.to_string())?;
        let authority = STANDARD.encode(&self.certificates.authority);
        let server = json!({ "server": self.endpoint, "certificate-authority-data": authority });
        self.file("kubeconfig", &kubeconfig(&server, &json!({ "token": self.token })))?;
        self.file("authenticator", &kubeconfig(&json!({ "server": authenticator }), &json!({})))
    }

    /// What every container has written: <https://kwok.sigs.k8s.io/docs/user/kwok-manage-logs-configuration/>.
    fn logs(&self) -> serde_json::Value {
        let (file, previous) = (self.path("container.log"), self.path("container-previous.log"));
        json!({
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "ClusterLogs",
            "metadata": { "name": "every-container" },
            "spec": { "logs": [{ "logsFile": file, "previousLogsFile": previous }] },
        })
    }

    fn file(&self, name: &str, text: &str) -> Result<(), String> {
        std::fs::write(self.folder.join(name), text).map_err(|error| format!("{name}: {error}"))
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    pub(super) fn etcd(&self) -> Vec<String> {
        flags(&[("data-dir", &self.path("etcd")), ("listen-client-urls", &self.etcd)])
    }

    pub(super) fn api_server(&self) -> Vec<String> {
        let certificates = &self.certificates;
        let file = |path: &Path| path.display().to_string();
        let mut all = flags(&[
            ("etcd-servers", &self.etcd),
            ("bind-address", "127.0.0.1"),
            ("advertise-address", "127.0.0.1"),
            // A loopback address is refused as an endpoint of the Service `kubernetes`.
            ("endpoint-reconciler-type", "none"),
            ("secure-port", &self.port.to_string()),
            // Names of nodes are no names of hosts here.
            ("kubelet-preferred-address-types", "InternalIP"),
            ("cert-dir", &file(&self.folder)),
            ("tls-cert-file", &file(&certificates.server_file)),
            ("tls-private-key-file", &file(&certificates.server_key_file)),
            ("token-auth-file", &self.path("tokens.csv")),
            ("authentication-token-webhook-config-file", &self.path("authenticator")),
            ("authentication-token-webhook-version", "v1"),
            ("authorization-mode", "RBAC"),
            ("service-account-issuer", "https://kubernetes.default.svc"),
            ("service-account-key-file", &file(&certificates.accounts_public_file)),
            ("service-account-signing-key-file", &file(&certificates.accounts_key_file)),
            ("service-cluster-ip-range", "10.96.0.0/16"),
            ("allow-privileged", "true"),
        ]);
        if self.audited {
            all.extend(flags(&[
                ("audit-policy-file", &self.path("audit-policy.yaml")),
                ("audit-log-path", &self.path("audit.log")),
                // Megabytes: it stays one file.
                ("audit-log-maxsize", "100000"),
            ]));
        }
        all
    }

    pub(super) fn controller_manager(&self) -> Vec<String> {
        let certificates = &self.certificates;
        flags(&[
            ("kubeconfig", &self.path("kubeconfig")),
            ("leader-elect", "false"),
            ("secure-port", "0"),
            ("service-account-private-key-file", &certificates.accounts_key_file.display().to_string()),
            ("root-ca-file", &certificates.authority_file.display().to_string()),
            // Its own limits (20 and 30) are made for a shared API server.
            ("kube-api-qps", "500"),
            ("kube-api-burst", "1000"),
        ])
    }

    pub(super) fn scheduler(&self) -> Vec<String> {
        flags(&[("kubeconfig", &self.path("kubeconfig")), ("leader-elect", "false"), ("secure-port", "0")])
    }

    pub(super) fn kwok(&self) -> Vec<String> {
        let file = |path: &Path| path.display().to_string();
        flags(&[
            ("server-address", &format!("127.0.0.1:{}", self.kubelet)),
            ("node-port", &self.kubelet.to_string()),
            ("tls-cert-file", &file(&self.certificates.server_file)),
            ("tls-private-key-file", &file(&self.certificates.server_key_file)),
            ("kubeconfig", &self.path("kubeconfig")),
            ("config", &self.path("stages.yaml")),
            ("manage-all-nodes", "true"),
            ("node-lease-duration-seconds", "40"),
        ])
    }
}

fn flags(pairs: &[(&str, &str)]) -> Vec<String> {
    pairs.iter().map(|(name, value)| format!("--{name}={value}")).collect()
}

/// Lines as a container runtime writes them into files.
fn cri_log(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("2026-01-01T00:00:00.000000000Z stderr F {line}\n")).collect()
}

/// JSON is YAML.
fn kubeconfig(server: &serde_json::Value, user: &serde_json::Value) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "landfall", "cluster": server }],
        "users": [{ "name": "landfall", "user": user }],
        "contexts": [{ "name": "landfall", "context": { "cluster": "landfall", "user": "landfall" } }],
        "current-context": "landfall",
    })
    .to_string()
}

/// A token that nobody guesses.
fn random() -> Result<String, String> {
    let mut bytes = [0; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .map_err(|_| "there are no random numbers".to_owned())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
