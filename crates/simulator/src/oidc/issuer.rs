//! Signs tokens and publishes the key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::{self, KeyPair as _};
use serde_json::{Value, json};

use super::{Claims, KEYS_PATH};

/// Made for this crate and published in it. Making an RSA key takes too long for a test to make its own.
const PUBLIC_TEST_KEY: &str = include_str!("public_test_key.pem");
/// The key's id in the key set.
const KEY_ID: &str = "landfall-simulator-public-test-key";

/// The issuer: its URL and its key.
pub(crate) struct Issuer {
    pub(crate) url: String,
    key: Option<KeyPair>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Issuer").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Issuer {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), key: test_key() }
    }

    /// The issuer without the URL's scheme, as IAM names OIDC providers.
    pub(crate) fn host(url: &str) -> &str {
        url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url)
    }

    pub(crate) fn token(&self, claims: &Claims, now: Timestamp) -> String {
        let key_id = if claims.unknown_key { "a-key-nobody-knows" } else { KEY_ID };
        let header = json!({ "alg": "RS256", "kid": key_id, "typ": "JWT" });
        let payload = claims.payload(&self.url, now);
        let signed = format!("{}.{}", part(&header), part(&payload));
        let mut signature = self.sign(signed.as_bytes());
        if claims.wrong_signature {
            for byte in &mut signature {
                *byte ^= 0x55;
            }
        }
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let Some(key) = &self.key else { return Vec::new() };
        let mut signature = vec![0; key.public().modulus_len()];
        // Fails only without system randomness; the token is then rejected like any with a wrong signature.
        let _ = key.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signature
    }

    /// True if the key set has the key.
    pub(crate) fn has_key(&self, key_id: &str) -> bool {
        key_id == KEY_ID
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let Some(key) = &self.key else { return false };
        let public =
            signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, key.public_key());
        public.verify(message, signature).is_ok()
    }

    pub(crate) fn key_set(&self) -> Value {
        let Some(key) = &self.key else { return json!({ "keys": [] }) };
        let components = PublicKeyComponents::<Vec<u8>>::from(key.public());
        json!({ "keys": [{
            "kty": "RSA", "kid": KEY_ID, "use": "sig", "alg": "RS256",
            "n": URL_SAFE_NO_PAD.encode(components.n), "e": URL_SAFE_NO_PAD.encode(components.e)
        }] })
    }

    pub(crate) fn discovery(&self) -> Value {
        json!({
            "issuer": self.url,
            "jwks_uri": format!("{}{KEYS_PATH}", self.url),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"]
        })
    }
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The key; a test of this crate proves that it can be read.
fn test_key() -> Option<KeyPair> {
    let (_, rest) = PUBLIC_TEST_KEY.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (text, _) = rest.split_once("-----END")?;
    let text: String = text.split_ascii_whitespace().collect();
    KeyPair::from_pkcs8(&STANDARD.decode(text).ok()?).ok()
}
