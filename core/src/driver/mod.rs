//! Effects into I/O on tokio; what a device does while it is open, locked, suspended.
//!
//! | module | what |
//! |---|---|
//! | [`device`] | a profile directory: locked or unlocked, with its mailbox |
//! | [`keyring`] | the vault key under a PIN |
//! | `open_vault` | an unlocked vault |
//! | `own` | what only one of the identities on a device may use |
//! | `commit` | the way of an edit on the device that makes it |
//! | `intake` | the way of an edit on the devices that receive it |
//! | `compartments` | the logs beside a plan's main one |
//! | `keys_for_readers` | every reader gets every key |
//! | `lists` | what lists show, and what this device's person keeps for themself |
//! | `looks` | who looked at a plan |
//! | `post` | from the vault into the mailbox |
//! | `enrol` | both sides of an enrolment |
//! | `organisation` | how an organisation joins a network |
//! | `recovery` | comparing with a relay that lost its place |
//! | `room` | how much of what cannot be taken in is kept |
//! | `work` | what an effect does to the device |
//! | [`repair`] | after damage |
//! | `run` | the loop that turns effects into I/O |
//! | [`observe`] | telling the app |

pub(crate) mod commit;
pub(crate) mod compartments;
pub mod device;
pub mod enrol;
mod intake;
pub mod keyring;
mod keys_for_readers;
mod lists;
pub(crate) mod looks;
pub mod observe;
pub(crate) mod open_vault;
pub(crate) mod organisation;
pub(crate) mod own;
mod post;
mod recovery;
pub mod repair;
mod room;
pub(crate) mod run;
pub(crate) mod shown;
pub(crate) mod work;

use bedside_protocol::entry::Compartment;
use bedside_protocol::statement::StatementError;

use crate::crdt::CrdtError;
use crate::crypto::CryptoError;
use crate::engine::{Failure, StoreFailure};
use crate::ledger::HeldReason;
use crate::ledger::replica::Refused;
use crate::ledger::write::WriteError;
use crate::plan::schema::Section;
use crate::ports::KeyStoreError;
use crate::store::StoreError;
use crate::transport::AddressError;

impl DriverError {
    /// As the engine is told that a step on the device failed.
    pub(crate) fn as_store_failure(&self) -> StoreFailure {
        match self {
            Self::Store(StoreError::DiskFull { .. }) => StoreFailure::DiskFull,
            other => {
                let causes = std::iter::successors(Some(other as &dyn std::error::Error), |e| e.source());
                let words: Vec<String> = causes.map(ToString::to_string).collect();
                StoreFailure::Other(words.join(": "))
            }
        }
    }
}

/// Which step failed.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The vault or the mailbox.
    #[error("storage failed")]
    Store(#[from] StoreError),
    /// The vault or the mailbox, while syncing: what could not be done.
    #[error("{0}")]
    Syncing(String),
    /// The vault key.
    #[error("the vault key cannot be had")]
    Keyring(#[from] keyring::KeyringError),
    /// The platform's key store.
    #[error("the platform's key store failed")]
    KeyStore(#[from] KeyStoreError),
    /// A key or a seal.
    #[error("a key or a seal does not open")]
    Crypto(#[source] CryptoError),
    /// An own entry of this plan cannot be read, as a newer version wrote it: another would take its place.
    #[error("an own entry of this plan cannot be read")]
    StoredEntry,
    /// The vault is locked.
    #[error("the vault is locked")]
    Locked,
    /// So much has come and was not opened that no more is fetched.
    #[error("what has come fills the mailbox, so no more is fetched; unlock this device, and it is opened")]
    MailboxFull,
    /// The vault holds no identity.
    #[error("the vault holds no identity")]
    NoIdentity,
    /// There is no credential yet.
    #[error("this device is not enrolled")]
    NotEnrolled,
    /// The device's person may not look plans up.
    #[error("this device has no lookup key")]
    NoLookupKey,
    /// Nobody has begun this compartment of the plan, and this device's person may not.
    #[error("nobody has begun this compartment of the plan: {0:?}")]
    CannotBegin(Compartment),
    /// The device's person is the one whom this compartment is kept from, or speaks for them.
    #[error("the compartment is kept from this device's person")]
    KeptFromPerson,
    /// The plan's key is not here.
    #[error("the plan's key is not on this device")]
    NoContentKey,
    /// The document refuses a change.
    #[error("the change cannot be made")]
    Change(#[source] CrdtError),
    /// There is no basis to write on.
    #[error("the entry cannot be written")]
    Compose(#[source] WriteError),
    /// An entry made here fails its own check.
    #[error("an entry made on this device fails its own check")]
    OwnEntry(#[source] Refused),
    /// The author may not say this.
    #[error("the author may not say this")]
    NotAllowed(HeldReason),
    /// What is to be approved is not what was shown.
    #[error("the plan has changed since it was shown")]
    Changed,
    /// Decisions of a section that is to be approved contradict each other.
    #[error("the decisions on {0:?} are in conflict")]
    InConflict(Section),
    /// Over the limit for one entry.
    #[error("the entry has {bytes} bytes, over the limit for one")]
    TooLarge {
        /// How many.
        bytes: usize,
    },
    /// A statement is not believed.
    #[error("a statement is not believed")]
    Statement(#[source] StatementError),
    /// The relay's address.
    #[error("the relay's address cannot be used")]
    Address(#[from] AddressError),
    /// The relay's side.
    #[error("the relay did not do it: {0:?}")]
    Relay(Failure),
    /// The invitation cannot be used.
    #[error("the invitation cannot be used: {0}")]
    Invitation(&'static str),
    /// A repair could not read everything that this device had written.
    #[error("own entries may be missing since a repair")]
    SyncFirst,
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The runtime cannot start.
    #[error("the runtime cannot start")]
    Runtime(#[source] std::io::Error),
    /// The profile's directory.
    #[error("the profile's directory cannot be {step}")]
    Directory {
        /// Made, or read.
        step: &'static str,
        /// The operating system's word.
        #[source]
        source: std::io::Error,
    },
}
