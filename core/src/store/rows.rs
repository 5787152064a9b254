//! What the store is given and gives back. None of these can be printed: most hold personal data or secrets.

use bedside_protocol::ids::{
    EntryId, IdentityId, KeyId, LogId, RelayEpoch, SealedId, StatementId, Timestamp,
};
use bedside_protocol::wire::{Cursor, EnrolmentAnswer};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

macro_rules! code {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// As it is stored; never changes.
            #[must_use]
            pub const fn code(self) -> u8 { match self { $(Self::$variant => $code,)* } }

            /// Reads what [`Self::code`] gives.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

code! {
    /// What a statement says, as `bedside_protocol::statement::Statement` numbers it.
    StatementKind {
        /// An organisation of the network.
        Organisation = 0,
        /// What a person may do and be, on one device.
        Credential = 1,
        /// Who may fetch a log, with its key sealed to them.
        Access = 2,
        /// A reader's device holds entries.
        Acknowledgement = 3,
        /// Somebody is expected to enrol.
        Invite = 4,
    }
}

code! {
    /// Why a sealed entry is kept unopened, or opened and not yet taken in.
    WaitReason {
        /// The content key is not here.
        Key = 0,
        /// An entry that it follows is not here.
        Parent = 1,
        /// Its author's credential is not here.
        Credential = 2,
        /// Written by a newer version of Bedside.
        Version = 3,
    }
}

code! {
    /// What became of an entry. Three different words, three receipts.
    ReceiptKind {
        /// Durable on the relay.
        Sent = 0,
        /// A named reader's device holds it.
        Seen = 1,
        /// The relay refused it.
        Refused = 2,
    }
}

/// A verified statement.
#[derive(Clone, PartialEq, Eq)]
pub struct StatementRow {
    /// SHA-256 of its bytes.
    pub id: StatementId,
    /// What it says.
    pub kind: StatementKind,
    /// The log that an access or acknowledgement statement is about.
    pub log: Option<LogId>,
    /// COSE_Sign1, as received.
    pub bytes: Vec<u8>,
    /// The relay has it, or needs it not.
    pub sent: bool,
}

/// A log, and what this device has to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Which.
    pub id: LogId,
    /// The plan's main log; absent in the main log itself.
    pub main: Option<LogId>,
    /// Which compartment of the plan it holds; 0 in the main log.
    pub compartment: u8,
    /// The relay is asked to keep this device up to date with it.
    pub subscribed: bool,
    /// When somebody last opened the plan on this device.
    pub opened_at: Option<Timestamp>,
}

/// A content key of a log.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentKeyRow {
    /// Its name.
    pub key_id: KeyId,
    /// 32 bytes.
    pub key: Zeroizing<Vec<u8>>,
    /// New entries are sealed under it.
    pub current: bool,
}

/// An opened, verified entry.
#[derive(Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// The log it belongs to.
    pub log: LogId,
    /// SHA-256 over the log and `bytes`.
    pub entry_id: EntryId,
    /// What the relay knows it by.
    pub sealed_id: SealedId,
    /// The credential its author wrote under.
    pub credential: StatementId,
    /// The author's count of their entries in this log, from 1.
    pub author_seq: u64,
    /// Canonical bytes.
    pub bytes: Vec<u8>,
    /// Ed25519 over `entry_id`, 64 bytes.
    pub signature: Vec<u8>,
    /// When this device took it in, by its own clock.
    pub received_at: Timestamp,
    /// Written on this device.
    pub own: bool,
}

/// A sealed entry that cannot be taken in yet.
#[derive(Clone, PartialEq, Eq)]
pub struct WaitingRow {
    /// What the relay knows it by.
    pub sealed_id: SealedId,
    /// The log its header names.
    pub log: LogId,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
    /// What is missing.
    pub reason: WaitReason,
    /// The bytes of the id of what is missing; empty when that is not known.
    pub needs: Vec<u8>,
    /// When it came, by this device's clock.
    pub received_at: Timestamp,
}

/// A log's merged document and the state computed from its entries. Derived.
#[derive(Clone, PartialEq, Eq)]
pub struct DocumentRow {
    /// The automerge document.
    pub bytes: Vec<u8>,
    /// The ledger's state, encoded.
    pub state: Vec<u8>,
}

