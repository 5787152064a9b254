//! HTTP around the rules.
//!
//! Requests are read and decoded on tokio; the rules run on one writer thread, many requests to a commit; whatever only
//! reads runs beside it on connections of its own.
//!
//! | module | what |
//! |---|---|
//! | [`routes`] | paths, bodies, answers |
//! | [`writer`] | group commit: receipts are said after the disk has them |
//! | [`readers`] | connections that only read |
//! | [`live`] | live streams and who is to be woken |
//! | [`rates`] | requests per device and per address |
//! | [`connections`] | idle and slow connections, TLS |

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bedside_protocol::ids::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::data::{DataDir, DataError, DataLock};
use crate::limits::{BODIES_IN_MEMORY_MAX, STOP_TIME};
use crate::metrics::Metrics;
use crate::rules::Relay;
use crate::storage::sqlite::OpenError;

mod connections;
mod live;
mod rates;
mod readers;
mod routes;
#[cfg(test)]
mod tests;
mod writer;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A running relay. Dropping it without [`Handle::stop`] leaves it running until the runtime ends.
pub struct Handle {
    /// Where it listens; the real port when 0 was asked for.
    pub addr: SocketAddr,
    app: Arc<App>,
    http: axum_server::Handle<SocketAddr>,
    served: JoinHandle<std::io::Result<()>>,
    certificates: Option<JoinHandle<()>>,
    _lock: DataLock,
}

/// Why the relay did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The address.
    #[error("cannot listen on {address}; is another program using the port?")]
    Listen {
        /// As asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Certificate or key.
    #[error("cannot use the TLS certificate and key: {why}")]
    Tls {
        /// What is wrong with which file.
        why: String,
    },
    /// The system gave no thread.
    #[error("cannot start the writer thread")]
    Thread(#[source] std::io::Error),
}

/// What every request needs.
struct App {
    writer: writer::Writer,
    readers: readers::Readers,
    hub: Arc<live::Hub>,
    metrics: Arc<Metrics>,
    device_rates: rates::Rates,
    address_rates: rates::Rates,
    bodies: Arc<Semaphore>,
    clock: Clock,
    behind_proxy: bool,
    stopping: AtomicBool,
}

/// The host's clock.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        #[expect(clippy::disallowed_methods, reason = "the edge: everything else takes this as an argument")]
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    })
}

/// Fills a buffer from the host's randomness.
pub fn system_chance(buffer: &mut [u8]) {
    SystemRandom::new().fill(buffer).expect("an operating system without randomness runs no relay");
}

/// Starts a relay inside this tokio runtime.
pub async fn start(config: Config) -> Result<Handle, StartError> {
    start_at(config, system_clock()).await
}

/// Starts a relay with a given clock.
pub async fn start_at(config: Config, clock: Clock) -> Result<Handle, StartError> {
    let data = DataDir::new(&config.data);
    let lock = data.lock()?;
    let relay = Relay::open(&data.database(), config.network_root, &mut system_chance)?;
    let metrics = Arc::new(Metrics::default());
    let hub = Arc::new(live::Hub::new(metrics.clone()));
    let writer = writer::Writer::start(relay, clock.clone(), hub.clone(), metrics.clone())
        .map_err(StartError::Thread)?;
    let app = Arc::new(App {
        writer,
        readers: readers::Readers::new(data.database()),
        hub,
        metrics,
        device_rates: rates::Rates::new(config.device_rate),
        address_rates: rates::Rates::new(config.address_rate),
        bodies: Arc::new(Semaphore::new(BODIES_IN_MEMORY_MAX)),
        clock,
        behind_proxy: config.behind_proxy,
        stopping: AtomicBool::new(false),
    });
    let listen = |source| StartError::Listen { address: config.listen, source };
    let listener = std::net::TcpListener::bind(config.listen).map_err(listen)?;
    let addr = listener.local_addr().map_err(listen)?;
    let http = axum_server::Handle::new();
    let router = routes::router(app.clone());
    let (served, certificates) = connections::serve(listener, &config.transport, router, http.clone())
        .map_err(|error| match error {
            connections::ServeError::Listen(source) => listen(source),
            connections::ServeError::Tls(why) => StartError::Tls { why },
        })?;
    Ok(Handle { addr, app, http, served, certificates, _lock: lock })
}

impl Handle {
    /// Stops within a bounded time: live streams are told when to come back, requests that were begun end, what was
    /// answered is on the disk.
    pub async fn stop(self) {
        self.app.stopping.store(true, Ordering::SeqCst);
        self.app.hub.stop();
        self.http.graceful_shutdown(Some(STOP_TIME));
        if let Err(error) = self.served.await.map_err(std::io::Error::other).and_then(|served| served) {
            tracing::error!(%error, "the listener failed");
        }
        if let Some(certificates) = self.certificates {
            certificates.abort();
        }
        self.app.writer.stop().await;
    }

    /// Live streams that are open.
    #[must_use]
    pub fn live_streams(&self) -> usize {
        self.app.hub.open_streams()
    }
}
