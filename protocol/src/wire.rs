//! Requests and answers. All bodies are deterministic CBOR, `application/cbor`; refusals are
//! [`Problem`] with its status, `application/concise-problem-details+cbor`.
//!
//! | request | body | answer | signed in |
//! |---|---|---|---|
//! | `POST /v1/session` | [`SessionRequest`] | [`SessionAnswer`] | no |
//! | `POST /v1/sync` | [`SyncRequest`] | [`SyncAnswer`] | yes |
//! | `GET /v1/live?cursor=<hex>` | none | server-sent events, [`LiveEvent`] in base64url | yes |
//! | `POST /v1/compare` | [`CompareRequest`] | [`CompareAnswer`] | yes |
//! | `POST /v1/enrol` | [`EnrolRequest`] | [`EnrolAnswer`] | no |
//!
//! "Signed in" is `Authorization: Bearer <hex of the token>`. Every request may be repeated with the same effect.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::ids::{InviteId, LogId, RelayEpoch, SealedId, StatementId, Timestamp};
use crate::problem::Problem;
use crate::signing::sha256;

/// Asks for a challenge, or answers one: a device signs in by its transport key alone.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum SessionRequest {
    /// First step.
    #[n(0)]
    Hello(#[n(0)] Hello),
    /// Second step.
    #[n(1)]
    Prove(#[n(0)] Prove),
}

/// First step of signing in.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Hello {
    /// Highest protocol version the device speaks.
    #[n(0)]
    pub version: u8,
    /// The device's Ed25519 transport key.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub transport_key: [u8; 32],
}

/// Second step of signing in.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Prove {
    /// The device's Ed25519 transport key.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub transport_key: [u8; 32],
    /// The relay's challenge, unchanged.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub challenge: [u8; 32],
    /// Ed25519 over [`challenge_message`].
    #[cbor(n(2), with = "minicbor::bytes")]
    pub signature: [u8; 64],
    /// The credentials that name this device, each after the statements that vouch for it.
    #[n(3)]
    pub statements: Vec<ByteVec>,
}

/// What the transport key signs to sign in.
#[must_use]
pub fn challenge_message(challenge: &[u8; 32], transport_key: &[u8; 32]) -> [u8; 32] {
    sha256(&[b"bedside session v1", challenge, transport_key])
}

/// The relay's answer to either step.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum SessionAnswer {
    /// Sign this.
    #[n(0)]
    Challenge(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
    /// Signed in.
    #[n(1)]
    Session(#[n(0)] Session),
}

/// A session at the relay.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Session {
    /// To be sent with every request.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub token: [u8; 32],
    /// Which life of the relay's database this is.
    #[n(1)]
    pub relay_epoch: RelayEpoch,
    /// The relay's clock.
    #[n(2)]
    pub time: Timestamp,
    /// When the token runs out, by the relay's clock.
    #[n(3)]
    pub valid_until: Timestamp,
}

/// Push and pull in one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SyncRequest {
    /// Where the device stands; absent on the first sync, which forgets what this device was subscribed to.
    /// Everything up to it is durable on the device.
    #[n(0)]
    pub cursor: Option<Cursor>,
    /// Statements the relay may lack, each after those that vouch for it.
    #[n(1)]
    pub statements: Vec<ByteVec>,
    /// Sealed entries.
    #[n(2)]
    pub entries: Vec<ByteVec>,
    /// Logs that this device wants to be kept up to date with, from their beginning.
    #[n(3)]
    pub subscribe: Vec<LogId>,
    /// Logs it no longer wants.
    #[n(4)]
    pub unsubscribe: Vec<LogId>,
    /// Statements the device has read of but does not hold.
    #[n(5)]
    pub want_statements: Vec<StatementId>,
    /// Entries the device knows to be missing (after a comparison).
    #[n(6)]
    pub want_entries: Vec<SealedId>,
    /// Answers to enrolments.
    #[n(7)]
    pub enrolments: Vec<EnrolmentAnswer>,
    /// Logs that this device wants to be kept up to date with from now on; what is older is found by comparing.
    #[n(8)]
    pub follow: Vec<LogId>,
}

