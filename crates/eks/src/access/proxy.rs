//! A proxy between here and the API server.

use std::fmt;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use landfall_aws::environment::Environment;
use landfall_aws::http::{bare_url, bundle};
use landfall_aws::proxy;
use landfall_core::{Cause, Error, Result};
use rustls::pki_types::CertificateDer;

/// What is spoken to proxies: HTTP's CONNECT, over TLS with `https`, and SOCKS 5, which is given the server's name with
/// either of its schemes.
const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// The port of SOCKS (RFC 1928).
const SOCKS_PORT: u16 = 1080;

/// A proxy that the API server is reached through. `Display` and `Debug` show its address without user and password, and
/// who named it.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// `HTTPS_PROXY`, `proxy-url of the kubeconfig`.
    named_by: String,
    /// May hold a password.
    address: String,
    /// What the proxy's own certificate has to be signed by, when it has one; empty: by one that the system trusts.
    certificates: Vec<CertificateDer<'static>>,
}

impl Proxy {
    /// The proxy at an address: `http://`, `https://`, `socks5://` or `socks5h://`, or without any of these one of http;
    /// with user and password where it wants them. `named_by` is the variable or the field that it stands in.
    ///
    /// # Errors
    /// The problem of the address, which is not shown: it may hold a password.
    pub fn parse(named_by: &str, address: &str) -> Result<Self, Box<Cause>> {
        let mut address = proxy::with_scheme(address.trim());
        let problem = |what: &str| {
            let cause = Cause::invalid(named_by, format!("{named_by} {what}"));
            Box::new(cause.with_hint(format!(
                "write {named_by} like http://proxy.example.com:3128, https://proxy.example.com or \
                 socks5://proxy.example.com:1080; with a password http://user:password@..., its special characters as %40"
            )))
        };
        let Ok(uri) = address.parse::<Uri>() else { return Err(problem("is not the address of a proxy")) };
        let scheme = uri.scheme_str().unwrap_or_default();
        if !SCHEMES.contains(&scheme) {
            return Err(problem(&format!("names a proxy of {scheme}, which is not spoken here")));
        }
        let (Some(host), Some(authority)) = (uri.host().filter(|host| !host.is_empty()), uri.authority())
        else {
            return Err(problem("is not the address of a proxy"));
        };
        if scheme.starts_with("socks") && uri.port().is_none() {
            let user = authority.as_str().rsplit_once('@').map_or("", |(user, _)| user);
            let at = if user.is_empty() { "" } else { "@" };
            address = format!("{scheme}://{user}{at}{host}:{SOCKS_PORT}");
        }
        let proxy = Self { named_by: named_by.to_owned(), address, certificates: Vec::new() };
        match proxy.intercept() {
            Some(_) => Ok(proxy),
            None => Err(problem("is not the address of a proxy")),
        }
    }

    /// The proxy that the environment names for this address, by the rules of [`landfall_aws::proxy`]; none when it is to be
    /// reached directly.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] for what is not the address of a proxy, and a bundle of certificates that
    /// cannot be read.
    pub fn of_environment(environment: &Environment, endpoint: &str) -> Result<Option<Self>> {
        let Some(named) = proxy::for_https(environment) else { return Ok(None) };
        let mut problems = Vec::new();
        let read = Self::parse(named.variable, &named.address).map_err(|cause| problems.push(*cause));
        let trusted = bundle(environment).map_err(|cause| problems.push(*cause));
        Error::all("the proxy cannot be used", problems)?;
        let (Ok(proxy), Ok(trusted), Ok(endpoint)) = (read, trusted, endpoint.parse::<Uri>()) else {
            return Ok(None);
        };
        let rules = Matcher::builder().https(&proxy.address).no(&named.direct).build();
        let certificates = trusted.unwrap_or_default();
        Ok(rules.intercept(&endpoint).map(|_| Self { certificates, ..proxy }))
    }

    /// The variable or field that names it.
    #[must_use]
    pub fn named_by(&self) -> &str {
        &self.named_by
    }

    /// Its address and credentials apart.
    pub(super) fn intercept(&self) -> Option<Intercept> {
        let rules = Matcher::builder().all(&self.address).build();
        rules.intercept(&Uri::from_static("https://cluster.invalid/"))
    }

