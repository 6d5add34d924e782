//! The server's certificate, made when it starts: an authority of its own, and a certificate signed by it.
//!
//! Two, and not one that signs itself: rustls takes no authority's certificate for a server's.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyIdMethod,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SerialNumber, SignatureAlgorithm, SigningKey,
};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What a TLS server needs, and what its clients trust.
pub(super) struct Certificates {
    /// PEM.
    pub(super) authority: String,
    pub(super) server: CertificateDer<'static>,
    pub(super) key: PrivateKeyDer<'static>,
}

struct Key {
    pair: EcdsaKeyPair,
    pkcs8: Vec<u8>,
}

impl Key {
    fn new() -> io::Result<Self> {
        let random = SystemRandom::new();
        let failed = || io::Error::other("no key can be made");
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).map_err(|_| failed())?;
        let pkcs8 = document.as_ref().to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8, &random)
            .map_err(|_| failed())?;
        Ok(Self { pair, pkcs8 })
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature = self.pair.sign(&SystemRandom::new(), message);
        signature.map(|signature| signature.as_ref().to_vec()).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// Certificates for 127.0.0.1, good for as long as anybody waits.
pub(super) fn make() -> io::Result<Certificates> {
    let failed = io::Error::other::<rcgen::Error>;
    let (authority_key, server_key) = (Key::new()?, Key::new()?);
    let mut authority = named("kubernetes", 1, Vec::new()).map_err(failed)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let authority_certificate = authority.self_signed(&authority_key).map_err(failed)?;
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned(), "kubernetes.default.svc".to_owned()];
    let server = named("kube-apiserver", 2, names).map_err(failed)?;
    let issuer = Issuer::new(authority, authority_key);
    let server = server.signed_by(&server_key, &issuer).map_err(failed)?;
    Ok(Certificates {
        authority: pem(authority_certificate.der()),
        server: server.der().clone(),
        key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.pkcs8)),
    })
}

fn named(name: &str, serial: u8, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(names)?;
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    parameters.distinguished_name = distinguished;
    parameters.serial_number = Some(SerialNumber::from(vec![serial]));
    parameters.key_identifier_method = KeyIdMethod::PreSpecified(vec![serial; 20]);
    Ok(parameters)
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}