/// A place in what the relay has for one device. Opaque to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct Cursor {
    /// The life of the relay's database it belongs to.
    #[n(0)]
    pub epoch: RelayEpoch,
    /// The last item received.
    #[n(1)]
    pub at: u64,
    /// Random, drawn by the relay when it wrote that item: a relay restored from an old copy cannot have it.
    #[n(2)]
    pub check: u64,
}

/// The relay's answer to a [`SyncRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SyncAnswer {
    /// The relay's clock.
    #[n(0)]
    pub time: Timestamp,
    /// Where the device stands once it has stored `items`.
    #[n(1)]
    pub cursor: Cursor,
    /// What became of each pushed entry, in the order pushed. "Stored" is said only after the relay's disk has it.
    #[n(2)]
    pub receipts: Vec<Receipt>,
    /// What became of each pushed statement that was refused.
    #[n(3)]
    pub refused_statements: Vec<RefusedStatement>,
    /// What is new for the device, in order.
    #[n(4)]
    pub items: Vec<Item>,
    /// Statements that were asked for.
    #[n(5)]
    pub statements: Vec<ByteVec>,
    /// There is more after `cursor`: ask again at once.
    #[n(6)]
    pub more: bool,
    /// The cursor in the request belonged to another life of this relay's database: compare (`/v1/compare`).
    #[n(7)]
    pub reset: bool,
    /// When the session's token now runs out, by the relay's clock.
    #[n(8)]
    pub session_until: Timestamp,
}

/// What became of one pushed entry.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Receipt {
    /// Which.
    #[n(0)]
    pub entry: SealedId,
    /// Absent: stored, durably. Present: refused, and why.
    #[n(1)]
    pub refused: Option<Problem>,
}

/// A pushed statement that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RefusedStatement {
    /// Which.
    #[n(0)]
    pub statement: StatementId,
    /// Why.
    #[n(1)]
    pub problem: Problem,
}

/// One thing that the relay has for a device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Item {
    /// A sealed entry of a subscribed log.
    #[n(0)]
    Entry(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// An access or acknowledgement statement for one of the device's principals or entries.
    #[n(1)]
    Statement(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// Somebody answers an invitation that this device issued.
    #[n(2)]
    Enrolment(#[n(0)] EnrolRequest),
    /// Two devices answered an invitation that this device issued.
    #[n(3)]
    InviteContested(#[n(0)] InviteId),
}

/// One event of the live stream: items, and where the device then stands.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LiveEvent {
    /// Where the device stands once it has stored `items`.
    #[n(0)]
    pub cursor: Cursor,
    /// What is new; empty when it is too large to ride along: then sync.
    #[n(1)]
    pub items: Vec<Item>,
    /// The relay's clock.
    #[n(2)]
    pub time: Timestamp,
}

/// A new device answers an invitation. Sent again, unchanged, it asks how far things are.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EnrolRequest {
    /// Which invitation.
    #[n(0)]
    pub invite: InviteId,
    /// The keys that the new device made, for the one who issues its credential: opaque to the relay.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub request: Vec<u8>,
    /// HMAC-SHA-256 of `request` under a key derived from the one-time secret.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub proof: [u8; 32],
}

/// How far an enrolment is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum EnrolAnswer {
    /// The issuer has not answered yet.
    #[n(0)]
    Waiting,
    /// Here is the credential, with what belongs to it: opaque to the relay.
    #[n(1)]
    Issued(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
}

/// What the issuer's device sends back for a new device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EnrolmentAnswer {
    /// Which invitation.
    #[n(0)]
    pub invite: InviteId,
    /// Sealed to the new device, with its credential beside it: the relay reads the credential when the invitation is contested,
    /// to stop it.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub answer: Vec<u8>,
}

