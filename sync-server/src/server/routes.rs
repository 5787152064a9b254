//! Paths, bodies, answers.

use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bedside_protocol::cbor;
use bedside_protocol::ids::{DeviceId, StatementId};
use bedside_protocol::limits::BODY_BYTES_MAX;
use bedside_protocol::problem::{Problem, ProblemKind};
use bedside_protocol::wire::{CompareRequest, Cursor, EnrolRequest, SessionRequest, SyncRequest};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};
use tower_http::catch_panic::CatchPanicLayer;

use super::readers::Reading;
use super::writer::Desk;
use super::{App, live};
use crate::limits::{BODY_TIME, ENROL_BODY_BYTES_MAX, LIVE_KEEP_ALIVE, SESSION_BODY_BYTES_MAX};
use crate::metrics::{Answered, Route};
use crate::rules::{Wake, compare, session};
use crate::storage::Storage;

type Shared = State<Arc<App>>;

pub(super) fn router(app: Arc<App>) -> Router {
    let panicked = {
        let metrics = app.metrics.clone();
        move |_: Box<dyn Any + Send>| {
            metrics.panics.inc();
            Refusal(ProblemKind::Internal.because("a defect of the relay")).into_response()
        }
    };
    Router::new()
        .route("/v1/session", post(sign_in))
        .route("/v1/sync", post(sync))
        .route("/v1/compare", post(compare_ranges))
        .route("/v1/enrol", post(enrol))
        .route("/v1/live", get(listen))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(nothing_here)
        .method_not_allowed_fallback(nothing_here)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

/// An answer in CBOR.
struct Cbor<T>(T);

impl<T: minicbor::Encode<()>> IntoResponse for Cbor<T> {
    fn into_response(self) -> Response {
        let headers = [(header::CONTENT_TYPE, "application/cbor"), (header::CACHE_CONTROL, "no-store")];
        (headers, cbor::encode(&self.0)).into_response()
    }
}

/// A refusal with its status.
struct Refusal(Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.kind.status()).expect("the table of problems holds HTTP statuses");
        let kind = (header::CONTENT_TYPE, "application/concise-problem-details+cbor");
        let mut response = (status, [kind], cbor::encode(&self.0)).into_response();
        if let Some(wait) = self.0.retry_after_ms {
            response.headers_mut().insert(header::RETRY_AFTER, wait.div_ceil(1_000).into());
        }
        response
    }
}

type Answer<T> = Result<Cbor<T>, Refusal>;

async fn sign_in(
    State(app): Shared,
    parts: Parts,
    body: Body,
) -> Answer<bedside_protocol::wire::SessionAnswer> {
    app.count_address(&parts)?;
    let (body, _held) = app.body(&parts, body, SESSION_BODY_BYTES_MAX).await?;
    let request: SessionRequest = decode(&body)?;
    let run = |desk: Desk<'_>| (desk.relay.session(desk.now, desk.rng, request), Wake::new());
    Ok(Cbor(app.writer.run(run).await?))
}

async fn sync(State(app): Shared, parts: Parts, body: Body) -> Answer<bedside_protocol::wire::SyncAnswer> {
    let (device, _) = app.signed_in(&parts).await?;
    let (body, _held) = app.body(&parts, body, BODY_BYTES_MAX).await?;
    let request: SyncRequest = decode(&body)?;
    let run = move |desk: Desk<'_>| match desk.relay.sync(desk.now, desk.rng, device, request) {
        Ok((answer, wake)) => (Ok(answer), wake),
        Err(problem) => (Err(problem), Wake::new()),
    };
    Ok(Cbor(app.writer.run(run).await?))
}

async fn compare_ranges(
    State(app): Shared,
    parts: Parts,
    body: Body,
) -> Answer<bedside_protocol::wire::CompareAnswer> {
    let (device, _) = app.signed_in(&parts).await?;
    let (body, _held) = app.body(&parts, body, BODY_BYTES_MAX).await?;
    let request: CompareRequest = decode(&body)?;
    let now = (app.clock)();
    let read = move |storage: &_| compare::compare(storage, now, device, &request);
    Ok(Cbor(app.readers.read(Reading::Long, read).await?))
}

