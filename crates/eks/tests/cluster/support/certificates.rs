//! Keys and certificates of one control plane.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

/// What the serving certificate is good for: the loopback address, and the `kubernetes` Service of the cluster.
const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "10.96.0.1"];

/// Where they are.
#[derive(Debug)]
pub(super) struct Certificates {
    /// The authority's certificate, PEM.
    pub(super) authority: String,
    pub(super) authority_file: PathBuf,
    pub(super) server_file: PathBuf,
    pub(super) server_key_file: PathBuf,
    /// The key that tokens of service accounts are signed with.
    pub(super) accounts_key_file: PathBuf,
    pub(super) accounts_public_file: PathBuf,
}

impl Certificates {
    /// Makes new ones and writes them into the folder.
    pub(super) fn write(folder: &Path) -> Result<Self, String> {
        let unmade = |error: rcgen::Error| format!("a certificate cannot be made: {error}");
        let issuer = authority().map_err(unmade)?;
        let (server, server_key) = server(&issuer).map_err(unmade)?;
        let accounts = KeyPair::generate().map_err(unmade)?;
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).map(|()| path).map_err(|error| format!("{name}: {error}"))
        };
        let authority = issuer.pem();
        Ok(Self {
            authority_file: file("authority.pem", &authority)?,
            authority,
            server_file: file("server.pem", &server)?,
            server_key_file: file("server-key.pem", &server_key)?,
            accounts_key_file: file("accounts-key.pem", &accounts.serialize_pem())?,
            accounts_public_file: file("accounts.pem", &accounts.public_key_pem())?,
        })
    }
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut parameters = named("authority of landfall's tests", &[])?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)
}

/// The serving certificate and its key, PEM. It is no authority's: rustls takes no such certificate from a server.
fn server(issuer: &CertifiedIssuer<'static, KeyPair>) -> Result<(String, String), rcgen::Error> {
    let mut parameters = named("kube-apiserver", &NAMES)?;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    Ok((parameters.signed_by(&key, issuer)?.pem(), key.serialize_pem()))
}

fn named(name: &str, good_for: &[&str]) -> Result<CertificateParams, rcgen::Error> {
    let good_for: Vec<String> = good_for.iter().map(ToString::to_string).collect();
    let mut parameters = CertificateParams::new(good_for)?;
    parameters.distinguished_name.push(DnType::CommonName, name);
    Ok(parameters)
}
