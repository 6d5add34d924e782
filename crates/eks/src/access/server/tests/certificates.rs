//! Certificates made for a test: those of servers with names, and those of clients.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use landfall_core::{ErrorKind, Place};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::{OK, Script, counting, request};
use crate::access::Kubeconfig;
use crate::scripted::AUTHORITY;

const SERVER: &[u8] = include_bytes!("../../../../../aws/src/http/testdata/public_test_server.pem");
const SERVER_KEY: &[u8] = include_bytes!("../../../../../aws/src/http/testdata/public_test_server_key.pem");

/// An authority that signs for tests.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, "an authority of tests");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its key, PEM.
    fn sign(&self, names: &[&str], usage: ExtendedKeyUsagePurpose) -> (String, String) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut parameters = CertificateParams::new(names).unwrap();
        parameters.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        (parameters.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// The side of TLS of a server of this name.
    pub(super) fn server(&self, name: &str) -> TlsAcceptor {
        let (certificate, key) = self.sign(&[name], ExtendedKeyUsagePurpose::ServerAuth);
        let config = builder().with_no_client_auth();
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()))
    }

    /// That of a server at 127.0.0.1 that wants to see a certificate of this authority's.
    fn demanding(&self) -> TlsAcceptor {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let chain = CertificateDer::pem_slice_iter(SERVER).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(SERVER_KEY).unwrap();
        let config = builder().with_client_cert_verifier(verifier).with_single_cert(chain, key);
        TlsAcceptor::from(Arc::new(config.unwrap()))
    }
}

fn builder() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap()
}

/// A server of the kubeconfig's whose user is described like this.
fn kubeconfig(server: &str, user: &str) -> Kubeconfig {
    let text = format!(
        "clusters: [{{name: k, cluster: {{server: '{server}', certificate-authority-data: {}}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}]\ncontexts: [{{name: c, context: {{cluster: k, user: u}}}}]\n\
         current-context: c\n",
        STANDARD.encode(AUTHORITY)
    );
    Kubeconfig::parse("config", &text).unwrap()
}

async fn asked(script: &Script, user: &str) -> Result<StatusCode, landfall_core::Error> {
    let place = Place::new("aws", "111122223333", "eu-central-1");
    let way = kubeconfig(&script.address, user).choose(Some(&place), None).unwrap();
    let (cx, _) = counting();
    way.server().unwrap().send(&cx, request(Method::GET)).await.map(|answer| answer.status())
}

#[tokio::test]
async fn a_server_that_demands_a_certificate_gets_that_of_the_kubeconfig() {
    let authority = Authority::new();
    let (certificate, key) = authority.sign(&[], ExtendedKeyUsagePurpose::ClientAuth);
    let script = Script::behind(authority.demanding(), vec![OK]).await;
    let user = format!(
        "client-certificate-data: {}, client-key-data: {}",
        STANDARD.encode(certificate),
        STANDARD.encode(key)
    );
    assert_eq!(asked(&script, &user).await.unwrap(), StatusCode::OK);
    assert!(!script.heads()[0].contains("authorization"), "{:?}", script.heads());
}

#[tokio::test]
async fn a_certificate_that_the_server_does_not_take_is_told_as_such() {
    let script = Script::behind(Authority::new().demanding(), vec![OK]).await;
    let (certificate, key) = Authority::new().sign(&[], ExtendedKeyUsagePurpose::ClientAuth);
    let strange = format!(
        "client-certificate-data: {}, client-key-data: {}",
        STANDARD.encode(certificate),
        STANDARD.encode(key)
    );
    for (user, advice) in [
        (strange.as_str(), "the certificate of the kubeconfig is not one of cluster k, or has expired"),
        ("token: a", "signs in by a token: use a kubeconfig with client-certificate and client-key"),
    ] {
        let error = asked(&script, user).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth, "{}", error.report());
        assert!(
            error.message().starts_with("the API server of cluster k does not take our certificate: "),
            "{error}"
        );
        assert!(error.hint().unwrap().contains(advice), "{}", error.report());
    }
    assert!(script.heads().is_empty());
}
