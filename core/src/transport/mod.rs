//! HTTP to the relay: the only module that names reqwest and rustls.
//!
//! Every body is bounded, every wait has an end, and whatever does not speak the protocol is [`Failure::Garbage`].

mod live;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bedside_protocol::cbor;
use bedside_protocol::limits::BODY_BYTES_MAX;
use bedside_protocol::problem::Problem;
use bedside_protocol::signing::Signer;
use bedside_protocol::wire::{
    CompareAnswer, CompareRequest, EnrolAnswer, EnrolRequest, Hello, Prove, Session, SessionAnswer,
    SessionRequest, SyncAnswer, SyncRequest, challenge_message,
};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use reqwest::{Certificate, Client, RequestBuilder, Response, StatusCode, Url};

pub use live::LiveStream;

use crate::engine::Failure;

/// How long connecting may take. A phone on one bar needs several seconds.
const CONNECT: Duration = Duration::from_secs(10);
/// How long one request may take in all: 4 MiB over a slow mobile network.
const REQUEST: Duration = Duration::from_secs(90);
/// A live stream that says nothing for so long is dead: the relay says something every 15 seconds.
const SILENCE: Duration = Duration::from_secs(45);

/// A connection to one relay.
#[derive(Clone)]
pub struct RelayClient {
    http: Client,
    live: Client,
    base: Url,
    traffic: Arc<Traffic>,
}

/// Bytes of bodies and number of requests since the client was made.
#[derive(Debug, Default)]
pub struct Traffic {
    requests: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
}

/// A reading of [`Traffic`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct TrafficCount {
    /// Requests answered or failed: each is one round trip on an open connection.
    pub round_trips: u64,
    /// Bytes of request bodies.
    pub bytes_up: u64,
    /// Bytes of answer bodies and live events.
    pub bytes_down: u64,
}

impl TrafficCount {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            round_trips: self.round_trips + other.round_trips,
            bytes_up: self.bytes_up + other.bytes_up,
            bytes_down: self.bytes_down + other.bytes_down,
        }
    }

    /// What came since an earlier reading.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            round_trips: self.round_trips - earlier.round_trips,
            bytes_up: self.bytes_up - earlier.bytes_up,
            bytes_down: self.bytes_down - earlier.bytes_down,
        }
    }
}

/// A relay's address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// Not a URL.
    #[error("the relay's address is not a URL; it looks like https://relay.example")]
    NotAUrl,
    /// Neither `https`, nor `http` to this same machine.
    #[error("the relay's address must begin with https:// (http:// is allowed to this machine only)")]
    NotHttps,
    /// The extra certificate cannot be read.
    #[error("the relay's certificate file holds no PEM certificate")]
    Certificate,
    /// The TLS library cannot start.
    #[error("TLS cannot be set up")]
    Tls(#[source] reqwest::Error),
}

impl RelayClient {
    /// A client for the relay at this address. `root_pem`: a certificate to trust besides the platform's, for a relay
    /// with a private authority.
    pub fn new(address: &str, root_pem: Option<&[u8]>) -> Result<Self, AddressError> {
        let base = check_address(address)?;
        // A second installation fails, and that is what is wanted: the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificate =
            root_pem.map(Certificate::from_pem).transpose().map_err(|_| AddressError::Certificate)?;
        let builder = || {
            // A relay sends nobody elsewhere; whoever does is not one.
            let builder = Client::builder().connect_timeout(CONNECT).tcp_nodelay(true).no_proxy();
            let builder = builder.redirect(reqwest::redirect::Policy::none());
            match &certificate {
                Some(certificate) => builder.tls_certs_merge([certificate.clone()]),
                None => builder,
            }
        };
        let http = builder().timeout(REQUEST).build().map_err(AddressError::Tls)?;
        let live = builder().read_timeout(SILENCE).build().map_err(AddressError::Tls)?;
        Ok(Self { http, live, base, traffic: Arc::default() })
    }

