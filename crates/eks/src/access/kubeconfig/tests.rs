use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use landfall_aws::environment::Environment;
use landfall_core::context::Clock;
use landfall_core::{Error, ErrorKind, Place};

use super::super::sign_in::SignIn;
use super::{Kubeconfig, OUTSIDE, TokenSigner, Way};

const AUTHORITY: &str = include_str!("../../../../aws/src/http/testdata/public_test_authority.pem");
const CERTIFICATE: &str = include_str!("../../../../aws/src/http/testdata/public_test_server.pem");
const KEY: &str = include_str!("../../../../aws/src/http/testdata/public_test_server_key.pem");

/// As GitLab gives it to a job: its agents' clusters are behind one public address.
const GITLAB: &str = "\
apiVersion: v1
kind: Config
clusters:
- name: gitlab
  cluster: {server: 'https://kas.gitlab.com/k8s-proxy'}
users:
- name: agent:1
  user: {token: 'ci:1:canary-token'}
contexts:
- name: group/project:production
  context: {cluster: gitlab, user: 'agent:1', namespace: shop}
- name: group/project:staging
  context: {cluster: gitlab, user: 'agent:1'}
current-context: ''
";

fn place() -> Place {
    Place::new("aws", "111122223333", "eu-central-1")
}

fn choose(text: &str, context: Option<&str>) -> Result<Way, Error> {
    Kubeconfig::parse("config", text).unwrap().choose(Some(&place()), context)
}

/// A context `c` of cluster `k` and user `u`.
fn of(cluster: &str, user: &str) -> String {
    format!(
        "clusters: [{{name: k, cluster: {{{cluster}}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\n\
         contexts: [{{name: c, context: {{cluster: k, user: u}}}}]\ncurrent-context: c\n"
    )
}

fn told(cluster: &str, user: &str) -> String {
    let error = choose(&of(cluster, user), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    error.report()
}

const SERVER: &str = "server: 'https://x.example'";

#[test]
fn the_context_of_gitlabs_agent_is_a_way_in_and_its_token_is_not_shown() {
    let way = choose(GITLAB, Some("group/project:production")).unwrap();
    assert_eq!(
        (way.cluster.endpoint(), way.namespace.as_deref()),
        ("https://kas.gitlab.com/k8s-proxy", Some("shop"))
    );
    assert!(matches!(way.sign_in, SignIn::Token(_)));
    assert_eq!(way.place, place());
    let config = Kubeconfig::parse("config", GITLAB).unwrap();
    assert_eq!(config.namespace(Some("group/project:production")).unwrap(), Some("shop"));
    assert_eq!(config.namespace(Some("group/project:staging")).unwrap(), None);
    let empty = GITLAB.replace("namespace: shop", "namespace: ''");
    assert_eq!(choose(&empty, Some("group/project:production")).unwrap().namespace, None);
    let empty = Kubeconfig::parse("config", &empty).unwrap();
    assert_eq!(empty.namespace(Some("group/project:production")).unwrap(), None);
    assert_eq!(way.cluster.certificates().count(), 0, "the system's are trusted");
    assert!(!format!("{way:?} {:?}", Kubeconfig::parse("config", GITLAB)).contains("canary"), "{way:?}");
}

#[test]
fn clusters_of_which_nobody_says_where_they_are_are_told_apart_by_server_and_context() {
    let place = |context: &str| {
        Kubeconfig::parse("config", GITLAB).unwrap().choose(None, Some(context)).unwrap().place
    };
    let production = place("group/project:production");
    assert_eq!(production, Place::new(OUTSIDE, "kas.gitlab.com", "group/project:production"));
    assert_ne!(production, place("group/project:staging"), "one address and one name of the cluster");
}

#[test]
fn a_context_has_to_be_named_when_none_is_current_and_has_to_be_there() {
    let known = "contexts there: group/project:production, group/project:staging";
    let error = choose(GITLAB, None).unwrap_err();
    assert_eq!(error.message(), format!("config names no current context; {known}"));
    let error = choose(GITLAB, Some("group/project:stagin")).unwrap_err();
    assert_eq!(error.message(), format!("there is no context `group/project:stagin` in config; {known}"));
    assert_eq!(error.hint(), Some("did you mean `group/project:staging`?"));
}

#[test]
fn certificates_are_read_from_the_text_and_from_files_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("ca.pem", AUTHORITY), ("me.pem", CERTIFICATE), ("me.key", KEY)] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let file = folder.path().join("config");
    let user = "client-certificate: me.pem, client-key: me.key";
    std::fs::write(&file, of(&format!("{SERVER}, certificate-authority: ca.pem"), user)).unwrap();
    let way = Kubeconfig::read(&[&file]).unwrap().choose(Some(&place()), None).unwrap();
    assert!(matches!(way.sign_in, SignIn::Certificate(_)));
    assert_eq!(way.cluster.certificates().count(), 1);
    assert!(way.server().is_ok());
    let data = STANDARD.encode(AUTHORITY);
    let way =
        choose(&of(&format!("{SERVER}, certificate-authority-data: {data}"), "tokenFile: /run/token"), None);
    assert!(matches!(way.unwrap().sign_in, SignIn::TokenFile(_)));
}

