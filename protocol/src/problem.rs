//! Refusals, as RFC 9457 problem details in CBOR. The table is closed: a client can be exhaustive over it.

use minicbor::{Decode, Encode};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, thiserror::Error)]
#[error("{kind}: {detail}")]
#[cbor(map)]
pub struct Problem {
    /// Which row of the table.
    #[n(0)]
    pub kind: ProblemKind,
    /// For people who look into it; holds no personal data.
    #[n(1)]
    pub detail: String,
    /// When to come back, in milliseconds from now.
    #[n(2)]
    pub retry_after_ms: Option<u64>,
}

macro_rules! problems {
    ($($(#[$doc:meta])* $index:literal $name:ident $status:literal $slug:literal;)*) => {
        /// The closed table of refusals.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
        #[cbor(index_only)]
        pub enum ProblemKind { $($(#[$doc])* #[n($index)] $name,)* }

        impl ProblemKind {
            /// Every row.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 { match self { $(Self::$name => $status,)* } }

            /// Last part of the problem type URI, `https://bedside.example/problems/<slug>`.
            #[must_use]
            pub const fn slug(self) -> &'static str { match self { $(Self::$name => $slug,)* } }
        }
    };
}

problems! {
    /// The request cannot be read. A defect of the client; repeating it does not help.
    0 Malformed 400 "malformed";
    /// No token, or one that the relay does not know: sign in again.
    1 SignInNeeded 401 "sign-in-needed";
    /// The device's credentials do not give this right, or no longer.
    2 Forbidden 403 "forbidden";
    /// There is no such thing, or not for this device.
    3 NotFound 404 "not-found";
    /// An invitation was used by two devices; both are stopped.
    4 InviteContested 409 "invite-contested";
    /// An invitation has run out or was answered already.
    5 InviteExpired 410 "invite-expired";
    /// Over a limit of `limits`.
    6 TooLarge 413 "too-large";
    /// This client is too old for the relay.
    7 UpdateNeeded 426 "update-needed";
    /// Too many requests; `retry_after_ms` says when to come back.
    8 SlowDown 429 "slow-down";
    /// The relay cannot store at the moment (disk full, shutting down). Nothing was lost that it acknowledged.
    9 Unavailable 503 "unavailable";
    /// A defect of the relay.
    10 Internal 500 "internal";
    /// The organisation's or device's quota is used up.
    11 OverQuota 507 "over-quota";
    /// A statement was refused; the detail says why.
    12 StatementRefused 422 "statement-refused";
}

impl ProblemKind {
    /// A problem of this kind.
    #[must_use]
    pub fn because(self, detail: impl Into<String>) -> Problem {
        Problem { kind: self, detail: detail.into(), retry_after_ms: None }
    }
}

impl std::fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.slug())
    }
}
