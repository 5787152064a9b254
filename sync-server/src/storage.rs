//! What the rules need from a database, and no more: rows in, rows out, no decision.
//!
//! Rows have short integer keys inside; the 32-byte ids are looked up once at the edge. [`sqlite`] is the one
//! implementation, on a file for the relay and in memory for tests and simulations.

use bedside_protocol::ids::{
    DeviceId, InviteId, LogId, Principal, RelayEpoch, SealedId, StatementId, Timestamp,
};
use bedside_protocol::problem::{Problem, ProblemKind};

mod files;
pub mod sqlite;

pub(crate) use files::{companions, sync_file};

/// Why the database could not do it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {step}")]
pub struct StorageError {
    /// What was being done.
    pub step: &'static str,
    /// What SQLite said. It names tables and columns, never their contents.
    #[source]
    pub source: rusqlite::Error,
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        tracing::error!(step = error.step, cause = %error.source, "the database refused");
        ProblemKind::Unavailable.because(format!("the relay cannot {} at the moment", error.step))
    }
}

/// What storage answers with.
pub type Stored<T> = Result<T, StorageError>;

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub(crate) i64);)*
    };
}

rows! {
    /// A device's row.
    DeviceRow
    /// A log's row.
    LogRow
    /// An entry's row.
    EntryRow
    /// A statement's row.
    StatementRow
    /// A principal's row.
    PrincipalRow
    /// An invitation's row.
    InviteRow
}

/// The one row about the database itself.
#[derive(Clone)]
pub struct Meta {
    /// The network root's public key.
    pub root: [u8; 32],
    /// This life of the database.
    pub epoch: RelayEpoch,
    /// Key of the check in cursors and challenges.
    pub secret: [u8; 32],
    /// The last number that was given to a feed row or position.
    pub seq: u64,
}

/// Kinds of statements, as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementKind {
    /// An organisation; vouches.
    Organisation,
    /// A credential; vouches.
    Credential,
    /// Access to a log.
    Access,
    /// An acknowledgement.
    Acknowledgement,
    /// An invitation.
    Invite,
}

/// A place in a device's feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The row's number.
    pub at: u64,
    /// What was drawn when it was written.
    pub check: u64,
}

/// Where a device that has synced before stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Everything up to here is durable on the device.
    pub ack: Position,
    /// Offered to the device because its cursor meant nothing.
    pub reset: Option<Position>,
}

/// What a feed row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedObject {
    /// An entry.
    Entry(EntryRow),
    /// An organisation of the network: every device hears of it, so that plans can be shared with it.
    Organisation(StatementRow),
    /// An access statement.
    Access(StatementRow),
    /// An acknowledgement.
    Acknowledgement(StatementRow),
    /// Somebody answered an invitation.
    Enrolment(InviteRow),
    /// Two devices answered an invitation.
    Contested(InviteRow),
    /// Nothing any more: the log was unsubscribed. The row stays so that a cursor that names it still counts.
    Nothing,
}

/// One row of a device's feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedRow {
    /// Where.
    pub position: Position,
    /// What.
    pub object: FeedObject,
}

/// An invitation.
#[derive(Clone)]
pub struct InviteState {
    /// Its row.
    pub row: InviteRow,
    /// Its id.
    pub id: InviteId,
    /// Whose it is.
    pub issuer: DeviceRow,
    /// By the relay's clock.
    pub valid_until: Timestamp,
    /// The first request and its proof.
    pub request: Option<(Vec<u8>, [u8; 32])>,
    /// Two devices answered.
    pub contested: bool,
    /// The issuer's answer.
    pub answer: Option<Vec<u8>>,
    /// The credential in that answer, if it was for a device that had not synced before.
    pub admitted: Option<StatementId>,
}

/// An entry that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryInfo {
    /// Its row.
    pub row: EntryRow,
    /// Its log.
    pub log: LogRow,
    /// The device that pushed it first.
    pub pushed_by: DeviceRow,
}

/// What a device may do with a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Fetch.
    pub read: bool,
    /// Add entries.
    pub append: bool,
    /// Give others access: one and the same statement gave reading and adding. Who only began the log a second time
    /// cannot give access to themselves.
    pub share: bool,
}

/// What one access statement gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gives {
    /// Fetch.
    pub read: bool,
    /// Add entries.
    pub append: bool,
}