#[test]
fn of_two_files_the_first_counts() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    std::fs::write(&one, of(SERVER, "token: a")).unwrap();
    std::fs::write(&two, of("server: 'https://other.example'", "token: b") + "---\n" + GITLAB).unwrap();
    let config = Kubeconfig::read(&[&one, &two]).unwrap();
    assert_eq!(config.choose(Some(&place()), None).unwrap().cluster.endpoint(), "https://x.example");
    assert_eq!(config.contexts().count(), 3);
}

#[test]
fn what_cannot_be_used_is_told_all_at_once() {
    let text = told(
        "server: 'http://x.example', insecure-skip-tls-verify: true, proxy-url: 'ftp://u:canary@p', tls-server-name: other.example",
        "token: ''",
    );
    for part in [
        "is not an address of https",
        "asks not to check",
        "proxy-url names a proxy of ftp, which is not spoken here",
        "does not know tls-server-name",
        "user `u` has neither a token",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("canary"), "{text}");
    let text = told("server: 'https://a b'", "token: a");
    assert!(text.contains("`https://a b`, is not an address of https"), "{text}");
    let text = told(&format!("{SERVER}, certificate-authority-data: '%'"), "token: a");
    assert!(text.contains("certificate-authority-data of `k` is not base64"), "{text}");
    let text = told(
        &format!("{SERVER}, certificate-authority: /nowhere/ca.pem"),
        "client-certificate: /nowhere/me.pem",
    );
    assert!(text.contains("/nowhere/ca.pem") && text.contains("/nowhere/me.pem"), "{text}");
}

#[test]
fn ways_to_sign_in_that_are_not_known_are_named() {
    for (user, part) in [
        (
            "exec: {command: gke-gcloud-auth-plugin}",
            "gets its token from the program `gke-gcloud-auth-plugin`",
        ),
        (
            "exec: {command: aws, args: [eks, get-token, --cluster-name, web, --endpoint-url, 'http://canary']}",
            "user `u` has aws run with --endpoint-url, which landfall does not do",
        ),
        (
            "exec: {command: aws, args: [eks, get-token, --cluster-name, web]}, as: canary",
            "acts as somebody else",
        ),
        ("auth-provider: {name: oidc}", "signs in by an auth-provider"),
        ("username: a, password: canary", "signs in by name and password"),
        ("token: canary, as: admin", "acts as somebody else"),
    ] {
        let text = told(SERVER, user);
        assert!(text.contains(part) && !text.contains("canary"), "{text}");
    }
}

/// As `aws eks update-kubeconfig` writes it.
const EKS: &str = "\
clusters:
- {name: 'arn:aws:eks:eu-west-1:111122223333:cluster/web', cluster: {server: 'https://x.example'}}
users:
- name: plain
  user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws,
    args: [--region, eu-west-1, eks, get-token, --cluster-name, web, --output, json]}}
- name: role
  user: {exec: {command: aws-iam-authenticator, args: [token, -i, web, -r, 'arn:aws:iam::111122223333:role/ci']}}
- name: profile
  user: {exec: {command: aws, args: [eks, get-token, --cluster-name, web], env: [{name: AWS_PROFILE, value: shop}]}}
contexts:
- {name: plain, context: {cluster: 'arn:aws:eks:eu-west-1:111122223333:cluster/web', user: plain}}
- {name: role, context: {cluster: 'arn:aws:eks:eu-west-1:111122223333:cluster/web', user: role}}
- {name: profile, context: {cluster: 'arn:aws:eks:eu-west-1:111122223333:cluster/web', user: profile}}
";

fn signer() -> TokenSigner {
    let credentials =
        Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None, None, "test");
    let config =
        SdkConfig::builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build();
    TokenSigner::new(&config, Clock::starting_at(Timestamp::from_second(1_790_000_000).unwrap()))
}

/// The address that the token of a way stands for.
async fn presigned(way: &Way) -> String {
    let SignIn::Eks(tokens) = &way.sign_in else { panic!("{way:?}") };
    let token = tokens.token().await.unwrap();
    let encoded = token.expose().strip_prefix("k8s-aws-v1.").unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
}

