//! One signed unit of a plan's history.
//!
//! An entry's canonical bytes are a CBOR map; its id is `SHA-256("bedside entry" ‖ log ‖ bytes)`; its author signs the id.
//! So a signature covers the log, the author's place in it, everything the author had seen, and the change itself,
//! and never the ciphertext: it survives re-sealing.

use std::fmt;

use minicbor::{Decode, Encode};

use crate::cbor::{self, CborError};
use crate::ids::{EntryId, LogId, Principal, StatementId, Timestamp};
use crate::limits::{LOOK_TEXT_BYTES_MAX, LOOKS_MAX, PARENTS_MAX};
use crate::signing::sha256;

/// One signed unit of history, without its log (which the id and the signature bind) and its signature.
///
/// `Debug` shows ids only: the body may hold personal data.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Entry {
    /// Format version, 1.
    #[n(0)]
    pub version: u8,
    /// The credential its author wrote under; it names the author.
    #[n(1)]
    pub credential: StatementId,
    /// 1 for the author's first entry in this log, then without gaps.
    #[n(2)]
    pub author_seq: u64,
    /// The author's previous entry in this log; absent in their first.
    #[n(3)]
    pub prev: Option<Prev>,
    /// The newest entries of this log that the author held, ascending. Empty only in an entry that begins a log.
    #[n(4)]
    pub parents: Vec<EntryId>,
    /// In logs beside the plan's main one: the main log's newest entries when this was written, ascending.
    #[n(5)]
    pub plan_heads: Option<Vec<EntryId>>,
    /// The author's device clock.
    #[n(6)]
    pub device_time: Timestamp,
    /// The last time a relay told the author's device; absent when it has never met one.
    #[n(7)]
    pub relay_time: Option<Timestamp>,
    /// The consent (or other lawful basis) under which this was written; absent only in a consent itself.
    #[n(8)]
    pub basis: Option<EntryId>,
    /// What it says.
    #[n(9)]
    pub body: Body,
    /// In logs beside the plan's main one: which. Absent in the main log.
    #[n(10)]
    pub compartment: Option<Compartment>,
}

/// One log of a plan. Each has a key of its own: what somebody must not read they do not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Compartment {
    /// The plan's main log: what everybody with access to the plan reads.
    #[n(0)]
    Shared,
    /// What the person must not see yet, or at all.
    #[n(1)]
    Professional,
    /// How to get into the home, and safeguarding. Shown when it is revealed, and every reveal is recorded.
    #[n(2)]
    Restricted,
    /// Who looked at what, when and why.
    #[n(3)]
    AccessRecord,
}

impl Compartment {
    /// Every compartment, by number.
    pub const ALL: [Self; 4] = [Self::Shared, Self::Professional, Self::Restricted, Self::AccessRecord];

