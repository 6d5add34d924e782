//! One stage on whichever server: two accounts, an OIDC provider, a role in each, a cluster `demo` with a service `web`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use landfall::aws::environment::Environment;
use landfall_simulator::{
    Claims, DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_ISSUER, DEMO_REGION, DEMO_SECRET_ACCESS_KEY, Denial,
    SECOND_ACCESS_KEY_ID, SECOND_ACCOUNT, SECOND_SECRET_ACCESS_KEY, Server, Simulator, World,
};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::http::{self, Keys, REGION};
use crate::ministack::{Mode, Servers};
use crate::policy::Policy;
use crate::support;
use crate::wire::{Act, Seen, Wire};

/// What the role in the other account asks for.
pub(crate) const EXTERNAL_ID: &str = "demo-external-id";

/// A server that the behaviour suite runs against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Simulator,
    Ministack(Mode),
}

impl Kind {
    pub(crate) const ALL: [Self; 3] =
        [Self::Simulator, Self::Ministack(Mode::Default), Self::Ministack(Mode::Auth)];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Simulator => "simulator",
            Self::Ministack(Mode::Default) => "ministack",
            Self::Ministack(Mode::Auth) => "ministack-auth",
        }
    }

    /// Whether it looks at who calls.
    pub(crate) fn checks_callers(self) -> bool {
        self != Self::Ministack(Mode::Default)
    }
}

/// An account and somebody who may do everything in it.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) admin: Keys,
}

impl Account {
    /// The role `deploy` of the account.
    pub(crate) fn role(&self) -> String {
        format!("arn:aws:iam::{}:role/deploy", self.id)
    }
}

/// A staged AWS.
pub(crate) struct Cloud {
    pub(crate) kind: Kind,
    /// The server itself.
    pub(crate) upstream: SocketAddr,
    /// What the binary talks to: it writes down the calls.
    pub(crate) wire: Wire,
    /// Where the OIDC provider is.
    pub(crate) home: Account,
    /// Its role trusts the other account, with an external id.
    pub(crate) away: Account,
    /// Mints the tokens, and is the server too when this is the simulator's cloud.
    pub(crate) simulator: Simulator,
    _server: Option<Server>,
}

impl Cloud {
    /// The stage with the README's policy for both roles, and whatever else it calls optional.
    pub(crate) async fn new(kind: Kind, servers: &Servers) -> Self {
        Self::allowing(kind, servers, &Policy::full()).await
    }

    /// The stage on which both roles may do just this, and the one at home may assume the other.
    pub(crate) async fn allowing(kind: Kind, servers: &Servers, policy: &Policy) -> Self {
        match kind {
            Kind::Simulator => Self::simulated(policy).await,
            Kind::Ministack(mode) => Self::independent(kind, servers.address(mode), policy).await,
        }
    }

    async fn simulated(policy: &Policy) -> Self {
        let mut world = World::demo();
        let content = world.account(DEMO_ACCOUNT).region(DEMO_REGION).clone();
        *world.account(SECOND_ACCOUNT).region(DEMO_REGION) = content;
        let denied: Vec<Denial> = policy.denied().iter().map(|action| Denial::of(action)).collect();
        for account in [DEMO_ACCOUNT, SECOND_ACCOUNT] {
            let role = world.account(account).roles.get_mut("deploy").unwrap();
            role.denied.clone_from(&denied);
            role.denied.retain(|denial| account == SECOND_ACCOUNT || denial.action != "sts:AssumeRole");
        }
        Self::of(Simulator::builder().world(world).build()).await
    }

    /// The cloud of a simulator, whose world has the accounts of the demonstration.
    pub(crate) async fn of(simulator: Simulator) -> Self {
        let server = simulator.serve().await.unwrap();
        Self {
            kind: Kind::Simulator,
            upstream: server.address(),
            wire: Wire::plain(server.address()).await,
            home: account(DEMO_ACCOUNT, Keys::new(DEMO_ACCESS_KEY_ID, DEMO_SECRET_ACCESS_KEY)),
            away: account(SECOND_ACCOUNT, Keys::new(SECOND_ACCESS_KEY_ID, SECOND_SECRET_ACCESS_KEY)),
            simulator,
            _server: Some(server),
        }
    }

