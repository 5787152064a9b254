//! The largest of everything in the relay that the protocol does not name. Each number says why it is what it is.

use std::time::Duration;

use bedside_protocol::limits::{
    BODY_BYTES_MAX, ENTRY_BYTES_MAX, PAGE_BYTES_MAX, PUSH_ENTRIES_MAX, STATEMENT_BYTES_MAX, STATEMENTS_MAX,
};

const MINUTE_MS: u64 = 60 * 1_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// A session lives this long after its device's last sync: a week's holiday does not ask for a new one.
pub const TOKEN_MS: u64 = 7 * DAY_MS;

/// A session is prolonged when less than this is left, so that a busy device writes it once a day.
pub const TOKEN_RENEW_MS: u64 = 6 * DAY_MS;

/// Sessions per device. One device has one; the others are for answers that were lost on the way.
pub const TOKENS_PER_DEVICE_MAX: usize = 4;

/// How long a challenge may be answered: a slow network, not a slow person.
pub const CHALLENGE_MS: u64 = 2 * MINUTE_MS;

/// Statements brought when signing in: a shared phone has a dozen identities, each with its issuer.
pub const SESSION_STATEMENTS_MAX: usize = 64;

/// Largest body of a request for a session: whoever sends it is not known yet.
pub const SESSION_BODY_BYTES_MAX: usize = SESSION_STATEMENTS_MAX * (STATEMENT_BYTES_MAX + 8) + (1 << 10);

/// Entries that one request may ask for by name: 10,000 ids are 340 KB and half a second of looking up.
pub const WANT_ENTRIES_MAX: usize = 10_000;

/// Largest enrolment request: the same keys that a credential holds.
pub const ENROL_REQUEST_BYTES_MAX: usize = STATEMENT_BYTES_MAX;

/// Largest body of a request to enrol: whoever sends it is not known yet.
pub const ENROL_BODY_BYTES_MAX: usize = ENROL_REQUEST_BYTES_MAX + (1 << 10);

/// Largest answer to an enrolment: a credential, its organisation, and sealed organisation keys.
pub const ENROL_ANSWER_BYTES_MAX: usize = 64 << 10;

/// An answered or contested invitation is kept this long after its end, for a device that lost the answer.
pub const INVITE_KEPT_MS: u64 = 7 * DAY_MS;

/// Bytes of statements in one answer. What does not fit is asked for again.
pub const ANSWER_STATEMENT_BYTES_MAX: usize = 1 << 20;

/// Entry ids listed in one answer of a comparison: 2.2 MB.
pub const COMPARE_LISTED_MAX: usize = 64 << 10;

/// Bytes of items that ride in one live event. More is fetched by a sync, which is acknowledged.
pub const LIVE_BYTES_MAX: usize = 64 << 10;

/// Longest text of a problem, in bytes.
pub const DETAIL_BYTES_MAX: usize = 200;

/// Requests that wait for the writer. At 2,000 requests a second this is half a second of waiting; the next one is better
/// told to come back.
pub const QUEUE_MAX: usize = 1_024;

/// Bytes of request bodies that are held in memory at the same time, over all connections.
pub const BODIES_IN_MEMORY_MAX: usize = 64 << 20;

/// Requests that share one fsync. More gives no more throughput and makes the first of them wait.
pub const BATCH_MAX: usize = 128;

/// Connections that read the database beside the writer: live streams, comparisons, tokens.
pub const READERS_MAX: usize = 4;

/// Live streams per device: the current one, and the one before it that the network has not noticed to be dead.
pub const LIVE_STREAMS_PER_DEVICE_MAX: usize = 2;

/// Live streams over all devices.
pub const LIVE_STREAMS_MAX: usize = 20_000;

/// Open connections.
pub const CONNECTIONS_MAX: usize = 25_000;

/// A comment on an idle live stream keeps NATs and proxies from closing it (the strictest known close after 30 s).
pub const LIVE_KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A connection on which nothing could be read or written for this long is closed. Four keep-alive comments long.
pub const CONNECTION_IDLE: Duration = Duration::from_secs(60);

/// From connecting to the end of the first request's headers.
pub const HEADER_TIME: Duration = Duration::from_secs(15);

/// For a body to arrive: 4 MB at the 64 KB/s of a poor mobile network.
pub const BODY_TIME: Duration = Duration::from_secs(65);

/// For a request to be worked on. The queue is half a second deep; ten mean that the disk has stopped.
pub const WORK_TIME: Duration = Duration::from_secs(10);

/// A stopping relay lets requests end for this long.
pub const STOP_TIME: Duration = Duration::from_secs(5);

/// A stopping relay asks live streams to come back after between this many milliseconds ...
pub const RETRY_MS_MIN: u64 = 1_000;

/// ... and this many: 10,000 devices then come back at 700 a second.
pub const RETRY_MS_MAX: u64 = 15_000;

/// Devices and addresses whose request rates are remembered. The idlest are forgotten first: they have full buckets.
pub const RATES_REMEMBERED_MAX: usize = 50_000;

/// Certificate files are looked at this often.
pub const CERTIFICATE_CHECK: Duration = Duration::from_secs(60);

/// A refused receipt with its text.
const RECEIPT_BYTES: usize = 64 + DETAIL_BYTES_MAX;

const _: () = assert!(TOKEN_RENEW_MS < TOKEN_MS);
const _: () = assert!(ENROL_ANSWER_BYTES_MAX < PAGE_BYTES_MAX);
const _: () = assert!(RETRY_MS_MIN < RETRY_MS_MAX);
const _: () = assert!(COMPARE_LISTED_MAX * 36 < BODY_BYTES_MAX);
const _: () = assert!(
    PAGE_BYTES_MAX
        + ENTRY_BYTES_MAX
        + ANSWER_STATEMENT_BYTES_MAX
        + (PUSH_ENTRIES_MAX + STATEMENTS_MAX) * RECEIPT_BYTES
        + (64 << 10)
        < BODY_BYTES_MAX
);