    /// The number that goes into the log id.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The compartment of a number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// How an entry names its author's previous one: nearly always it is among the parents, and one byte will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Prev {
    /// The parent at this index.
    #[n(0)]
    Parent(#[n(0)] u8),
    /// An entry that the parents already follow.
    #[n(1)]
    Entry(#[n(0)] EntryId),
}

/// What an entry says.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum Body {
    /// Consent to record or to share, given or withdrawn, or another lawful basis.
    #[n(0)]
    Consent(#[n(0)] Consent),
    /// An automerge change to the log's document: class P, S and X fields.
    #[n(1)]
    Change(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// A clinical decision or legal fact (class C, L): stands or falls as a whole.
    #[n(2)]
    Decision(#[n(0)] Decision),
    /// Somebody was given the key to this log.
    #[n(3)]
    Grant(#[n(0)] Grant),
    /// Sections as they stood in the entry's past, approved.
    #[n(4)]
    Approval(#[n(0)] Approval),
    /// What becomes of a held entry.
    #[n(5)]
    Review(#[n(0)] Review),
    /// Where the plan stands on its way to approval.
    #[n(6)]
    Mark(#[n(0)] Mark),
    /// Looks at the plan by the entry's author, oldest first. In the access record, and the only thing there.
    #[n(7)]
    Looks(#[n(0)] Vec<Look>),
}

/// A lawful basis for recording or sharing.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Consent {
    /// To record, or to share.
    #[n(0)]
    pub scope: Scope,
    /// Given, withdrawn, or on another basis.
    #[n(1)]
    pub outcome: Outcome,
    /// How it was given and by whom, in words. Empty when nothing was written.
    #[n(2)]
    pub note: String,
    /// Who decided when it was not the person, whom they asked, and why.
    #[n(3)]
    pub grounds: Option<Grounds>,
}

/// What a basis other than the person's own word rests on.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Grounds {
    /// The attorney, the representative, or who made the best-interests decision.
    #[n(0)]
    pub by: String,
    /// The people who were consulted.
    #[n(1)]
    pub consulted: Vec<String>,
    /// Why.
    #[n(2)]
    pub rationale: String,
    /// The decision on capacity that it rests on.
    #[n(3)]
    pub capacity: Option<EntryId>,
}

/// What a consent covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Scope {
    /// Keeping a plan at all.
    #[n(0)]
    Record,
    /// Letting others than the author's organisation read it.
    #[n(1)]
    Share,
}

/// What was said about a [`Scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Outcome {
    /// Consent given by the person (SNOMED CT 882921000000109).
    #[n(0)]
    Given,
    /// Consent withdrawn (882941000000102).
    #[n(1)]
    Withdrawn,
    /// A best-interests decision (882961000000101).
    #[n(2)]
    BestInterests,
    /// Consent given by an attorney for health and welfare (883001000000106).
    #[n(3)]
    Attorney,
    /// Consent given by a legitimate representative (882981000000105).
    #[n(4)]
    Representative,
}

/// A decision on one section, signed as a whole.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Decision {
    /// Section number (0..19) in the plan.
    #[n(0)]
    pub section: u8,
    /// The decisions of the same section that this one replaces, ascending.
    #[n(1)]
    pub supersedes: Vec<EntryId>,
    /// The fields of the decision: a CBOR map from field key to leaf, as the core's plan model defines it.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub content: Vec<u8>,
    /// The decision that this one endorses without changing it.
    #[n(3)]
    pub endorses: Option<EntryId>,
}

/// Sections approved as they stood in the entry's past.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Approval {
    /// At least one, ascending by number.
    #[n(0)]
    pub sections: Vec<ApprovedSection>,
    /// When the plan is to be looked at again: `YYYY-MM-DD`. Absent: three months later.
    #[n(1)]
    pub review_on: Option<String>,
}

/// A section as it was on the approver's screen.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ApprovedSection {
    /// Section number (0..19) in the plan.
    #[n(0)]
    pub section: u8,
    /// SHA-256 of what stood in it, as the core's plan model encodes it.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub digest: [u8; 32],
}

/// A reviewer's word on a held entry.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Review {
    /// The held entry.
    #[n(0)]
    pub entry: EntryId,
    /// True: it becomes part of the plan. False: it stays out.
    #[n(1)]
    pub adopt: bool,
    /// Why, for its author. May be empty.
    #[n(2)]
    pub note: String,
}

/// Where the plan stands on its way to approval, and why.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Mark {
    /// Where.
    #[n(0)]
    pub stage: Stage,
    /// Why, in words. May be empty.
    #[n(1)]
    pub note: String,
}

/// Where a plan can stand on its way to approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Stage {
    /// A clinician is asked to approve it.
    #[n(0)]
    AwaitingApproval,
    /// A clinician is looking at it again.
    #[n(1)]
    UnderReview,
    /// There should be no such plan.
    #[n(2)]
    EnteredInError,
    /// None of these: an earlier mark is taken back.
    #[n(3)]
    InUse,
}

/// One look at a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct Look {
    /// The device's clock.
    #[n(0)]
    pub at: Timestamp,
    /// What was done.
    #[n(1)]
    pub act: Act,
    /// Of what: a field's key, or the format of an export. Absent for the plan as a whole.
    #[n(2)]
    pub what: Option<String>,
    /// Why, where a reason was asked for.
    #[n(3)]
    pub why: Option<Why>,
}

/// What somebody did who looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Act {
    /// Had the plan on the screen.
    #[n(0)]
    View,
    /// Had a field shown that views withhold.
    #[n(1)]
    Reveal,
    /// Printed it.
    #[n(2)]
    Print,
    /// Wrote it to a file.
    #[n(3)]
    Export,
    /// Opened it although consent to share it with them was withdrawn.
    #[n(4)]
    BreakGlass,
}

/// Why somebody looked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct Why {
    /// One of a closed set.
    #[n(0)]
    pub reason: Reason,
    /// In words; never empty.
    #[n(1)]
    pub text: String,
}

/// On what ground somebody may look without consent. The codes are those of HL7's PurposeOfUse (v3 ActReason).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Reason {
    /// Treatment that cannot wait (ETREAT).
    #[n(0)]
    EmergencyTreatment,
    /// Somebody is in danger: safeguarding (THREAT).
    #[n(1)]
    Safeguarding,
    /// A court or a law requires it (HLEGAL).
    #[n(2)]
    LegalDuty,
}

/// A record, inside the log, of an access statement outside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Grant {
    /// Who may read from now on.
    #[n(0)]
    pub reader: Principal,
    /// The signed access statement that carries the sealed key.
    #[n(1)]
    pub statement: StatementId,
}

