//! Keeping step with the relay, and telling the app what changed.

use std::sync::{Arc, Mutex, PoisonError};

use bedside_core::api::{self, PlanId};

use crate::cross::{Alive, Cross};
use crate::joining::ObserverError;
use crate::{ApiError, Device};

/// Cancels long work from another thread.
#[derive(uniffi::Object)]
pub struct Cancel {
    pub(crate) inner: api::Cancel,
    _alive: Alive,
}

/// Somebody is told as long as this is held.
#[derive(uniffi::Object)]
pub struct Subscription {
    inner: Mutex<Option<api::Subscription>>,
    _alive: Alive,
}

/// What one sync took.
#[derive(Debug, uniffi::Record)]
pub struct SyncReport {
    /// Bytes sent.
    pub bytes_up: u64,
    /// Bytes received.
    pub bytes_down: u64,
    /// Requests answered.
    pub round_trips: u64,
    /// Milliseconds, by the device's clock.
    pub took_ms: u64,
    /// Entries that still wait to be sent.
    pub unsent: u64,
}

/// Something that an app may want to know.
#[derive(Debug, uniffi::Enum)]
pub enum Event {
    /// How things are between this device and the relay.
    Sync {
        /// Now.
        status: SyncStatus,
    },
    /// A plan changed, here or elsewhere.
    Plan {
        /// Which.
        plan: PlanId,
    },
    /// Which plans there are changed.
    Plans,
    /// Receipts came: something was sent, seen or refused.
    Receipts,
    /// An invitation was answered and the new device has its credential.
    Enrolled,
    /// An invitation was answered by two devices; both were stopped.
    InviteContested,
}

/// How things are between this device and the relay.
#[derive(Debug, uniffi::Enum)]
pub enum SyncStatus {
    /// There is no network, or the app is off the screen.
    Offline,
    /// A request is under way.
    Syncing,
    /// In step.
    InStep {
        /// Changes arrive by themselves.
        live: bool,
    },
    /// It failed and will be tried again.
    Retrying {
        /// When.
        at: i64,
        /// Why, for people.
        why: String,
    },
    /// The device's own disk is full.
    DiskFull {
        /// When it is tried again.
        at: i64,
    },
    /// The device's own storage fails in another way.
    StorageFailed {
        /// When it is tried again.
        at: i64,
        /// What could not be done, and why.
        what: String,
    },
    /// The relay does not know this device's credentials, or no longer.
    NotAdmitted,
    /// This software is too old for the relay.
    UpdateNeeded,
}

/// Is told what changed: from one thread, never under a lock, the current sync status first.
#[uniffi::export(callback_interface)]
pub trait Observer: Send + Sync {
    /// Something changed. What it throws is dropped.
    fn told(&self, event: Event) -> Result<(), ObserverError>;
}

impl From<&api::Event> for Event {
    fn from(event: &api::Event) -> Self {
        match event {
            api::Event::Sync(status) => Self::Sync { status: status.clone().into() },
            api::Event::Plan(log) => Self::Plan { plan: PlanId::from(*log) },
            api::Event::Plans => Self::Plans,
            api::Event::Receipts => Self::Receipts,
            api::Event::Enrolled => Self::Enrolled,
            api::Event::InviteContested => Self::InviteContested,
        }
    }
}

impl From<api::Status> for SyncStatus {
    fn from(status: api::Status) -> Self {
        match status {
            api::Status::Offline => Self::Offline,
            api::Status::Syncing => Self::Syncing,
            api::Status::InStep { live } => Self::InStep { live },
            api::Status::Retrying { at, why } => {
                Self::Retrying { at: at.cross(), why: api::ApiError::from(why).to_string() }
            }
            api::Status::DiskFull { at } => Self::DiskFull { at: at.cross() },
            api::Status::StorageFailed { at, what } => Self::StorageFailed { at: at.cross(), what },
            api::Status::NotAdmitted => Self::NotAdmitted,
            api::Status::UpdateNeeded => Self::UpdateNeeded,
        }
    }
}

impl From<api::SyncReport> for SyncReport {
    fn from(report: api::SyncReport) -> Self {
        let api::SyncReport { traffic, took_ms, unsent } = report;
        Self {
            bytes_up: traffic.bytes_up,
            bytes_down: traffic.bytes_down,
            round_trips: traffic.round_trips,
            took_ms,
            unsent,
        }
    }
}

#[uniffi::export]
impl Cancel {
    /// Nothing cancelled yet.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { inner: api::Cancel::new(), _alive: Alive::counted() })
    }

    /// Cancels; what is under way stops at the next safe moment.
    pub fn cancel(&self) {
        self.inner.cancel();
    }
}

#[uniffi::export]
impl Subscription {
    /// Returns when no call is under way and none will come; within a call it returns at once. Letting go of the subscription
    /// does the same.
    pub fn cancel(&self) {
        drop(self.inner.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

#[uniffi::export]
impl Device {
    /// Gets in step with the relay once: pushes, pulls, and opens what came if the vault is open. Blocks on the network.
    ///
    /// Errors: `Unreachable`, `Refused`, `NotEnrolled`, `Cancelled`. Whatever the error, nothing is lost and the next call
    /// goes on.
    pub fn sync(&self, cancel: &Cancel) -> Result<SyncReport, ApiError> {
        Ok(self.app.sync(&cancel.inner)?.into())
    }

    /// How things are between this device and the relay, as far as was told.
    pub fn sync_status(&self) -> Option<SyncStatus> {
        self.app.sync_status().map(SyncStatus::from)
    }

    /// Tells the observer the current sync status at once and every event from then on, until the subscription is cancelled.
    pub fn subscribe(&self, observer: Box<dyn Observer>) -> Arc<Subscription> {
        let inner = self.app.subscribe(move |event| drop(observer.told(event.into())));
        Arc::new(Subscription { inner: Mutex::new(Some(inner)), _alive: Alive::counted() })
    }
}
