//! Requests of a person who may do everything, by a token that is no concern of EKS.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// No request of a test takes longer.
const LONGEST: Duration = Duration::from_secs(30);

/// Its connections belong to the runtime that it is used in: each test makes one of its own.
#[derive(Debug)]
pub(crate) struct Administrator {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    endpoint: String,
    token: HeaderValue,
}

impl Administrator {
    pub(super) fn new(endpoint: &str, authority: &str, token: &str) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authority.as_bytes()) {
            let certificate = certificate.map_err(|error| error.to_string())?;
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let https =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_all_versions().build();
        let mut token =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| error.to_string())?;
        token.set_sensitive(true);
        let client = Client::builder(TokioExecutor::new()).build(https);
        Ok(Self { client, endpoint: endpoint.to_owned(), token })
    }

    /// Sends a request, whose address is a path with a query at most, and gives the whole answer.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let (mut head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        head.uri = format!("{}{path}", self.endpoint)
            .parse::<Uri>()
            .map_err(|error| format!("{path} is no path: {error}"))?;
        head.headers.insert(AUTHORIZATION, self.token.clone());
        let answered = async {
            let answer = self.client.request(Request::from_parts(head, Full::new(body))).await;
            let (head, body) = answer.map_err(|error| format!("no answer: {error:?}"))?.into_parts();
            let body = body.collect().await.map_err(|error| format!("the answer broke off: {error}"))?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        tokio::time::timeout(LONGEST, answered)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {LONGEST:?}")))
    }
}