/// A plan as lists and search show it. Derived.
#[derive(Clone, PartialEq, Eq)]
pub struct PlanRow {
    /// The plan's main log.
    pub log: LogId,
    /// Ten digits.
    pub nhs_number: String,
    /// Family name; empty when not recorded.
    pub family: String,
    /// Given names; empty when not recorded.
    pub given: String,
    /// Date of birth as YYYY-MM-DD; empty when not recorded.
    pub born: String,
    /// Where the person lives, in a few words.
    pub place: String,
    /// The CPR answer in one line.
    pub cpr: String,
    /// How many alerts.
    pub alerts: u32,
    /// Decisions contradict each other.
    pub in_conflict: bool,
    /// How many entries are held.
    pub held: u32,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// When somebody last opened it on this device. Read from the log; writing a plan row does not change it.
    pub opened_at: Option<Timestamp>,
    /// What else a list shows, in CBOR.
    pub summary: Vec<u8>,
}

/// A rendered view of a log. Derived.
#[derive(Clone, PartialEq, Eq)]
pub struct ViewRow {
    /// When it was rendered.
    pub at: Timestamp,
    /// The view, encoded.
    pub bytes: Vec<u8>,
}

/// An own entry that the relay has not confirmed.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingRow {
    /// What the relay knows it by.
    pub sealed_id: SealedId,
    /// The entry.
    pub entry_id: EntryId,
    /// Its log.
    pub log: LogId,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

/// What became of an entry.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    /// The entry.
    pub entry_id: EntryId,
    /// Sent, seen or refused.
    pub kind: ReceiptKind,
    /// Who says so: the reader's credential; empty for the relay.
    pub by: Vec<u8>,
    /// When, by the clock of who says so.
    pub at: Timestamp,
    /// The refusal, encoded.
    pub detail: Option<Vec<u8>>,
}

/// A look at a plan that is not in a signed entry yet.
#[derive(Clone, PartialEq, Eq)]
pub struct LookRow {
    /// Who looked.
    pub identity: IdentityId,
    /// The plan's main log.
    pub log: LogId,
    /// The look, encoded.
    pub bytes: Vec<u8>,
}

/// Something that a migration or a rebuild could not read, kept for later.
#[derive(Clone, PartialEq, Eq)]
pub struct QuarantineRow {
    /// The table it came from.
    pub table_name: String,
    /// What it was.
    pub bytes: Vec<u8>,
    /// Why it could not be read; no personal data.
    pub reason: String,
    /// When it was set aside.
    pub at: Timestamp,
}

/// Where a page of a list ended; the next page begins after it. Good for the list it came from alone.
#[derive(Clone, PartialEq, Eq)]
pub struct PageKey {
    pub(super) sort: String,
    pub(super) number: i64,
}

impl PageKey {
    /// As one text: 16 hexadecimal digits, then a name. It is as secret as the name.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{:016x}{}", self.number, self.sort)
    }

    /// Reads what [`Self::to_text`] writes.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (number, sort) = text.split_at_checked(16)?;
        let number = u64::from_str_radix(number, 16).ok()?;
        Some(Self { sort: sort.to_owned(), number: number.cast_signed() })
    }
}

/// Some rows of a list, in its order.
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page begins; none after the last.
    pub next: Option<PageKey>,
}

code! {
    /// A list that a plan is on by what it says.
    List {
        /// Somebody asked for approval, or what was approved has changed.
        Approval = 0,
        /// The next day of review.
        Review = 1,
        /// Decisions contradict each other.
        Conflict = 2,
        /// Entries are held.
        Held = 3,
        /// It names a key worker.
        KeyWorker = 4,
    }
}

/// A plan's place in a list that it is on by what it says. Derived.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListRow {
    /// Which list.
    pub list: List,
    /// Where in the list: rows are in the order of this text.
    pub sort: String,
    /// Why it is in the list, encoded.
    pub why: Vec<u8>,
}

