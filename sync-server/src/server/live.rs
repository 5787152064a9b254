//! Live streams: an edit reaches the other devices without their asking.
//!
//! A stream holds at most one event at a time and reads the next only when the network has taken it, so a slow client costs
//! nothing but its connection, which `connections` closes when it does not move.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::sse::Event;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bedside_protocol::cbor;
use bedside_protocol::ids::DeviceId;
use bedside_protocol::problem::{Problem, ProblemKind};
use bedside_protocol::wire::{Cursor, LiveEvent};
use futures_util::Stream;
use tokio::sync::Notify;

use super::readers::Reading;
use super::{App, system_chance};
use crate::limits::{LIVE_STREAMS_MAX, LIVE_STREAMS_PER_DEVICE_MAX, RETRY_MS_MAX, RETRY_MS_MIN};
use crate::metrics::Metrics;
use crate::rules::feed::{LiveFrom, live_page};
use crate::rules::session::authenticate;

const OPEN: u8 = 0;
const REPLACED: u8 = 1;
const STOPPING: u8 = 2;

/// Who listens.
pub(super) struct Hub {
    devices: Mutex<BTreeMap<DeviceId, Vec<Arc<Slot>>>>,
    open: AtomicUsize,
    stopping: AtomicU8,
    metrics: Arc<Metrics>,
}

struct Slot {
    woken: Notify,
    state: AtomicU8,
}

impl Slot {
    fn close(&self, state: u8) {
        self.state.store(state, Ordering::SeqCst);
        self.woken.notify_one();
    }
}

impl Hub {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { devices: Mutex::default(), open: AtomicUsize::new(0), stopping: AtomicU8::new(OPEN), metrics }
    }

    /// Lets the streams of these devices look whether there is something.
    pub(super) fn wake<'a>(&self, devices: impl IntoIterator<Item = &'a DeviceId>) {
        let listening = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        for device in devices {
            for slot in listening.get(device).into_iter().flatten() {
                slot.woken.notify_one();
            }
        }
    }

    /// Ends every stream with a time to come back, and lets no other begin.
    pub(super) fn stop(&self) {
        let listening = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        self.stopping.store(STOPPING, Ordering::SeqCst);
        for slot in listening.values().flatten() {
            slot.close(STOPPING);
        }
    }

    pub(super) fn open_streams(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// The newest stream of a device wins over its oldest.
    fn begin(&self, device: DeviceId) -> Result<Arc<Slot>, Problem> {
        let mut listening = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let full = self.open_streams() >= LIVE_STREAMS_MAX;
        if full || self.stopping.load(Ordering::SeqCst) == STOPPING {
            let mut problem = ProblemKind::Unavailable.because("no live stream can begin now; sync instead");
            problem.retry_after_ms = Some(retry_ms());
            return Err(problem);
        }
        let slot = Arc::new(Slot { woken: Notify::new(), state: AtomicU8::new(OPEN) });
        let slots = listening.entry(device).or_default();
        while slots.len() >= LIVE_STREAMS_PER_DEVICE_MAX {
            slots.remove(0).close(REPLACED);
        }
        slots.push(slot.clone());
        self.open.fetch_add(1, Ordering::SeqCst);
        self.metrics.live_streams.inc();
        Ok(slot)
    }

    fn end(&self, device: &DeviceId, slot: &Arc<Slot>) {
        let mut listening = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slots) = listening.get_mut(device) {
            slots.retain(|other| !Arc::ptr_eq(other, slot));
            if slots.is_empty() {
                listening.remove(device);
            }
        }
        self.open.fetch_sub(1, Ordering::SeqCst);
        self.metrics.live_streams.dec();
    }
}

/// Spread out, so that a relay that comes back is not met by everybody at once.
pub(super) fn retry_ms() -> u64 {
    let mut drawn = [0; 8];
    system_chance(&mut drawn);
    RETRY_MS_MIN + u64::from_be_bytes(drawn) % (RETRY_MS_MAX - RETRY_MS_MIN)
}

struct Listener {
    app: Arc<App>,
    device: DeviceId,
    token: Vec<u8>,
    slot: Arc<Slot>,
    from: LiveFrom,
    begun: bool,
    ended: bool,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.app.hub.end(&self.device, &self.slot);
    }
}

/// What is new for a device from a cursor on, now and as it comes.
pub(super) fn stream(
    app: Arc<App>,
    device: DeviceId,
    token: Vec<u8>,
    cursor: Cursor,
) -> Result<impl Stream<Item = Result<Event, Infallible>>, Problem> {
    let slot = app.hub.begin(device)?;
    let from = LiveFrom::Claimed(cursor);
    let listener = Listener { app, device, token, slot, from, begun: false, ended: false };
    Ok(futures_util::stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    }))
}

impl Listener {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.ended {
                return None;
            }
            if self.begun {
                self.slot.woken.notified().await;
            }
            self.begun = true;
            match self.slot.state.load(Ordering::SeqCst) {
                OPEN => {}
                STOPPING => {
                    self.ended = true;
                    return Some(Event::default().retry(Duration::from_millis(retry_ms())));
                }
                _ => return None,
            }
            match self.page().await {
                Ok(Some(event)) => return Some(self.sent(&event)),
                Ok(None) => {}
                // The session has ended or the database cannot be read: the next request says which.
                Err(_) => return None,
            }
        }
    }

    async fn page(&self) -> Result<Option<LiveEvent>, Problem> {
        let (token, from, now) = (self.token.clone(), self.from, (self.app.clock)());
        let read = move |storage: &crate::storage::sqlite::SqliteStorage| {
            let device = authenticate(storage, now, &token)?;
            live_page(storage, now, device, from)
        };
        self.app.readers.read(Reading::Short, read).await
    }

    fn sent(&mut self, event: &LiveEvent) -> Event {
        if !event.items.is_empty() {
            self.from = LiveFrom::Sent(event.cursor);
        }
        Event::default().data(URL_SAFE_NO_PAD.encode(cbor::encode(event)))
    }
}
