//! What the entries of a kubeconfig come to.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_aws::bounded::read_text;
use landfall_core::{Cause, Place};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::SecretString;

use super::Entry;
use super::entry::{ClusterEntry, UserEntry};
use crate::access::cluster::is_https;
use crate::access::sign_in::{ClientCertificate, SignIn};
use crate::access::{Cluster, Proxy};

/// Bytes of a file that a kubeconfig names, or of a kubeconfig: certificates and keys take kilobytes.
pub(super) const LARGEST_FILE: usize = 4 * 1024 * 1024;

pub(super) fn problem(field: &str, message: String) -> Cause {
    Cause::invalid(field, message)
}

/// What stands in the file itself, behind base64, or in another file.
fn content<T>(
    entry: &Entry<T>,
    field: &str,
    data: &str,
    file: &str,
    problems: &mut Vec<Cause>,
) -> Option<Vec<u8>> {
    if !data.is_empty() {
        let decoded = STANDARD.decode(data.trim());
        if decoded.is_err() {
            problems.push(problem(field, format!("{field}-data of `{}` is not base64", entry.name)));
        }
        return decoded.ok();
    }
    if file.is_empty() {
        return None;
    }
    let path = entry.folder.join(file);
    let read = read_text(&path, LARGEST_FILE).map(String::into_bytes);
    if let Err(error) = &read {
        problems.push(problem(field, format!("{field} of `{}`, {}: {error}", entry.name, path.display())));
    }
    read.ok()
}

/// Where the cluster is, and whom to trust as its server.
pub(super) fn cluster_of(
    place: &Place,
    entry: &Entry<ClusterEntry>,
    problems: &mut Vec<Cause>,
) -> Option<Cluster> {
    let (found, name, wanted) = (problems.len(), &entry.name, &entry.value);
    if !is_https(&wanted.server) {
        let message = format!("server of `{name}`, `{}`, is not an address of https", wanted.server);
        problems.push(problem("server", message));
    }
    if wanted.insecure_skip_tls_verify {
        let message = format!(
            "`{name}` asks not to check the server's certificate, and whoever answers would get our token"
        );
        problems.push(
            problem("insecure-skip-tls-verify", message).with_hint("give its certificate-authority instead"),
        );
    }
    if !wanted.tls_server_name.is_empty() {
        let message = format!("landfall does not know tls-server-name, which `{name}` sets");
        problems.push(problem("tls-server-name", message));
    }
    let proxy = (!wanted.proxy_url.is_empty()).then(|| Proxy::parse("proxy-url", &wanted.proxy_url));
    let proxy = proxy.and_then(|read| read.map_err(|cause| problems.push(*cause)).ok());
    let field = "certificate-authority";
    let data = &wanted.certificate_authority_data;
    let pem = content(entry, field, data, &wanted.certificate_authority, problems);
    let certificates: Vec<CertificateDer<'static>> =
        pem.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem).flatten()).collect();
    if pem.is_some() && certificates.is_empty() {
        problems.push(problem(field, format!("there is no certificate in {field} of `{name}` (PEM)")));
    }
    if problems.len() > found {
        return None;
    }
    let cluster = Cluster::of_kubeconfig(place, name, &wanted.server, certificates);
    Some(match proxy {
        Some(proxy) => cluster.through_proxy(proxy),
        None => cluster,
    })
}

/// How a user signs in who needs no program for that.
pub(super) fn sign_in_of(entry: &Entry<UserEntry>, problems: &mut Vec<Cause>) -> Option<SignIn> {
    let (name, wanted) = (&entry.name, &entry.value);
    if let Some(why) = wanted.unknown_way() {
        let cause = problem("user", format!("user `{name}` {why}, which landfall does not do"));
        problems.push(cause.with_hint("use a kubeconfig with a token, a token file or a client certificate"));
        return None;
    }
    if !wanted.token_file.is_empty() {
        return Some(SignIn::TokenFile(entry.folder.join(&wanted.token_file)));
    }
    if !wanted.token.is_empty() {
        return Some(SignIn::Token(SecretString::from(wanted.token.as_str())));
    }
    let found = problems.len();
    let (certificate, key) = ("client-certificate", "client-key");
    let chain =
        content(entry, certificate, &wanted.client_certificate_data, &wanted.client_certificate, problems);
    let secret = content(entry, key, &wanted.client_key_data, &wanted.client_key, problems);
    let chain: Vec<CertificateDer<'static>> =
        chain.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem).flatten()).collect();
    let secret = secret.and_then(|pem| PrivateKeyDer::from_pem_slice(&pem).ok());
    match secret {
        Some(key) if !chain.is_empty() => {
            Some(SignIn::Certificate(Arc::new(ClientCertificate { chain, key })))
        }
        _ => {
            if problems.len() == found {
                let message =
                    format!("user `{name}` has neither a token nor a certificate with its key (PEM)");
                problems.push(problem("user", message));
            }
            None
        }
    }
}