    /// Signs in by the device's transport key.
    pub async fn sign_in(
        &self,
        transport: &dyn SignerSync,
        statements: Vec<Vec<u8>>,
    ) -> Result<Session, Failure> {
        let transport_key = transport.public_key();
        let hello = SessionRequest::Hello(Hello { version: bedside_protocol::VERSION, transport_key });
        let SessionAnswer::Challenge(challenge) = self.post("v1/session", None, &hello).await? else {
            return Err(Failure::Garbage);
        };
        let signature = transport.sign(&challenge_message(&challenge, &transport_key));
        let statements = statements.into_iter().map(ByteVec::from).collect();
        let prove = SessionRequest::Prove(Prove { transport_key, challenge, signature, statements });
        match self.post("v1/session", None, &prove).await? {
            SessionAnswer::Session(session) => Ok(session),
            SessionAnswer::Challenge(_) => Err(Failure::Garbage),
        }
    }

    /// Pushes and pulls.
    pub async fn sync(&self, token: &[u8; 32], request: &SyncRequest) -> Result<SyncAnswer, Failure> {
        self.post("v1/sync", Some(token), request).await
    }

    /// One step of a comparison.
    pub async fn compare(
        &self,
        token: &[u8; 32],
        request: &CompareRequest,
    ) -> Result<CompareAnswer, Failure> {
        self.post("v1/compare", Some(token), request).await
    }

    /// Answers an invitation, or asks how far it is.
    pub async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolAnswer, Failure> {
        self.post("v1/enrol", None, request).await
    }

    /// Bytes and requests so far.
    #[must_use]
    pub fn traffic(&self) -> TrafficCount {
        TrafficCount {
            round_trips: self.traffic.requests.load(Ordering::Relaxed),
            bytes_up: self.traffic.up.load(Ordering::Relaxed),
            bytes_down: self.traffic.down.load(Ordering::Relaxed),
        }
    }

    async fn post<Q, A>(&self, path: &str, token: Option<&[u8; 32]>, request: &Q) -> Result<A, Failure>
    where
        Q: Encode<()>,
        A: for<'b> Decode<'b, ()>,
    {
        let body = cbor::encode(request);
        self.traffic.requests.fetch_add(1, Ordering::Relaxed);
        self.traffic.up.fetch_add(body.len() as u64, Ordering::Relaxed);
        let url = self.base.join(path).map_err(|_| Failure::Garbage)?;
        let request =
            authorised(self.http.post(url), token).header("content-type", "application/cbor").body(body);
        let response = request.send().await.map_err(|error| unreachable_because(&error))?;
        let status = response.status();
        let body = self.read(response).await?;
        if status == StatusCode::OK {
            cbor::decode(&body).map_err(|_| Failure::Garbage)
        } else {
            Err(refused(&body))
        }
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable_because(&error))? {
            self.traffic.down.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            if body.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(Failure::Garbage);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// A [`Signer`] that may be used from any thread.
pub trait SignerSync: Signer + Send + Sync {}
impl<T: Signer + Send + Sync> SignerSync for T {}

fn check_address(address: &str) -> Result<Url, AddressError> {
    let mut url = Url::parse(address).map_err(|_| AddressError::NotAUrl)?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() != "https" && !(url.scheme() == "http" && local) {
        return Err(AddressError::NotHttps);
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

fn authorised(request: RequestBuilder, token: Option<&[u8; 32]>) -> RequestBuilder {
    match token {
        Some(token) => {
            let hex: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
            request.bearer_auth(hex)
        }
        None => request,
    }
}

fn unreachable_because(error: &reqwest::Error) -> Failure {
    tracing::debug!(
        timeout = error.is_timeout(),
        connect = error.is_connect(),
        body = error.is_body(),
        "a request to the relay failed"
    );
    Failure::Unreachable
}

fn refused(body: &[u8]) -> Failure {
    cbor::decode::<Problem>(body).map_or(Failure::Garbage, Failure::Refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        assert!(RelayClient::new("https://relay.example", None).is_ok());
        assert!(RelayClient::new("http://127.0.0.1:8440", None).is_ok());
        assert!(matches!(RelayClient::new("http://relay.example", None), Err(AddressError::NotHttps)));
        assert!(matches!(RelayClient::new("relay.example", None), Err(AddressError::NotAUrl)));
        assert!(matches!(
            RelayClient::new("https://relay.example", Some(b"nonsense")),
            Err(AddressError::Certificate | AddressError::Tls(_)) | Ok(_)
        ));
    }
}