    /// The certificates that its own has to be signed by; none: one of those that the system trusts.
    pub(super) fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// What to do when a server cannot be reached through it.
    pub(super) fn advice(&self, server: &str) -> String {
        let name = &self.named_by;
        let around = match name.ends_with("_PROXY") || name.ends_with("_proxy") {
            true => "a server that is reached without it belongs into NO_PROXY".to_owned(),
            false => format!("a cluster that is reached without it has no {name}"),
        };
        format!(
            "check that the proxy runs, that it opens connections to {server} (CONNECT), that it does not open their TLS, \
             and that {name} holds user and password if it wants any; {around}"
        )
    }
}

/// `http://proxy.example.com:3128 (HTTPS_PROXY)`.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", bare_url(&self.address).trim_end_matches('/'), self.named_by)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::{Environment, Proxy};

    #[test]
    fn what_is_spoken_is_taken_and_its_password_is_not_shown() {
        for (address, uri, shown) in [
            ("proxy:3128", "http://proxy:3128/", "http://proxy:3128 (p)"),
            ("https://me:canary%40@proxy/x", "https://proxy/", "https://proxy/x (p)"),
            ("socks5://me:canary@proxy", "socks5://proxy:1080/", "socks5://proxy:1080 (p)"),
            ("socks5h://[::1]:9", "socks5h://[::1]:9/", "socks5h://[::1]:9 (p)"),
        ] {
            let proxy = Proxy::parse("p", address).unwrap();
            assert_eq!(proxy.intercept().unwrap().uri(), uri);
            assert_eq!(format!("{proxy}"), shown);
            assert!(!format!("{proxy:?}").contains("canary"));
        }
        let without_port = Proxy::parse("p", "socks5://me:canary@proxy").unwrap().intercept().unwrap();
        assert_eq!(without_port.raw_auth(), Some(("me", "canary")));
    }

    #[test]
    fn what_is_no_proxy_is_told_without_its_text() {
        for (address, why) in [
            ("http://", "p is not the address of a proxy"),
            ("http://canary word", "p is not the address of a proxy"),
            ("http://user:canary@", "p is not the address of a proxy"),
            ("ftp://user:canary@proxy", "p names a proxy of ftp, which is not spoken here"),
            ("socks4://proxy", "p names a proxy of socks4, which is not spoken here"),
        ] {
            let cause = Proxy::parse("p", address).unwrap_err();
            assert_eq!(cause.message, why, "{address}");
            assert!(!cause.report().contains("canary"), "{address}");
        }
    }

    #[test]
    fn the_environments_proxy_serves_the_servers_that_no_proxy_does_not_name() {
        let of = |pairs: &[(&str, &str)], endpoint: &str| {
            let environment = Environment::from_pairs(pairs.iter().copied());
            Proxy::of_environment(&environment, endpoint).unwrap().map(|proxy| proxy.to_string())
        };
        let far = "https://0123.gr7.eu-central-1.eks.amazonaws.com";
        let proxy = ("HTTPS_PROXY", "http://u:p@proxy:1");
        assert_eq!(of(&[proxy], far).as_deref(), Some("http://proxy:1 (HTTPS_PROXY)"));
        assert_eq!(
            of(&[("ALL_PROXY", "socks5://proxy")], far).as_deref(),
            Some("socks5://proxy:1080 (ALL_PROXY)")
        );
        assert_eq!(of(&[proxy, ("NO_PROXY", "example.com,.eks.amazonaws.com")], far), None);
        assert_eq!(of(&[proxy, ("NO_PROXY", "10.0.0.0/8")], "https://10.1.2.3:6443"), None);
        assert_eq!(of(&[proxy], "https://127.0.0.1:6443"), None, "this machine is never far");
        assert_eq!(of(&[("HTTP_PROXY", "http://proxy:1")], far), None);
        let environment =
            Environment::from_pairs([("HTTPS_PROXY", "ftp://canary"), ("AWS_CA_BUNDLE", "/nowhere")]);
        let error = Proxy::of_environment(&environment, far).unwrap_err();
        assert_eq!(error.causes().len(), 2, "{}", error.report());
        assert!(!error.report().contains("canary"), "{}", error.report());
    }
}