/// How much there is, for operators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    /// Devices named by a credential.
    pub devices: u64,
    /// Logs that somebody has access to.
    pub logs: u64,
    /// Sealed entries.
    pub entries: u64,
    /// Their bytes.
    pub entry_bytes: u64,
    /// Statements of every kind.
    pub statements: u64,
    /// Subscriptions.
    pub subscriptions: u64,
    /// Items that wait for devices.
    pub feed_rows: u64,
    /// Open invitations.
    pub invites: u64,
    /// Bytes of the database, free pages included.
    pub database_bytes: u64,
}

/// A database for the rules. Methods that write are used inside a savepoint.
pub trait Storage {
    /// Begins the transaction that several requests share.
    fn begin(&self) -> Stored<()>;
    /// Makes durable what happened since [`Self::begin`].
    fn commit(&self) -> Stored<()>;
    /// Forgets what happened since [`Self::begin`].
    fn abandon(&self) -> Stored<()>;
    /// Begins one request. Outside of [`Self::begin`] it is a transaction of its own.
    fn savepoint(&self) -> Stored<()>;
    /// Keeps what the request did.
    fn release(&self) -> Stored<()>;
    /// Forgets what the request did.
    fn roll_back(&self) -> Stored<()>;

    /// About the database.
    fn meta(&self) -> Stored<Meta>;
    /// Begins a new life of the database.
    fn set_epoch(&self, epoch: &RelayEpoch) -> Stored<()>;
    /// Remembers the last number given.
    fn set_seq(&self, seq: u64) -> Stored<()>;

    /// Every organisation and credential, those who vouch before those they vouch for.
    fn each_vouching(&self, visit: &mut dyn FnMut(&[u8])) -> Stored<()>;
    /// True when the statement is stored.
    fn has_statement(&self, id: &StatementId) -> Stored<bool>;
    /// Stores a statement that is not there yet.
    fn add_statement(&self, id: &StatementId, kind: StatementKind, bytes: &[u8]) -> Stored<StatementRow>;
    /// A stored statement.
    fn statement(&self, row: StatementRow) -> Stored<Vec<u8>>;
    /// An organisation or credential by id.
    fn vouching_statement(&self, id: &StatementId) -> Stored<Option<Vec<u8>>>;

    /// A device that some credential names.
    fn device(&self, id: &DeviceId) -> Stored<Option<DeviceRow>>;
    /// The same, made when it is not there.
    fn ensure_device(&self, id: &DeviceId) -> Stored<DeviceRow>;
    /// The id of a device.
    fn device_id(&self, row: DeviceRow) -> Stored<DeviceId>;
    /// Where a device stands; `None` before its first sync.
    fn standing(&self, device: DeviceRow) -> Stored<Option<Standing>>;
    /// Sets where a device stands.
    fn set_standing(&self, device: DeviceRow, standing: Standing) -> Stored<()>;

    /// A principal's row, made when it is not there.
    fn ensure_principal(&self, principal: &Principal) -> Stored<PrincipalRow>;
    /// Says that a device acts for a principal, widening an earlier span of time. True when it did not before.
    fn add_device_principal(
        &self,
        device: DeviceRow,
        principal: PrincipalRow,
        from: Timestamp,
        until: Timestamp,
    ) -> Stored<bool>;
    /// True when some credential of the device is valid at that moment.
    fn is_valid(&self, device: DeviceRow, at: Timestamp) -> Stored<bool>;
    /// Every principal that the device has acted for, valid or not.
    fn principals_of(&self, device: DeviceRow) -> Stored<Vec<PrincipalRow>>;
    /// Every organisation of the network.
    fn organisations(&self) -> Stored<Vec<StatementRow>>;
    /// Every device that has synced.
    fn devices(&self) -> Stored<Vec<DeviceRow>>;
    /// Devices that act for a principal and have synced.
    fn devices_of(&self, principal: PrincipalRow) -> Stored<Vec<DeviceRow>>;

    /// From now on this credential counts for nothing here.
    fn stop_credential(&self, id: &StatementId) -> Stored<()>;
    /// True when it counts for nothing.
    fn is_stopped(&self, id: &StatementId) -> Stored<bool>;
    /// Ends the device's sessions and forgets whom it acts for.
    fn forget_authority(&self, device: DeviceRow) -> Stored<()>;

