//! A wire between clients and the relay: a TCP proxy on loopback that counts what passes, request by request, and holds it
//! up as a long way does.
//!
//! It counts the bytes of TCP's payload, HTTP's headers included. There is no TLS on this wire.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::measure::now;

/// The wire.
pub(crate) struct Wire {
    /// Where clients connect to.
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    relay: OnceLock<SocketAddr>,
    round_trip_ms: AtomicU64,
    begun: AtomicU64,
    exchanges: Mutex<BTreeMap<u64, Exchange>>,
}

/// One request and what came back.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// `POST /v1/sync` ...
    pub(crate) request: String,
    /// Bytes of the request, headers included.
    pub(crate) up: u64,
    /// Bytes of the answer, headers included.
    pub(crate) down: u64,
}

impl Wire {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared::default());
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared }
    }

    /// Where it leads to.
    pub(crate) fn connect(&self, relay: SocketAddr) {
        self.shared.relay.set(relay).expect("a wire has one other end");
    }

    /// From now on every new connection takes so long to there and back, its handshake too.
    pub(crate) fn set_round_trip(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).expect("less than an age");
        self.shared.round_trip_ms.store(ms, Ordering::SeqCst);
    }

    /// What passed since this was last called, in order of the requests.
    pub(crate) fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.shared.exchanges()).into_values().collect()
    }
}

impl Shared {
    fn exchanges(&self) -> MutexGuard<'_, BTreeMap<u64, Exchange>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let began = now();
            let relay = *shared.relay.get().expect("connected before it is used");
            let Ok(server) = TcpStream::connect(relay).await else { return };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let round_trip = Duration::from_millis(shared.round_trip_ms.load(Ordering::SeqCst));
            let requests = Arc::new(Mutex::new(Requests::default()));
            // What a client says before its handshake would be over had to wait for it.
            let ready = began + round_trip;
            let up = (Arc::clone(&requests), Arc::clone(&shared));
            let down = (requests, shared);
            tokio::join!(
                carry(from_client, to_server, round_trip / 2, ready, |bytes| {
                    up.0.lock().unwrap_or_else(PoisonError::into_inner).asked(bytes, &up.1);
                }),
                carry(from_server, to_client, round_trip / 2, began, |bytes| {
                    down.0.lock().unwrap_or_else(PoisonError::into_inner).answered(bytes, &down.1);
                }),
            );
        });
    }
}

/// Copies one direction, each piece late by `delay`, and closes the other end when this one is closed.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: Duration,
    ready: Instant,
    mut count: impl FnMut(&[u8]),
) {
    let (queue, mut pieces) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let read = async move {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            count(&buffer[..length]);
            if queue.send((now().max(ready) + delay, buffer[..length].to_vec())).is_err() {
                break;
            }
        }
    };
    let write = async move {
        while let Some((due, piece)) = pieces.recv().await {
            if !delay.is_zero() {
                tokio::time::sleep_until(due.into()).await;
            }
            if to.write_all(&piece).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(read, write);
}

/// Where one connection is in HTTP/1.1: heads and bodies by Content-Length, one request at a time.
#[derive(Default)]
struct Requests {
    head: Vec<u8>,
    body_left: usize,
    current: Option<u64>,
}

impl Requests {
    fn asked(&mut self, mut bytes: &[u8], shared: &Shared) {
        while !bytes.is_empty() {
            if self.body_left > 0 {
                let body = self.body_left.min(bytes.len());
                self.body_left -= body;
                self.count(shared, |exchange| exchange.up += body as u64);
                bytes = &bytes[body..];
                continue;
            }
            let before = self.head.len();
            self.head.extend_from_slice(bytes);
            let Some(end) = self.head.windows(4).position(|window| window == b"\r\n\r\n") else { return };
            bytes = &bytes[end + 4 - before..];
            self.head.truncate(end + 4);
            self.begin(shared);
        }
    }

    fn begin(&mut self, shared: &Shared) {
        let head = String::from_utf8_lossy(&std::mem::take(&mut self.head)).into_owned();
        let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok()).flatten()
        });
        self.body_left = length.unwrap_or(0);
        let line = head.lines().next().unwrap_or_default();
        let end = line.find(['?']).or_else(|| line.rfind(' ')).unwrap_or(line.len());
        let number = shared.begun.fetch_add(1, Ordering::SeqCst);
        let exchange = Exchange { request: line[..end].to_owned(), up: head.len() as u64, down: 0 };
        shared.exchanges().insert(number, exchange);
        self.current = Some(number);
    }

    fn answered(&mut self, bytes: &[u8], shared: &Shared) {
        self.count(shared, |exchange| exchange.down += bytes.len() as u64);
    }

    /// An exchange that was taken away is over as far as anybody cares.
    fn count(&self, shared: &Shared, add: impl FnOnce(&mut Exchange)) {
        if let Some(number) = self.current
            && let Some(exchange) = shared.exchanges().get_mut(&number)
        {
            add(exchange);
        }
    }
}
