//! The largest of everything that one side may send the other. Each number says why it is what it is.

/// Largest sealed entry. A page of clinical text is 6 KiB; more belongs in an attachment.
pub const ENTRY_BYTES_MAX: usize = 256 << 10;

/// Largest body of one request or answer. A page is cut before it, so it is also the largest thing held in memory
/// per request.
pub const BODY_BYTES_MAX: usize = 4 << 20;

/// How many bytes of items a page of an answer holds before it says "more". At least one item is always sent.
pub const PAGE_BYTES_MAX: usize = 1 << 20;

/// How many bytes of entries a device puts in one request.
pub const PUSH_BYTES_MAX: usize = 1 << 20;

/// How many entries one request may push.
pub const PUSH_ENTRIES_MAX: usize = 1_000;

/// How many statements one request may push, ask for, or be answered with.
pub const STATEMENTS_MAX: usize = 1_000;

/// Largest signed statement: an X-Wing key (1,216 bytes), names, and a signature.
pub const STATEMENT_BYTES_MAX: usize = 8 << 10;

/// How many logs one request may subscribe to. A care home has 120 residents, a hospice team 400 patients.
pub const SUBSCRIBE_MAX: usize = 10_000;

/// Answers to enrolments in one request: an administrator enrols a ward in an afternoon.
pub const ENROLMENTS_MAX: usize = 100;

/// How many parents an entry may name: one for each author who wrote at the same time without seeing the others.
pub const PARENTS_MAX: usize = 64;

/// How many looks one entry of an access record holds. A busy week of one device with one plan is a few dozen.
pub const LOOKS_MAX: usize = 200;

/// Longest text of a look, in bytes of UTF-8: a field's key, or why somebody looked, in a few sentences.
pub const LOOK_TEXT_BYTES_MAX: usize = 1 << 10;

/// How many entries one acknowledgement covers.
pub const ACKNOWLEDGE_MAX: usize = 1_000;

/// How many ranges one step of a comparison holds, in either direction.
pub const RANGES_MAX: usize = 4_096;

/// A range with at most this many entries is listed instead of split further.
pub const RANGE_LIST_MAX: u64 = 32;

/// Longest name of a person or an organisation, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 256;

/// An invitation stands for at most this long.
pub const INVITE_HOURS_MAX: u64 = 7 * 24;

const _: () = assert!(PAGE_BYTES_MAX >= ENTRY_BYTES_MAX);
const _: () = assert!(PUSH_BYTES_MAX >= ENTRY_BYTES_MAX);
const _: () = assert!(BODY_BYTES_MAX >= PAGE_BYTES_MAX + ENTRY_BYTES_MAX + 64 * STATEMENT_BYTES_MAX);
