//! From the rich error of the driver to the small one of the app. Exhaustive: a new variant does not compile until its
//! answer is decided.

use bedside_protocol::statement::StatementError;

use super::ApiError;
use crate::driver::DriverError;
use crate::driver::keyring::KeyringError;
use crate::engine::Failure;
use crate::ledger::write::WriteError;
use crate::plan::locale::{LocaleError, Message};
use crate::plan::words;
use crate::store::{StoreError, is_full};

impl From<DriverError> for ApiError {
    fn from(error: DriverError) -> Self {
        match error {
            DriverError::Store(error) => error.into(),
            DriverError::Keyring(error) => error.into(),
            DriverError::Syncing(what) => Self::Bug { step: what, source: None },
            DriverError::Locked => Self::Locked,
            DriverError::MailboxFull => not_allowed(&error.to_string()),
            DriverError::NoIdentity => Self::Damaged { moved_to: None },
            DriverError::NotEnrolled => Self::NotEnrolled,
            DriverError::NoLookupKey => refused("refused-no-lookup"),
            DriverError::CannotBegin(_) => refused("refused-not-begun"),
            DriverError::KeptFromPerson => refused("refused-kept-by-team"),
            DriverError::NoContentKey => Self::NotFound { what: "key to this plan".into() },
            DriverError::Compose(WriteError::NoBasis(scope)) => {
                Self::not_allowed(Message::new("refused-no-basis").with("scope", words::scope(scope)))
            }
            DriverError::NotAllowed(reason) => Self::not_allowed(reason.message()),
            DriverError::Changed => refused("refused-changed-since-shown"),
            DriverError::InConflict(section) => {
                Self::not_allowed(Message::new("refused-conflict-to-approve").with("section", section))
            }
            DriverError::TooLarge { bytes } => Self::invalid(
                "edit",
                format!(
                    "{} KiB is more than one entry may hold; split it, or attach a document",
                    bytes >> 10
                ),
            ),
            DriverError::Change(crate::crdt::CrdtError::Nothing) => {
                Self::invalid("edit", "there is nothing to change: the plan says this already")
            }
            DriverError::Change(error) => Self::bug("making the change", error),
            DriverError::Address(error) => Self::invalid("relay address", error.to_string()),
            DriverError::Relay(failure) => failure.into(),
            DriverError::Invitation(why) => Self::invalid("invitation", why),
            DriverError::SyncFirst => Self::SyncFirst,
            DriverError::Cancelled => Self::Cancelled,
            DriverError::Statement(StatementError::Authority(what)) if what.starts_with("to ") => {
                not_allowed(&format!(
                    "your role does not give you the authority {what}; ask a colleague whose role does"
                ))
            }
            DriverError::Statement(error) => not_allowed(&error.to_string()),
            DriverError::Directory { step, source } if is_full(&source) => {
                let _ = step;
                Self::FreeSpace
            }
            DriverError::StoredEntry => Self::UpdateApp,
            DriverError::KeyStore(source) => Self::KeyStore { source },
            DriverError::Crypto(error) => Self::bug("using a key", error),
            DriverError::OwnEntry(error) => Self::bug("checking an own entry", error),
            DriverError::Runtime(error) => Self::bug("starting the runtime", error),
            DriverError::Directory { source, .. } => Self::bug("using the profile's directory", source),
        }
    }
}

impl From<KeyringError> for ApiError {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::NotFound => Self::NotFound { what: "vault".into() },
            KeyringError::PinLength => Self::invalid("PIN", error.to_string()),
            KeyringError::Label => Self::invalid("label", error.to_string()),
            KeyringError::NoSuchIdentity => Self::NotFound { what: "such identity".into() },
            KeyringError::Full | KeyringError::TheLast => not_allowed(&error.to_string()),
            KeyringError::WrongPin { left, not_before } => {
                Self::WrongPin { attempts_left: left, retry_at: not_before }
            }
            KeyringError::TooEarly { until } => Self::Wait { until },
            KeyringError::Destroyed | KeyringError::DeviceSecretLost => Self::KeysDestroyed,
            KeyringError::Damaged => Self::Damaged { moved_to: None },
            KeyringError::Newer => Self::UpdateApp,
            KeyringError::Io { source, .. } if is_full(&source) => Self::FreeSpace,
            KeyringError::KeyStore(source) => Self::KeyStore { source },
            KeyringError::Io { .. } | KeyringError::Crypto(_) => Self::bug("opening the key file", error),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::InUse => Self::InUse,
            StoreError::DiskFull { .. } => Self::FreeSpace,
            StoreError::Damaged { .. } | StoreError::CannotDecrypt => Self::Damaged { moved_to: None },
            StoreError::NewerSchema { .. } => Self::UpdateApp,
            StoreError::NotFound { .. } => Self::NotFound { what: "vault".into() },
            StoreError::Exists { .. } => Self::AlreadyThere { what: "a vault".into() },
            StoreError::Suspended => Self::Locked,
            other => Self::bug("using the database", other),
        }
    }
}

impl From<LocaleError> for ApiError {
    fn from(error: LocaleError) -> Self {
        Self::invalid("language", error.to_string())
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable => Self::Unreachable,
            Failure::Garbage => Self::Refused {
                reason: "something answers at its address that is not a relay; check the address".into(),
            },
            Failure::Refused(problem) => Self::Refused { reason: problem.to_string() },
        }
    }
}

/// What a plan as it stands does not allow.
const fn refused(message: &'static str) -> ApiError {
    ApiError::not_allowed(Message::new(message))
}

/// What the device does not allow.
fn not_allowed(reason: &str) -> ApiError {
    ApiError::not_allowed(Message::just(reason))
}