    /// Keeps a session, and of the device's others only the newest.
    fn add_token(&self, hash: &[u8; 32], device: DeviceRow, until: Timestamp, keep: usize) -> Stored<()>;
    /// The device of a session and when it ends.
    fn token(&self, hash: &[u8; 32]) -> Stored<Option<(DeviceRow, Timestamp)>>;
    /// Prolongs the device's sessions that are alive and end before `renew_before`; when the first of them now ends.
    fn renew_tokens(
        &self,
        device: DeviceRow,
        now: Timestamp,
        renew_before: Timestamp,
        until: Timestamp,
    ) -> Stored<Option<Timestamp>>;
    /// Forgets sessions and invitations that ended.
    fn forget_ended(&self, tokens_before: Timestamp, invites_before: Timestamp) -> Stored<()>;

    /// A log that somebody has access to.
    fn log(&self, id: &LogId) -> Stored<Option<LogRow>>;
    /// The same, made when it is not there.
    fn ensure_log(&self, id: &LogId) -> Stored<LogRow>;
    /// Records access.
    fn add_access(
        &self,
        log: LogRow,
        principal: PrincipalRow,
        statement: StatementRow,
        gives: Gives,
    ) -> Stored<()>;
    /// What a principal may do with a log.
    fn principal_rights(&self, log: LogRow, principal: PrincipalRow) -> Stored<Rights>;
    /// What a device may do with a log at that moment.
    fn device_rights(&self, log: LogRow, device: DeviceRow, at: Timestamp) -> Stored<Rights>;
    /// A principal's access statements, in order of arrival.
    fn access_of(&self, principal: PrincipalRow) -> Stored<Vec<StatementRow>>;

    /// An entry by id.
    fn entry(&self, id: &SealedId) -> Stored<Option<EntryInfo>>;
    /// Stores an entry that is not there yet.
    fn add_entry(
        &self,
        id: &SealedId,
        log: LogRow,
        pushed_by: DeviceRow,
        received: Timestamp,
        bytes: &[u8],
    ) -> Stored<EntryRow>;
    /// A stored entry.
    fn entry_bytes(&self, row: EntryRow) -> Stored<Vec<u8>>;
    /// A log's entries in order of arrival.
    fn entries_of(&self, log: LogRow) -> Stored<Vec<EntryRow>>;
    /// Sealed ids from `low` to `high` of every log that the device may read at that moment, in no order, once each.
    fn readable_ids(
        &self,
        device: DeviceRow,
        at: Timestamp,
        low: &SealedId,
        high: &SealedId,
    ) -> Stored<Vec<SealedId>>;

    /// Subscribes. True when the device was not subscribed.
    fn subscribe(&self, device: DeviceRow, log: LogRow) -> Stored<bool>;
    /// Unsubscribes; what waited of this log becomes [`FeedObject::Nothing`].
    fn unsubscribe(&self, device: DeviceRow, log: LogRow) -> Stored<()>;
    /// Forgets every subscription of the device.
    fn unsubscribe_all(&self, device: DeviceRow) -> Stored<()>;
    /// True when the device is subscribed, whether it may read the log or not.
    fn is_subscribed(&self, device: DeviceRow, log: LogRow) -> Stored<bool>;
    /// Devices subscribed to a log that were given reading it.
    fn subscribers(&self, log: LogRow) -> Stored<Vec<DeviceRow>>;

    /// Adds to a device's feed.
    fn add_feed(&self, device: DeviceRow, row: FeedRow) -> Stored<()>;
    /// The row at a number, if it is there.
    fn feed_row(&self, device: DeviceRow, at: u64) -> Stored<Option<FeedRow>>;
    /// At most `count` rows after a number.
    fn feed_after(&self, device: DeviceRow, at: u64, count: usize) -> Stored<Vec<FeedRow>>;
    /// Drops rows up to and including a number.
    fn drop_feed(&self, device: DeviceRow, to: u64) -> Stored<()>;
    /// Entries that wait in a device's feed.
    fn waiting_entries(&self, device: DeviceRow) -> Stored<Vec<EntryRow>>;

    /// An invitation by id.
    fn invite(&self, id: &InviteId) -> Stored<Option<InviteState>>;
    /// An invitation by row.
    fn invite_at(&self, row: InviteRow) -> Stored<Option<InviteState>>;
    /// Stores an invitation that is not there yet.
    fn add_invite(&self, id: &InviteId, issuer: DeviceRow, until: Timestamp) -> Stored<InviteRow>;
    /// Changes request, contest and answer.
    fn update_invite(&self, invite: &InviteState) -> Stored<()>;
    /// The device's invitations that somebody answered.
    fn requested_invites(&self, issuer: DeviceRow) -> Stored<Vec<InviteState>>;

    /// How much there is.
    fn totals(&self) -> Stored<Totals>;
}
