//! `eks`: the way into the cluster, and what is told when there is none.

use std::time::Duration;

use jiff::SignedDuration;
use landfall::context::Clock;
use landfall::eks::access::TokenSource;
use landfall_simulator::{DEMO_EKS_CLUSTER, DEMO_REGION};
use tokio::process::Command;

use crate::eks::{Shop, tells};
use crate::support::run;

impl Shop {
    /// A kubeconfig as GitLab gives it to a job: its token is one that this cluster takes.
    pub(crate) async fn kubeconfig(&self, namespace: &str) -> String {
        let config = self.cloud.simulator.sdk_config();
        let clock = Clock::start();
        let source =
            TokenSource::new(&config, DEMO_REGION, DEMO_EKS_CLUSTER, clock, SignedDuration::ZERO).unwrap();
        let token = source.token().await.unwrap();
        self.write("ca.pem", self.server.authority());
        let text = format!(
            "apiVersion: v1\nkind: Config\n\
             clusters: [{{name: gitlab, cluster: {{server: '{}', certificate-authority: ca.pem}}}}]\n\
             users: [{{name: agent, user: {{token: '{}'}}}}]\n\
             contexts: [{{name: 'group/project:production', context: {{cluster: gitlab, user: agent, namespace: {namespace}}}}}]\n\
             current-context: ''\n",
            self.server.url(),
            token.expose(),
        );
        self.write("config", &text);
        self.folder.path().join("config").to_str().unwrap().to_owned()
    }

    /// A kubeconfig as `aws eks update-kubeconfig` writes it, with more arguments for its program.
    fn kubeconfig_of_eks(&self, more: &str) -> String {
        self.write("ca.pem", self.server.authority());
        let arguments =
            format!("--region, {DEMO_REGION}, eks, get-token, --cluster-name, {DEMO_EKS_CLUSTER}{more}");
        let text = format!(
            "apiVersion: v1\nkind: Config\n\
             clusters: [{{name: 'arn', cluster: {{server: '{}', certificate-authority: ca.pem}}}}]\n\
             users: [{{name: 'arn', user: {{exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: aws, \
             args: [{arguments}]}}}}}}]\n\
             contexts: [{{name: 'arn', context: {{cluster: 'arn', user: 'arn'}}}}]\ncurrent-context: 'arn'\n",
            self.server.url(),
        );
        self.write("config", &text);
        self.folder.path().join("config").to_str().unwrap().to_owned()
    }

    /// Calls of AWS's own services.
    fn of_aws(&self) -> usize {
        self.cloud.simulator.calls().iter().filter(|call| call.service != "kubernetes").count()
    }

    /// Without anything of AWS in the environment.
    pub(crate) fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = self.cloud.bare(arguments);
        command.env_remove("AWS_ENDPOINT_URL").current_dir(self.folder.path());
        command
    }
}

const AGENT: [&str; 5] = ["eks", "--context", "group/project:production", "--manifests", "shop"];

#[tokio::test]
async fn a_kubeconfig_is_enough_and_aws_is_not_asked() {
    let shop = Shop::new("good").await;
    let config = shop.kubeconfig("default").await;
    let journal = ["--journal", "journal", "--run-id", "shop/1"];
    let mut command = shop.bare(&[&AGENT[..], &journal].concat());
    // What does not exist is left out, as kubectl does.
    command.env("KUBECONFIG", format!("/nonexistent/config:{config}"));
    let ran = run(command).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let address = shop.server.address().to_string();
    let words = ["group/project:production", &address, "eks-release gitlab/default/shop", "SUCCEEDED"];
    tells(&ran, &words);
    assert!(shop.image().is_some() && shop.of_aws() == 0);
    let ran = run(shop.bare(&["runs", "--journal", "journal"])).await;
    let place = format!("eks-release gitlab/default/shop in {address} group/project:production");
    assert!(ran.code == 0 && ran.stdout.contains(&place), "{}", ran.told());
    // The journal knows the context.
    let ran = run(shop.bare(&["revert", "shop/1", "--journal", "journal", "--kubeconfig", &config])).await;
    assert!(ran.code == 0 && shop.image().is_none(), "{}", ran.told());
    assert_eq!(shop.of_aws(), 0);
}

#[tokio::test]
async fn tokens_that_a_kubeconfig_has_a_program_make_are_signed_with_the_credentials_of_aws() {
    let shop = Shop::new("good").await;
    let config = shop.kubeconfig_of_eks("");
    let run_of = |arguments: &[&str], signed_in: bool| {
        let mut command = if signed_in { shop.cloud.command(arguments) } else { shop.cloud.bare(arguments) };
        // The kubeconfig names the region.
        command.env_remove("AWS_REGION").env("KUBECONFIG", &config).current_dir(shop.folder.path());
        run(command)
    };
    let what = ["eks", "--manifests", "shop", "--journal", "journal", "--run-id", "shop/1"];
    let ran = run_of(&what, false).await;
    assert_eq!((ran.code, shop.image()), (7, None), "{}", ran.told());
    let ran = run_of(&what, true).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    tells(
        &ran,
        &["signed in", "by the kubeconfig's context arn", "eks-release demo/default/shop", "SUCCEEDED"],
    );
    assert_eq!(shop.cloud.simulator.count("eks", "DescribeCluster"), 0);
    let ran = run_of(&["revert", "shop/1", "--journal", "journal"], true).await;
    assert!(ran.code == 0 && shop.image().is_none(), "{}", ran.told());
    let config = shop.kubeconfig_of_eks(", --role-arn, 'arn:aws:iam::111122223333:role/deploy'");
    let mut command = shop.cloud.command(&["eks", "--manifests", "shop", "--kubeconfig", &config]);
    command.current_dir(shop.folder.path());
    let ran = run(command).await;
    assert_eq!((ran.code, shop.image()), (2, None), "{}", ran.told());
    tells(&ran, &["wants its tokens signed by arn:aws:iam::111122223333:role/deploy", "--role-arn"]);
}