    async fn independent(kind: Kind, upstream: SocketAddr, policy: &Policy) -> Self {
        // Accounts of this test alone: what others do is not seen in them. A key of twelve digits is that account's
        // root there, with the secret `test`.
        let fresh = || {
            static NEXT: AtomicU64 = AtomicU64::new(200_000_000_000);
            let id = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
            account(&id, Keys::new(&id, "test"))
        };
        let (home, away) = (fresh(), fresh());
        let mut cloud = Self {
            kind,
            upstream,
            wire: Wire::plain(upstream).await,
            home,
            away,
            simulator: Simulator::builder().wall_clock().build(),
            _server: None,
        };
        cloud.stage(policy).await;
        // The secret of a root's key is not verified; that of a user's is.
        if kind == Kind::Ministack(Mode::Auth) {
            cloud.home.admin = cloud.user(&cloud.home).await;
        }
        cloud
    }

    /// A user who may do everything in the account, with a key.
    async fn user(&self, account: &Account) -> Keys {
        let all = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "*", "Resource": "*" }] });
        let all = all.to_string();
        let call = async |action: &str, more: &[(&str, &str)]| {
            let pairs = [("Action", action), ("Version", "2010-05-08"), ("UserName", "deployer")];
            http::query(self.upstream, &account.admin, "iam", &[&pairs, more].concat()).await
        };
        call("CreateUser", &[]).await;
        call("PutUserPolicy", &[("PolicyName", "all"), ("PolicyDocument", &all)]).await;
        let made = call("CreateAccessKey", &[]).await;
        let text = String::from_utf8_lossy(&made.body).into_owned();
        let element = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>")).unwrap();
            rest.split_once("</").unwrap().0.to_owned()
        };
        Keys::new(&element("AccessKeyId"), &element("SecretAccessKey"))
    }

    async fn stage(&self, policy: &Policy) {
        let host = DEMO_ISSUER.trim_start_matches("https://");
        let provider = [
            ("Action", "CreateOpenIDConnectProvider"),
            ("Version", "2010-05-08"),
            ("Url", DEMO_ISSUER),
            ("ClientIDList.member.1", "sts.amazonaws.com"),
            ("ThumbprintList.member.1", "0000000000000000000000000000000000000000"),
        ];
        http::query(self.upstream, &self.home.admin, "iam", &provider).await;
        let federated = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": { "Federated": format!("arn:aws:iam::{}:oidc-provider/{host}", self.home.id) },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": { format!("{host}:aud"): "sts.amazonaws.com" },
                "StringLike": { format!("{host}:sub"): "project_path:demo/web:ref_type:branch:ref:*" }
            }
        }] });
        let foreign = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{}:root", self.home.id) },
            "Action": "sts:AssumeRole",
            "Condition": { "StringEquals": { "sts:ExternalId": EXTERNAL_ID } }
        }] });
        let at_home = policy.clone().with("sts:AssumeRole");
        for (account, trust, policy) in [(&self.home, federated, &at_home), (&self.away, foreign, policy)] {
            self.role(account, "deploy", &trust).await;
            self.may(account, &policy.document(&account.id)).await;
            for role in ["web-task", "web-execution"] {
                self.role(account, role, &tasks()).await;
            }
            self.service(account).await;
        }
    }

    async fn role(&self, account: &Account, name: &str, trust: &Value) {
        let trust = trust.to_string();
        let create = [
            ("Action", "CreateRole"),
            ("Version", "2010-05-08"),
            ("RoleName", name),
            ("AssumeRolePolicyDocument", &trust),
        ];
        http::query(self.upstream, &account.admin, "iam", &create).await;
    }

    async fn may(&self, account: &Account, policy: &Value) {
        let policy = policy.to_string();
        let put = [
            ("Action", "PutRolePolicy"),
            ("Version", "2010-05-08"),
            ("RoleName", "deploy"),
            ("PolicyName", "deploy"),
            ("PolicyDocument", &policy),
        ];
        http::query(self.upstream, &account.admin, "iam", &put).await;
    }

    /// The cluster and the service of the demonstration world, as far as the server takes them.
    async fn service(&self, account: &Account) {
        let call = async |operation: &str, body: Value| {
            http::ecs(self.upstream, &account.admin, operation, &body).await;
        };
        call("CreateCluster", json!({ "clusterName": "demo" })).await;
        for document in &World::demo().account(DEMO_ACCOUNT).region(DEMO_REGION).task_definitions["web"] {
            let text = document.to_string().replace(DEMO_ACCOUNT, &account.id);
            call("RegisterTaskDefinition", serde_json::from_str(&text).unwrap()).await;
        }
        let service = json!({
            "cluster": "demo", "serviceName": "web", "taskDefinition": "web:2", "desiredCount": 2,
            "launchType": "FARGATE",
            "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0aaaaaaaaaaaaaaaa"] } }
        });
        call("CreateService", service).await;
    }

    /// From now on the wire does this.
    pub(crate) async fn rewire(&mut self, rule: impl Fn(&Seen<'_>) -> Act + Send + Sync + 'static) {
        self.wire = Wire::new(self.upstream, rule).await;
    }

    /// For real SDK clients that talk to the server itself.
    pub(crate) fn sdk(&self, keys: &Keys) -> SdkConfig {
        let url = format!("http://{}", self.upstream);
        let environment = Environment::from_pairs([("AWS_ENDPOINT_URL", url.as_str())]);
        let http = landfall::aws::http::client(&environment).unwrap();
        landfall::aws::config::builder(&environment, REGION, http)
            .credentials_provider(SharedCredentialsProvider::new(keys.credentials()))
            .build()
    }

    pub(crate) fn ecs(&self) -> aws_sdk_ecs::Client {
        aws_sdk_ecs::Client::new(&self.sdk(&self.home.admin))
    }

    pub(crate) fn sts(&self) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&self.sdk(&self.home.admin))
    }

    /// A token of a job that the role at home trusts.
    pub(crate) fn token(&self) -> String {
        self.simulator.oidc().token(Claims::gitlab("demo/web", "main"))
    }

    /// The binary with an empty environment but for region, endpoint and these keys.
    pub(crate) fn command(&self, keys: &Keys, arguments: &[&str]) -> Command {
        let mut command = bare(arguments);
        command
            .env("AWS_ENDPOINT_URL", self.wire.url())
            .env("AWS_ACCESS_KEY_ID", &keys.id)
            .env("AWS_SECRET_ACCESS_KEY", &keys.secret);
        if let Some(token) = &keys.token {
            command.env("AWS_SESSION_TOKEN", token);
        }
        command
    }

    /// The binary as a CI job runs it: a token, and the role at home.
    pub(crate) fn job(&self, token: &str, arguments: &[&str]) -> Command {
        let role = self.home.role();
        let oidc = ["--oidc-token-env", "DEPLOY_TOKEN", "--role-arn", &role];
        let mut command = bare(&[arguments, &oidc].concat());
        command.env("AWS_ENDPOINT_URL", self.wire.url()).env("DEPLOY_TOKEN", token);
        command
    }
}

/// The binary with an empty environment but for the region.
pub(crate) fn bare(arguments: &[&str]) -> Command {
    let mut command = Command::new(support::binary());
    command
        .env_clear()
        .env("AWS_REGION", REGION)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("HOME", Path::new("/nonexistent"))
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Who may use the roles of tasks.
fn tasks() -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole" }] })
}

fn account(id: &str, admin: Keys) -> Account {
    Account { id: id.to_owned(), admin }
}