/// A visit that somebody plans for themself.
#[derive(Clone, PartialEq, Eq)]
pub struct VisitRow {
    /// Its number on this device; never used again.
    pub number: i64,
    /// Whose visit.
    pub identity: IdentityId,
    /// To the person of this plan.
    pub log: LogId,
    /// YYYY-MM-DD, in the United Kingdom.
    pub day: String,
    /// HH:MM; none for some time that day.
    pub time: Option<String>,
    /// What for; may be empty.
    pub note: String,
    /// When it was marked as done.
    pub done_at: Option<Timestamp>,
}

/// Which visits.
#[derive(Clone, Copy)]
pub enum Visits<'a> {
    /// Those that are not done, whenever they were planned for.
    ToDo,
    /// Those that are not done and planned for this day or an earlier one.
    ToDoBy(&'a str),
    /// All of this day.
    Of(&'a str),
}

/// How long the lists are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListCounts {
    /// Plans.
    pub all: u64,
    /// Plans that somebody has taken on.
    pub caseload: u64,
    /// Visits to do today, and those of earlier days that were not done.
    pub visits: u64,
    /// Plans that wait for approval.
    pub approval: u64,
    /// Plans whose review is due.
    pub reviews: u64,
    /// Of these: overdue.
    pub overdue: u64,
    /// Plans in conflict.
    pub in_conflict: u64,
    /// Plans with held entries.
    pub held: u64,
    /// Plans that changed since somebody looked.
    pub changed: u64,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Plans in the list.
    pub plans: u64,
    /// Entries taken in.
    pub entries: u64,
    /// Entries that wait for something.
    pub waiting: u64,
    /// Own entries that the relay has not confirmed.
    pub outgoing: u64,
    /// Own entries that the relay refused.
    pub refused: u64,
    /// Rows set aside because they could not be read.
    pub quarantined: u64,
}

/// A sealed entry that waits in the mailbox to go out.
#[derive(Clone, PartialEq, Eq)]
pub struct MailRow {
    /// What the relay knows it by.
    pub sealed_id: SealedId,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

/// Something the relay sent that has not been opened.
#[derive(Clone, PartialEq, Eq)]
pub struct IncomingRow {
    /// Its place in the mailbox, by which it is removed. Ascends in order of arrival.
    pub position: i64,
    /// The item, encoded as it came.
    pub bytes: Vec<u8>,
}

/// What the relay said of a pushed entry.
#[derive(Clone, PartialEq, Eq)]
pub struct MailReceipt {
    /// Which entry.
    pub sealed_id: SealedId,
    /// When, by the relay's clock.
    pub at: Timestamp,
    /// Absent: stored. Present: the refusal, encoded.
    pub refused: Option<Vec<u8>>,
}

/// Where syncing stands.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SyncState {
    /// How far the relay's items have been taken.
    pub cursor: Option<Cursor>,
    /// The session's token.
    pub token: Option<[u8; 32]>,
    /// When the token runs out, by the relay's clock.
    pub token_until: Option<Timestamp>,
    /// The life of the relay's database that this device last met.
    pub relay_epoch: Option<RelayEpoch>,
    /// The relay's clock at the last contact.
    pub relay_time: Option<Timestamp>,
    /// The device's clock at the last contact.
    pub device_time: Option<Timestamp>,
    /// Where the relay is.
    pub relay_url: Option<String>,
    /// The relay lost its place, and comparing with it is not finished.
    pub recovering: bool,
}

/// Something to ask of the relay in the next request.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Wish {
    /// A log, from its beginning.
    #[n(0)]
    Subscribe(#[n(0)] LogId),
    /// A log, from now on.
    #[n(1)]
    Follow(#[n(0)] LogId),
    /// A log no longer.
    #[n(2)]
    Unsubscribe(#[n(0)] LogId),
    /// A statement that an entry or another statement names.
    #[n(3)]
    Statement(#[n(0)] StatementId),
    /// An entry that the relay has and this device lacks.
    #[n(4)]
    Entry(#[n(0)] SealedId),
    /// An answer to a new device, for the relay to keep until it asks.
    #[n(5)]
    Enrolment(#[n(0)] EnrolmentAnswer),
}