#[tokio::test]
async fn an_undo_without_the_kubeconfig_says_which_context_it_needs() {
    let shop = Shop::new("good").await;
    let config = shop.kubeconfig("default").await;
    let journal = ["--journal", "journal", "--run-id", "shop/1", "--kubeconfig", &config];
    let ran = run(shop.bare(&[&AGENT[..], &journal].concat())).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let ran = run(shop.bare(&["revert", "shop/1", "--journal", "journal"])).await;
    assert_eq!(ran.code, 2, "{}", ran.told());
    tells(&ran, &["the context group/project:production of a kubeconfig, and none is given", "KUBECONFIG"]);
    assert!(shop.image().is_some());
}

#[tokio::test]
async fn the_namespace_of_the_context_is_that_of_the_release() {
    let shop = Shop::new("good").await;
    shop.apply_as(
        "admin",
        "/api/v1/namespaces/blue",
        &serde_json::json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "blue" } }),
    )
    .await;
    let config = shop.kubeconfig("blue").await;
    let ran = run(shop.bare(&[&AGENT[..], &["--kubeconfig", &config]].concat())).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    tells(&ran, &["release: blue/shop"]);
    assert!(shop.kubernetes.object("/apis/apps/v1/namespaces/blue/deployments/front").is_some());
}

#[tokio::test]
async fn flags_that_name_two_clusters_or_none_or_do_nothing_are_told_before_anything_is_sent() {
    let shop = Shop::new("good").await;
    let config = shop.kubeconfig("default").await;
    let rows: [(&[&str], &[&str]); 6] = [
        (&["--cluster", "demo", "--kubeconfig", &config], &["name two clusters"]),
        (&[], &["no cluster is named", "--kubeconfig", "KUBECONFIG"]),
        (&["--context", "production"], &["no kubeconfig that it could be in"]),
        (&["--cluster", ""], &["--cluster is empty"]),
        (&["--kubeconfig", &config, "--context", "staging"], &["contexts there: group/project:production"]),
        (
            &[
                "--kubeconfig",
                &config,
                "--context",
                "group/project:production",
                "--expected-account",
                "111122223333",
                "--role-arn",
                "arn:aws:iam::111122223333:role/deploy",
            ],
            &["--role-arn, --expected-account would do nothing"],
        ),
    ];
    for (arguments, words) in rows {
        let what = ["eks", "--manifests", "shop", "--timeout", "soon"];
        let ran = run(shop.bare(&[&what[..], arguments].concat())).await;
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.told());
        tells(&ran, &[words, &["--timeout"]].concat());
    }
    assert!(shop.kubernetes.requests().is_empty() && shop.cloud.simulator.calls().is_empty());
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_told_with_those_that_are() {
    let shop = Shop::new("good").await;
    let what = ["eks", "--cluster", "dmeo", "--manifests", "shop"];
    let mut command = shop.cloud.command(&what);
    command.current_dir(shop.folder.path());
    let ran = run(command).await;
    assert_eq!(ran.code, 1, "{}", ran.told());
    tells(
        &ran,
        &["there is no EKS cluster `dmeo` in account 111122223333 eu-central-1; clusters there: demo"],
    );
}

#[tokio::test]
async fn a_role_without_an_access_entry_is_told_how_to_get_one() {
    let shop = Shop::new("kubernetes-not-mapped").await;
    let ran = run(shop.deploy(&[])).await;
    assert_eq!((ran.code, shop.image()), (7, None), "{}", ran.told());
    tells(&ran, &["does not know who we are (HTTP 401)", "aws eks create-access-entry --cluster-name demo"]);
}

#[tokio::test]
async fn what_rbac_does_not_allow_is_told_with_the_rule_that_would() {
    let shop = Shop::new("kubernetes-denied").await;
    let ran = run(shop.deploy(&[])).await;
    assert_eq!((ran.code, shop.image()), (1, None), "{}", ran.told());
    tells(&ran, &["deployments", "apiGroups: [\"apps\"]", "patch"]);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told_with_its_address() {
    let shop = Shop::new("good").await;
    let config = shop.kubeconfig("default").await;
    let Shop { server, .. } = &shop;
    let text = std::fs::read_to_string(&config).unwrap().replace(&server.url(), "https://127.0.0.1:9");
    std::fs::write(&config, text).unwrap();
    let ran = run(shop.bare(&[&AGENT[..], &["--kubeconfig", &config]].concat()));
    let ran = tokio::time::timeout(Duration::from_secs(30), ran).await.unwrap();
    assert_eq!(ran.code, 1, "{}", ran.told());
    tells(&ran, &["https://127.0.0.1:9, cannot be reached"]);
}