/// Why bytes are not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not deterministic CBOR of the right shape.
    #[error("an entry cannot be read")]
    Cbor(#[from] CborError),
    /// Written by a newer version of Bedside.
    #[error("an entry has format version {0}, newer than this software knows")]
    Version(u8),
    /// Its fields contradict each other.
    #[error("an entry is malformed: {0}")]
    Malformed(&'static str),
}

impl Entry {
    /// The format version that this build writes.
    pub const VERSION: u8 = 1;

    /// The bytes that are hashed, signed, and sealed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads an entry and checks everything that can be checked without its context.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EntryError> {
        cbor::check(bytes)?;
        let version = peek_version(bytes)?;
        if version != Self::VERSION {
            return Err(EntryError::Version(version));
        }
        let entry: Self = cbor::decode(bytes)?;
        entry.check()?;
        Ok(entry)
    }

    fn check(&self) -> Result<(), EntryError> {
        let malformed = |why| Err(EntryError::Malformed(why));
        if self.author_seq == 0 {
            return malformed("author_seq starts at 1");
        }
        if self.parents.len() > PARENTS_MAX {
            return malformed("too many parents");
        }
        if !self.parents.is_sorted_by(|a, b| a < b) {
            return malformed("parents ascend without repeats");
        }
        if (self.author_seq == 1) != self.prev.is_none() {
            return malformed("prev belongs to every entry but an author's first");
        }
        match self.prev {
            Some(Prev::Parent(index)) if usize::from(index) >= self.parents.len() => {
                malformed("prev names a parent that is not there")
            }
            Some(Prev::Entry(id)) if self.parents.contains(&id) => {
                malformed("prev is a parent: name it by index")
            }
            Some(_) if self.parents.is_empty() => malformed("prev without parents"),
            _ => Ok(()),
        }?;
        if self.basis.is_none() && !matches!(self.body, Body::Consent(_)) {
            return malformed("no basis");
        }
        if let Some(heads) = &self.plan_heads {
            if heads.len() > PARENTS_MAX {
                return malformed("too many plan heads");
            }
            if !heads.is_sorted_by(|a, b| a < b) {
                return malformed("plan heads ascend without repeats");
            }
        }
        if self.compartment == Some(Compartment::Shared) {
            return malformed("the main log is not beside itself");
        }
        if self.compartment.is_some() && self.plan_heads.as_ref().is_none_or(Vec::is_empty) {
            return malformed("beside the main log an entry names what it knew of it");
        }
        if let Body::Looks(looks) = &self.body {
            if looks.is_empty() || looks.len() > LOOKS_MAX {
                return malformed("number of looks");
            }
            let long = |text: &String| text.len() > LOOK_TEXT_BYTES_MAX;
            if looks.iter().any(|look| {
                look.what.as_ref().is_some_and(long) || look.why.as_ref().is_some_and(|why| long(&why.text))
            }) {
                return malformed("a look says too much");
            }
        }
        if let Body::Decision(decision) = &self.body
            && !decision.supersedes.is_sorted_by(|a, b| a < b)
        {
            return malformed("superseded decisions ascend without repeats");
        }
        if let Body::Approval(approval) = &self.body
            && (approval.sections.is_empty() || !approval.sections.is_sorted_by(|a, b| a.section < b.section))
        {
            return malformed("approved sections ascend without repeats, and there is one");
        }
        Ok(())
    }

    /// Where it belongs: the compartment, and the newest entries of the plan's main log that its author knew.
    #[must_use]
    pub fn place(&self) -> (Compartment, &[EntryId]) {
        let heads = self.plan_heads.as_deref().unwrap_or_default();
        (self.compartment.unwrap_or(Compartment::Shared), heads)
    }

    /// The author's previous entry in this log.
    #[must_use]
    pub fn prev_id(&self) -> Option<EntryId> {
        match self.prev? {
            Prev::Parent(index) => self.parents.get(usize::from(index)).copied(),
            Prev::Entry(id) => Some(id),
        }
    }

    /// Names `prev` in its one allowed form.
    #[must_use]
    pub fn prev_of(prev: Option<EntryId>, parents: &[EntryId]) -> Option<Prev> {
        let prev = prev?;
        let index = parents.iter().position(|parent| *parent == prev);
        Some(index.and_then(|i| u8::try_from(i).ok()).map_or(Prev::Entry(prev), Prev::Parent))
    }
}

/// The id of an entry from its log and canonical bytes.
#[must_use]
pub fn entry_id(log: &LogId, bytes: &[u8]) -> EntryId {
    EntryId::new(sha256(&[b"bedside entry", log.as_bytes(), bytes]))
}

fn peek_version(bytes: &[u8]) -> Result<u8, EntryError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let shape = |e: minicbor::decode::Error| EntryError::Cbor(CborError::Shape(e.to_string()));
    let fields = decoder.map().map_err(shape)?;
    if fields == Some(0) || decoder.u8().map_err(shape)? != 0 {
        return Err(EntryError::Malformed("no version"));
    }
    decoder.u8().map_err(shape)
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("credential", &self.credential)
            .field("author_seq", &self.author_seq)
            .field("parents", &self.parents)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Consent(_) => "Consent",
            Self::Change(_) => "Change",
            Self::Decision(_) => "Decision",
            Self::Grant(_) => "Grant",
            Self::Approval(_) => "Approval",
            Self::Review(_) => "Review",
            Self::Mark(_) => "Mark",
            Self::Looks(_) => "Looks",
        })
    }
}