async fn enrol(State(app): Shared, parts: Parts, body: Body) -> Answer<bedside_protocol::wire::EnrolAnswer> {
    app.count_address(&parts)?;
    let (body, _held) = app.body(&parts, body, ENROL_BODY_BYTES_MAX).await?;
    let request: EnrolRequest = decode(&body)?;
    Ok(Cbor(app.writer.run(|desk: Desk<'_>| desk.relay.enrol(desk.now, desk.rng, request)).await?))
}

async fn listen(State(app): Shared, parts: Parts) -> Result<Response, Refusal> {
    let (device, token) = app.signed_in(&parts).await?;
    let query = parts.uri.query().unwrap_or_default();
    let cursor = query.split('&').find_map(|part| part.strip_prefix("cursor=")).and_then(read_cursor);
    let cursor = cursor
        .ok_or_else(|| ProblemKind::Malformed.because("give ?cursor= the hexadecimal of a cursor in CBOR"))?;
    let events = live::stream(app, device, token, cursor)?;
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(LIVE_KEEP_ALIVE));
    // Proxies are asked not to hold events back.
    Ok(([("x-accel-buffering", "no")], events).into_response())
}

fn read_cursor(text: &str) -> Option<Cursor> {
    cbor::decode(&unhex(text)?).ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > 256 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

async fn ready(State(app): Shared) -> Result<&'static str, Refusal> {
    if app.stopping.load(Ordering::SeqCst) {
        return Err(ProblemKind::Unavailable.because("the relay is stopping").into());
    }
    let run = |desk: Desk<'_>| (desk.relay.storage().meta().map_err(Problem::from), Wake::new());
    app.writer.run(run).await?;
    Ok("ready\n")
}

async fn metrics(State(app): Shared) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.text())
}

async fn nothing_here() -> Refusal {
    Refusal(
        ProblemKind::NotFound.because("there is nothing at this path; see the protocol's table of requests"),
    )
}

/// Counts and logs a request by its route, never by its path, client or content.
async fn observe(State(app): Shared, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    let (status, taken) = (response.status().as_u16(), began.elapsed());
    app.metrics.requests.get_or_create(&Answered { route: route.clone(), status }).inc();
    app.metrics.request_seconds.get_or_create(&Route { route: route.clone() }).observe(taken.as_secs_f64());
    tracing::debug!(route, status, micros = taken.as_micros(), "answered");
    response
}

fn decode<'b, T: minicbor::Decode<'b, ()>>(body: &'b [u8]) -> Result<T, Problem> {
    cbor::decode(body).map_err(|error| ProblemKind::Malformed.because(error.to_string()))
}

fn token_of(headers: &HeaderMap) -> Option<Vec<u8>> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let text = value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer "))?;
    Some(StatementId::from_hex(text.trim())?.as_bytes().to_vec())
}

impl App {
    /// The device of a request's token, and the token. Counts against the device, or against the address if it is unknown.
    async fn signed_in(&self, parts: &Parts) -> Result<(DeviceId, Vec<u8>), Problem> {
        let Some(token) = token_of(&parts.headers) else {
            self.count_address(parts)?;
            return Err(
                ProblemKind::SignInNeeded.because("send Authorization: Bearer and the token in hexadecimal")
            );
        };
        let (copy, now) = (token.clone(), (self.clock)());
        let read = move |storage: &_| session::authenticate(storage, now, &copy);
        match self.readers.read(Reading::Short, read).await {
            Ok(device) => {
                self.slow(self.device_rates.take(now, super::rates::Who::Device(device)))?;
                Ok((device, token))
            }
            Err(problem) => {
                self.count_address(parts)?;
                Err(problem)
            }
        }
    }

    fn count_address(&self, parts: &Parts) -> Result<(), Problem> {
        let address = self.address(parts);
        self.slow(self.address_rates.take((self.clock)(), address.into()))
    }

    fn slow(&self, taken: Result<(), Problem>) -> Result<(), Problem> {
        self.metrics.slowed.inc_by(u64::from(taken.is_err()));
        taken
    }

    fn address(&self, parts: &Parts) -> IpAddr {
        let forwarded = parts.headers.get_all("x-forwarded-for").iter().next_back();
        let forwarded = forwarded.filter(|_| self.behind_proxy).and_then(|value| value.to_str().ok());
        let last = forwarded.and_then(|list| list.rsplit(',').next()).and_then(|a| a.trim().parse().ok());
        let peer = || parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        last.or_else(peer).unwrap_or(IpAddr::from([0, 0, 0, 0]))
    }

    /// The whole body, and the right to hold it in memory.
    async fn body(
        &self,
        parts: &Parts,
        body: Body,
        most: usize,
    ) -> Result<(axum::body::Bytes, OwnedSemaphorePermit), Problem> {
        let too_large = || ProblemKind::TooLarge.because(format!("a request body has at most {most} bytes"));
        let length = parts.headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        let length: usize = length.unwrap_or(most);
        if length > most {
            return Err(too_large());
        }
        let read = async {
            let size = u32::try_from(length.max(1)).expect("a body is under 4 GiB");
            let held = self.bodies.clone().acquire_many_owned(size).await.expect("it is never closed");
            let body = axum::body::to_bytes(body, length).await;
            (body, held)
        };
        match timeout(BODY_TIME, read).await {
            Ok((Ok(body), held)) => Ok((body, held)),
            Ok((Err(_), _)) => Err(too_large()),
            Err(_) => Err(ProblemKind::SlowDown.because("the body did not arrive in time")),
        }
    }
}
