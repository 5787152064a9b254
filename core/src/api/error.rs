//! What can go wrong, by what the app does next.

use std::path::PathBuf;

use bedside_protocol::ids::Timestamp;

use crate::plan::locale::{Locale, Message};
use crate::ports::KeyStoreError;

/// What can go wrong, by what the app does next. Closed: an app can be exhaustive over it.
///
/// No text in it holds personal data. `Display` is in British English; [`Self::say`] is for people.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Ask for the PIN.
    #[error("this device is locked; unlock it first")]
    Locked,
    /// Say so and ask again, not before `retry_at`.
    #[error("wrong PIN; {attempts_left} more before this device's keys are destroyed")]
    WrongPin {
        /// Tries left.
        attempts_left: u32,
        /// No try counts before this moment.
        retry_at: Option<Timestamp>,
    },
    /// Too early for another PIN.
    #[error("too many wrong PINs; wait until the time given before trying again")]
    Wait {
        /// When a PIN is looked at again.
        until: Timestamp,
    },
    /// Enrol this device anew; what was not sent yet still reaches the relay.
    #[error("this device's keys are gone; enrol it again (what it had not sent is kept and still goes out)")]
    KeysDestroyed,
    /// Enrol first.
    #[error("this device is not enrolled; ask for an invitation")]
    NotEnrolled,
    /// Tell the person why not.
    #[error("not allowed: {}", .reason.in_english())]
    NotAllowed {
        /// For people, in any language.
        reason: Message,
    },
    /// Point at what was entered and let them correct it. Nothing was changed.
    #[error("{what}: {}", .why.in_english())]
    Invalid {
        /// Which input: a field's key, or its name.
        what: String,
        /// What is wrong with it and what would be right.
        why: Message,
    },
    /// There is no such thing on this device.
    #[error("there is no {what} on this device")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// It is there already; open that one.
    #[error("{what} is there already")]
    AlreadyThere {
        /// What.
        what: String,
    },
    /// Close the other program.
    #[error("another program is using this device's data; close it first")]
    InUse,
    /// Free space and try again; everything said to be saved is saved.
    #[error("the disk is full; free some space and try again (nothing that was saved is lost)")]
    FreeSpace,
    /// Tell the person; run a repair.
    #[error("this device's data is damaged{}", moved(.moved_to))]
    Damaged {
        /// Where the damaged file was put, if it was moved.
        moved_to: Option<PathBuf>,
    },
    /// Update this software.
    #[error("this was written by a newer version; update this software")]
    UpdateApp,
    /// Go on offline; it is tried again by itself.
    #[error("the relay cannot be reached; changes are kept and sent later")]
    Unreachable,
    /// Show the reason; trying again does not help.
    #[error("the relay refuses: {reason}")]
    Refused {
        /// The relay's words.
        reason: String,
    },
    /// Sync once: the relay has what a repair could not read, and writing before it is back would split this author's
    /// history in two.
    #[error("this device was repaired and has to sync once before anything is written on it")]
    SyncFirst,
    /// The caller cancelled.
    #[error("cancelled; nothing was changed")]
    Cancelled,
    /// Try again once the platform's key store can be used: after the first unlock of the screen, or after the person proved
    /// that it is them.
    #[error("the device's key store cannot be used now; unlock the device's screen and try again")]
    KeyStore {
        /// What the platform says.
        #[source]
        source: KeyStoreError,
    },
    /// Report it.
    #[error("a defect of this software: {step}")]
    Bug {
        /// The step that failed.
        step: String,
        /// Why, as the part below it says.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

fn moved(to: &Option<PathBuf>) -> String {
    to.as_ref().map(|path| format!("; it was put aside in {}", path.display())).unwrap_or_default()
}

impl ApiError {
    /// A short name for programs: `locked`, `wrong-pin` ...
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::WrongPin { .. } => "wrong-pin",
            Self::Wait { .. } => "wait",
            Self::KeysDestroyed => "keys-destroyed",
            Self::NotEnrolled => "not-enrolled",
            Self::NotAllowed { .. } => "not-allowed",
            Self::Invalid { .. } => "invalid",
            Self::NotFound { .. } => "not-found",
            Self::AlreadyThere { .. } => "already-there",
            Self::InUse => "in-use",
            Self::FreeSpace => "free-space",
            Self::Damaged { .. } => "damaged",
            Self::UpdateApp => "update-app",
            Self::Unreachable => "unreachable",
            Self::Refused { .. } => "refused",
            Self::SyncFirst => "sync-first",
            Self::Cancelled => "cancelled",
            Self::KeyStore { .. } => "key-store",
            Self::Bug { .. } => "bug",
        }
    }

    /// For people, in a language: what a plan or a role does not allow, and why an answer does not fit. What concerns the
    /// device, the network or a file is for whoever looks after them, in British English; an app has words of its own for that,
    /// by [`Self::code`].
    #[must_use]
    pub fn say(&self, locale: &Locale) -> String {
        match self {
            Self::NotAllowed { reason } => {
                locale.say("error-not-allowed", &[("reason", reason.clone().into())])
            }
            Self::Invalid { what, why } => {
                locale.say("error-invalid", &[("what", what.into()), ("why", why.clone().into())])
            }
            other => other.to_string(),
        }
    }

    pub(crate) const fn not_allowed(reason: Message) -> Self {
        Self::NotAllowed { reason }
    }

    /// For what concerns the device, the network or a file.
    pub(crate) fn invalid(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), why: Message::just(why.into()) }
    }

    /// For what concerns a plan.
    pub(crate) fn unfit(what: impl Into<String>, why: Message) -> Self {
        Self::Invalid { what: what.into(), why }
    }

    pub(crate) fn bug(step: &str, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Bug { step: step.to_owned(), source: Some(Box::new(source)) }
    }
}
