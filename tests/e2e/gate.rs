//! What stands between a device and its relay: a wire that can be cut, an impostor, nobody.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of a connection.
#[derive(Clone, Debug)]
pub enum Wire {
    /// It reaches the relay.
    Whole,
    /// It is closed as soon as it is made.
    Closed,
    /// It is accepted, and nothing ever answers.
    Silent,
    /// It ends after so many bytes from the device.
    CutUp(usize),
    /// It ends after so many bytes from the relay.
    CutDown(usize),
    /// After so many bytes from the relay nothing more comes, and the connection stays open.
    Hangs(usize),
    /// Each request reaches the relay twice; the device gets the second answer.
    Twice,
    /// Something else answers: these bytes, whatever is asked.
    Impostor(Arc<[u8]>),
}

/// A stable address in front of a relay that comes and goes.
pub struct Gate {
    pub address: SocketAddr,
    state: Arc<Mutex<(Wire, SocketAddr)>>,
    changed: watch::Sender<u64>,
}

impl Gate {
    /// Opens a gate to a relay.
    pub async fn open(relay: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new((Wire::Whole, relay)));
        let (changed, watching) = watch::channel(0);
        let held = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((device, _)) = listener.accept().await {
                let (wire, relay) = held.lock().unwrap().clone();
                let mut watching = watching.clone();
                watching.mark_unchanged();
                tokio::spawn(async move {
                    tokio::select! {
                        () = carry(device, relay, wire) => {}
                        _ = watching.changed() => {}
                    }
                });
            }
        });
        Self { address, state, changed }
    }

    /// Changes the wire. Connections that are open end.
    pub fn set(&self, wire: Wire) {
        self.state.lock().unwrap().0 = wire;
        self.changed.send_modify(|n| *n += 1);
    }

    /// The relay is somewhere else now.
    pub fn point_to(&self, relay: SocketAddr) {
        self.state.lock().unwrap().1 = relay;
        self.changed.send_modify(|n| *n += 1);
    }
}

async fn carry(mut device: TcpStream, relay: SocketAddr, wire: Wire) {
    match wire {
        Wire::Whole => through(device, relay, usize::MAX, usize::MAX).await,
        Wire::CutUp(bytes) => through(device, relay, bytes, usize::MAX).await,
        Wire::CutDown(bytes) => through(device, relay, usize::MAX, bytes).await,
        Wire::Hangs(bytes) => {
            let Ok(relay) = TcpStream::connect(relay).await else { return };
            let (device_read, mut device_write) = device.into_split();
            let (relay_read, relay_write) = relay.into_split();
            let down = async {
                pump(relay_read, &mut device_write, bytes).await;
                std::future::pending::<()>().await;
            };
            tokio::join!(pump(device_read, relay_write, usize::MAX), down);
        }
        Wire::Closed => {}
        Wire::Silent => std::future::pending().await,
        Wire::Twice => twice(&mut device, relay).await,
        Wire::Impostor(answer) => {
            // One read is enough to answer; the rest of the request is left where it is.
            let _ = device.read(&mut [0; 16 << 10]).await;
            let _ = device.write_all(&answer).await;
            let _ = device.shutdown().await;
        }
    }
}

async fn through(device: TcpStream, relay: SocketAddr, up: usize, down: usize) {
    let Ok(relay) = TcpStream::connect(relay).await else { return };
    let (device_read, device_write) = device.into_split();
    let (relay_read, relay_write) = relay.into_split();
    // Whichever side ends first ends both.
    tokio::select! {
        () = pump(device_read, relay_write, up) => {}
        () = pump(relay_read, device_write, down) => {}
    }
}

async fn pump(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, mut left: usize) {
    let mut buffer = vec![0; 16 << 10];
    while left > 0 {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        let count = count.min(left);
        left -= count;
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

async fn twice(device: &mut TcpStream, relay: SocketAddr) {
    while let Some(request) = message(device).await {
        let mut answer = None;
        for _ in 0..2 {
            let Ok(mut relay) = TcpStream::connect(relay).await else { return };
            if relay.write_all(&request).await.is_err() {
                return;
            }
            answer = message(&mut relay).await;
        }
        let Some(answer) = answer else { return };
        if device.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// One HTTP/1.1 message with its body.
async fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 << 10];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(bytes);
            }
        }
        let Ok(count @ 1..) = stream.read(&mut buffer).await else { return None };
        bytes.extend_from_slice(&buffer[..count]);
    }
}