#[tokio::test]
async fn what_aws_eks_get_token_would_make_is_signed_here_for_the_cluster_and_region_that_it_names() {
    let kubeconfig = Kubeconfig::parse("config", EKS).unwrap().signed_by(signer());
    let way = kubeconfig.choose(Some(&place()), Some("plain")).unwrap();
    assert_eq!((way.cluster.name(), way.cluster.token_name()), ("web", "web"));
    let url = presigned(&way).await;
    assert!(url.starts_with("https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&"), "{url}");
    // The signature binds it to the cluster: another name gives another.
    let other = Kubeconfig::parse("config", &EKS.replace("cluster-name, web", "cluster-name, shop"));
    let other = other.unwrap().signed_by(signer()).choose(Some(&place()), Some("plain")).unwrap();
    assert_ne!(presigned(&other).await, url);
    assert_eq!(other.cluster.name(), "shop");
}

#[tokio::test]
async fn a_role_or_profile_of_the_kubeconfig_has_to_be_that_of_the_credentials() {
    let role = "arn:aws:iam::111122223333:role/ci";
    let kubeconfig = Kubeconfig::parse("config", EKS).unwrap();
    assert_eq!(kubeconfig.eks_token(Some("role")).unwrap().unwrap().role.as_deref(), Some(role));
    let refused = |signer: Option<TokenSigner>, context: &str| {
        let kubeconfig = match signer {
            Some(signer) => kubeconfig.clone().signed_by(signer),
            None => kubeconfig.clone(),
        };
        kubeconfig.choose(Some(&place()), Some(context)).unwrap_err().report()
    };
    let told = refused(Some(signer()), "role");
    assert!(
        told.contains(&format!(
            "wants its tokens signed by {role}, and the credentials are not those of a role"
        )),
        "{told}"
    );
    assert!(told.contains(&format!("(--role-arn {role})")), "{told}");
    let told = refused(Some(signer().of_role("arn:aws:iam::111122223333:role/other")), "role");
    assert!(told.contains("the credentials are those of arn:aws:iam::111122223333:role/other"), "{told}");
    let told = refused(Some(signer()), "profile");
    assert!(told.contains("with the profile shop") && told.contains("AWS_PROFILE=shop"), "{told}");
    let told = refused(None, "plain");
    assert!(
        told.contains("signs in to EKS cluster web with credentials of AWS, and there are none"),
        "{told}"
    );
    let nobody = TokenSigner::new(&SdkConfig::builder().build(), Clock::start());
    let told = refused(Some(nobody), "plain");
    assert!(told.contains("there are no credentials to sign in to cluster web with"), "{told}");

    let way =
        kubeconfig.clone().signed_by(signer().of_role(role)).choose(Some(&place()), Some("role")).unwrap();
    let url = presigned(&way).await;
    assert!(url.starts_with("https://sts.eu-central-1.amazonaws.com/"), "the place's region: {url}");
    let refused =
        kubeconfig.clone().signed_by(signer().of_role(role)).choose(None, Some("role")).unwrap_err();
    assert!(refused.report().contains("names no region for its tokens"), "{}", refused.report());
    let way = kubeconfig.signed_by(signer().of_profile("shop")).choose(Some(&place()), Some("profile"));
    assert!(matches!(way.unwrap().sign_in, SignIn::Eks(_)));
}

#[test]
fn the_proxy_of_a_kubeconfig_goes_before_that_of_the_environment() {
    let environment = Environment::from_pairs([("HTTPS_PROXY", "http://other:1")]);
    let proxied = |cluster: &str| {
        let way = choose(&of(cluster, "token: a"), None).unwrap();
        way.through_proxy_of(&environment).unwrap().cluster.proxy().unwrap().to_string()
    };
    assert_eq!(
        proxied(&format!("{SERVER}, proxy-url: 'socks5://u:canary@p'")),
        "socks5://p:1080 (proxy-url)"
    );
    assert_eq!(proxied(SERVER), "http://other:1 (HTTPS_PROXY)");
}

#[test]
fn what_is_no_kubeconfig_is_told_without_its_content() {
    for text in
        ["kind: Secret\ndata: {a: canary}", "[canary]", "users: [{name: u, user: {token: {canary: 1}}}]"]
    {
        let error = Kubeconfig::parse("config", text).unwrap_err();
        assert!(
            error.report().contains("config does not have the form of a kubeconfig"),
            "{}",
            error.report()
        );
        assert!(!error.report().contains("canary"), "{}", error.report());
    }
    let error = Kubeconfig::read(&["/nowhere/config"]).unwrap_err();
    assert!(error.report().contains("/nowhere/config cannot be read"), "{}", error.report());
}