/// One step of comparing what the device holds with what the relay holds for it.
///
/// Entries are ordered by sealed id. A range is all ids that begin with the same bits; it is summed up by how many there
/// are and the XOR of their ids. Ranges that differ are split 32 ways, small ones are listed, until both sides meet.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CompareRequest {
    /// The device's sums. The first step asks about the one range of length 0.
    #[n(0)]
    pub ranges: Vec<RangeSum>,
}

/// Part of the space of sealed ids: all that begin with the same `bits` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct Range {
    /// The common bits, left-aligned; the rest are zero.
    #[n(0)]
    pub prefix: u64,
    /// How many bits: 0, 5, 10 ... 60.
    #[n(1)]
    pub bits: u8,
}

/// What one side holds in a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RangeSum {
    /// Which range.
    #[n(0)]
    pub range: Range,
    /// How many entries.
    #[n(1)]
    pub count: u64,
    /// XOR of their sealed ids.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub xor: [u8; 32],
}

/// What the relay finds in ranges that differ.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CompareAnswer {
    /// Ranges that differ and are small: everything the relay holds in them.
    #[n(0)]
    pub listed: Vec<RangeList>,
    /// Ranges that differ and are large: the relay's sums of their 32 parts.
    #[n(1)]
    pub split: Vec<RangeSum>,
}

/// Everything the relay holds in a range.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RangeList {
    /// Which range.
    #[n(0)]
    pub range: Range,
    /// Ascending.
    #[n(1)]
    pub entries: Vec<SealedId>,
}

impl Range {
    /// Every sealed id.
    pub const ALL: Self = Self { prefix: 0, bits: 0 };

    /// How many bits one step goes deeper.
    pub const STEP_BITS: u8 = 5;

    /// The first bits of a sealed id.
    #[must_use]
    pub fn key(id: &SealedId) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&id.as_bytes()[..8]);
        u64::from_be_bytes(first)
    }

    /// True when the id lies in the range.
    #[must_use]
    pub fn contains(&self, id: &SealedId) -> bool {
        (Self::key(id) ^ self.prefix) & self.mask() == 0
    }

    const fn mask(&self) -> u64 {
        if self.bits >= 64 { u64::MAX } else { !(u64::MAX >> self.bits) }
    }

    /// The smallest and the largest sealed id of the range.
    #[must_use]
    pub fn bounds(&self) -> (SealedId, SealedId) {
        let mut low = [0; 32];
        let mut high = [0xff; 32];
        low[..8].copy_from_slice(&(self.prefix & self.mask()).to_be_bytes());
        high[..8].copy_from_slice(&(self.prefix | !self.mask()).to_be_bytes());
        (SealedId::new(low), SealedId::new(high))
    }

    /// Its 32 parts, in order; `None` when it cannot be split further, or is not a range.
    #[must_use]
    pub fn split(&self) -> Option<[Self; 32]> {
        if !self.is_valid() || self.bits == 60 {
            return None;
        }
        let bits = self.bits + Self::STEP_BITS;
        Some(std::array::from_fn(|part| Self { prefix: self.prefix | (part as u64) << (64 - bits), bits }))
    }

    /// True when it could have come from splitting [`Self::ALL`].
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.bits <= 60 && self.bits.is_multiple_of(Self::STEP_BITS) && self.prefix & !self.mask() == 0
    }

    /// Sums up the ids that lie in the range.
    #[must_use]
    pub fn sum<'a>(self, ids: impl IntoIterator<Item = &'a SealedId>) -> RangeSum {
        let mut sum = RangeSum { range: self, count: 0, xor: [0; 32] };
        for id in ids.into_iter().filter(|id| self.contains(id)) {
            sum.count += 1;
            for (x, byte) in sum.xor.iter_mut().zip(id.as_bytes()) {
                *x ^= byte;
            }
        }
        sum
    }
}
