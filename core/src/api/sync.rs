//! Keeping step with the relay, as an app controls it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use tokio::sync::Notify;

use super::{ApiError, App};
use crate::driver::DriverError;
use crate::driver::observe::Event;
use crate::driver::run::{Line, Running};
use crate::engine::{Input, Status};
use crate::transport::TrafficCount;

/// Cancels long work from another thread.
#[derive(Clone, Default)]
pub struct Cancel {
    cancelled: Arc<AtomicBool>,
    notify: Arc<Notify>,
}

impl Cancel {
    /// Nothing cancelled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels; what is under way stops at the next safe moment.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.notify.notify_waiters();
    }

    /// True once cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    pub(super) async fn cancelled(&self) {
        let notified = self.notify.notified();
        if !self.is_cancelled() {
            notified.await;
        }
    }
}

/// What one sync took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SyncReport {
    /// Bytes and round trips.
    #[serde(flatten)]
    pub traffic: TrafficCount,
    /// Milliseconds, by the device's clock.
    pub took_ms: u64,
    /// Entries that still wait to be sent.
    pub unsent: u64,
}

impl App {
    /// Gets in step with the relay once: pushes, pulls, and opens what came if the vault is open. Blocks.
    ///
    /// Errors: [`ApiError::Unreachable`], [`ApiError::Refused`], [`ApiError::NotEnrolled`], [`ApiError::Cancelled`].
    /// Whatever the error, nothing is lost and the next call goes on.
    pub fn sync(&self, cancel: &Cancel) -> Result<SyncReport, ApiError> {
        let began = self.device.now();
        self.post()?;
        let mut traffic = TrafficCount::default();
        let settled = loop {
            let (line, before) = self.join()?;
            let settled = self.settle(&line, cancel);
            traffic = traffic.plus(line.client.traffic().since(before));
            self.leave(&line);
            match settled {
                Some(settled) => break settled,
                // Somebody went online meanwhile, and another driver took over.
                None if self.running().is_some() => {}
                None => break Err(DriverError::Cancelled),
            }
        };
        settled?;
        let took_ms = self.device.now().since(began);
        Ok(SyncReport { traffic, took_ms, unsent: self.status()?.unsent })
    }

    /// Visits the driver that runs, or starts one. Nobody holds a lock while it works: a save must not wait for a relay.
    fn join(&self) -> Result<(Line, TrafficCount), DriverError> {
        let mut held = self.running();
        let running = match held.take() {
            Some(running) => running,
            None => self.start(false)?,
        };
        let running = held.insert(running);
        running.visitors += 1;
        let before = running.line.client.traffic();
        // Whoever asks does not wait for a backoff to end.
        running.line.tell(Input::Online(true));
        Ok((running.line.clone(), before))
    }

    fn leave(&self, line: &Line) {
        let mut held = self.running();
        if let Some(running) = held.as_mut().filter(|running| running.line.is(line)) {
            running.visitors -= 1;
            if running.visitors == 0 && !running.live {
                *held = None;
            }
        }
    }

    /// None when the driver was stopped.
    fn settle(&self, line: &Line, cancel: &Cancel) -> Option<Result<(), DriverError>> {
        self.runtime.block_on(async {
            tokio::select! {
                settled = line.settled() => settled,
                () = cancel.cancelled() => Some(Err(DriverError::Cancelled)),
            }
        })
    }

    fn start(&self, live: bool) -> Result<Running, DriverError> {
        let _runtime = self.runtime.enter();
        Running::start(Arc::clone(&self.device), live)
    }

    /// Stays in step from now on: changes arrive by themselves while the relay can be reached. Returns at once.
    pub fn go_online(&self) -> Result<(), ApiError> {
        let mut held = self.running();
        let running = match held.take() {
            Some(running) if running.live => running,
            _ => self.start(true)?,
        };
        held.insert(running).line.tell(Input::Online(self.network.load(Ordering::SeqCst)));
        Ok(())
    }

    /// Stops staying in step. Edits are kept and sent when the device goes online again.
    pub fn go_offline(&self) {
        let stopped = self.running().take();
        if stopped.is_some_and(|running| running.live) {
            self.device.observers.tell(Event::Sync(Status::Offline));
        }
    }

    /// What the platform says of the network: a hint. Without one nothing is tried by itself; when it comes back, it is tried
    /// at once. [`Self::sync`] tries whatever the platform says.
    pub fn network(&self, available: bool) {
        let held = self.running();
        self.network.store(available, Ordering::SeqCst);
        if let Some(running) = &*held {
            running.line.tell(Input::Online(available));
        }
    }

    /// Copies what is to be sent into the mailbox and wakes the driver.
    pub(super) fn post(&self) -> Result<(), DriverError> {
        if let Ok(open) = self.device.vault() {
            open.post(&self.device.mailbox)?;
        }
        if let Some(running) = &*self.running() {
            running.line.tell(Input::Wake);
        }
        Ok(())
    }

    pub(super) fn tell_unlocked(&self) {
        if let Some(running) = &*self.running() {
            running.line.tell(Input::Unlocked(true));
        }
    }

    pub(super) fn tell_engine_locked(&self) {
        if let Some(running) = &*self.running() {
            running.line.tell(Input::Unlocked(false));
        }
    }
}
