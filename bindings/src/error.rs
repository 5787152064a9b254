//! What can go wrong, by what the app does next.

use std::fmt;

use bedside_core::api;

use crate::cross::Cross;
use crate::language::language;

/// What can go wrong, by what the app does next. An app can be exhaustive over it. `text` says it for people: what
/// a plan or a role does not allow in the language of `speak`, the rest in English. No text holds personal data.
#[derive(thiserror::Error, uniffi::Error)]
#[uniffi::export(Debug, Display)]
pub enum ApiError {
    /// Ask for the PIN.
    #[error("{text}")]
    Locked {
        /// For people.
        text: String,
    },
    /// Say so and ask again, not before `retry_at`.
    #[error("{text}")]
    WrongPin {
        /// For people.
        text: String,
        /// Tries left before this device's keys are destroyed.
        attempts_left: u32,
        /// No try counts before this moment.
        retry_at: Option<i64>,
    },
    /// Too early for another PIN.
    #[error("{text}")]
    Wait {
        /// For people.
        text: String,
        /// When a PIN is looked at again.
        until: i64,
    },
    /// Enrol this device anew; what was not sent yet still reaches the relay.
    #[error("{text}")]
    KeysDestroyed {
        /// For people.
        text: String,
    },
    /// Enrol first.
    #[error("{text}")]
    NotEnrolled {
        /// For people.
        text: String,
    },
    /// Tell the person why not.
    #[error("{text}")]
    NotAllowed {
        /// For people.
        text: String,
        /// The rule, in words for people.
        reason: String,
    },
    /// Point at what was entered and let them correct it. Nothing was changed.
    #[error("{text}")]
    Invalid {
        /// For people.
        text: String,
        /// Which input: a field's key, or its name.
        what: String,
        /// What is wrong with it and what would be right.
        why: String,
    },
    /// There is no such thing on this device.
    #[error("{text}")]
    NotFound {
        /// For people.
        text: String,
        /// What was looked for.
        what: String,
    },
    /// It is there already; open that one.
    #[error("{text}")]
    AlreadyThere {
        /// For people.
        text: String,
        /// What.
        what: String,
    },
    /// Close the other program, or the other object that has this device open.
    #[error("{text}")]
    InUse {
        /// For people.
        text: String,
    },
    /// Free space and try again; everything said to be saved is saved.
    #[error("{text}")]
    FreeSpace {
        /// For people.
        text: String,
    },
    /// Tell the person; run a repair.
    #[error("{text}")]
    Damaged {
        /// For people.
        text: String,
        /// Where the damaged file was put, if it was moved.
        moved_to: Option<String>,
    },
    /// Update the app.
    #[error("{text}")]
    UpdateApp {
        /// For people.
        text: String,
    },
    /// Go on offline; it is tried again by itself.
    #[error("{text}")]
    Unreachable {
        /// For people.
        text: String,
    },
    /// Show the reason; trying again does not help.
    #[error("{text}")]
    Refused {
        /// For people.
        text: String,
        /// The relay's words.
        reason: String,
    },
    /// Sync once, then write.
    #[error("{text}")]
    SyncFirst {
        /// For people.
        text: String,
    },
    /// The caller cancelled; nothing was changed.
    #[error("{text}")]
    Cancelled {
        /// For people.
        text: String,
    },
    /// Try again once the platform's key store can be used: after the screen was unlocked, or the person proved who they are.
    #[error("{text}")]
    KeyStore {
        /// For people.
        text: String,
        /// What the platform says.
        why: String,
    },
    /// Report it.
    #[error("{text}")]
    Bug {
        /// For people.
        text: String,
        /// The causes, for whoever mends it.
        causes: String,
    },
}

/// `localizedDescription` in Swift.
impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<api::ApiError> for ApiError {
    fn from(error: api::ApiError) -> Self {
        use api::ApiError as Core;
        let locale = language().locale();
        let text = error.say(&locale);
        let causes = causes(&error);
        match error {
            Core::Locked => Self::Locked { text },
            Core::WrongPin { attempts_left, retry_at } => {
                Self::WrongPin { text, attempts_left, retry_at: retry_at.cross() }
            }
            Core::Wait { until } => Self::Wait { text, until: until.cross() },
            Core::KeysDestroyed => Self::KeysDestroyed { text },
            Core::NotEnrolled => Self::NotEnrolled { text },
            Core::NotAllowed { reason } => Self::NotAllowed { text, reason: reason.say(&locale) },
            Core::Invalid { what, why } => Self::Invalid { text, what, why: why.say(&locale) },
            Core::NotFound { what } => Self::NotFound { text, what },
            Core::AlreadyThere { what } => Self::AlreadyThere { text, what },
            Core::InUse => Self::InUse { text },
            Core::FreeSpace => Self::FreeSpace { text },
            Core::Damaged { moved_to } => {
                Self::Damaged { text, moved_to: moved_to.map(|path| path.display().to_string()) }
            }
            Core::UpdateApp => Self::UpdateApp { text },
            Core::Unreachable => Self::Unreachable { text },
            Core::Refused { reason } => Self::Refused { text, reason },
            Core::SyncFirst => Self::SyncFirst { text },
            Core::Cancelled => Self::Cancelled { text },
            Core::KeyStore { .. } => Self::KeyStore { text, why: causes },
            Core::Bug { .. } => Self::Bug { text, causes },
        }
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(error.source(), |cause| cause.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
