//! The largest of everything inside the core; what crosses the wire is in `bedside_protocol::limits`.

/// Longest text of one answer, in bytes of UTF-8. Thirty pages; more belongs in an attachment.
pub const TEXT_BYTES_MAX: usize = 64 << 10;

/// Largest canonical entry before sealing: a sealed one of [`bedside_protocol::limits::ENTRY_BYTES_MAX`] holds it padded.
pub const ENTRY_BYTES_MAX: usize = 224 << 10;

/// How many operations one change may hold: a text of [`TEXT_BYTES_MAX`] rewritten whole is two for each byte.
pub const CHANGE_OPS_MAX: u64 = 1 << 18;

/// How many changes a stored document may lack. They are applied again when the plan is opened, so that not every edit writes
/// the whole document.
pub const UNSAVED_CHANGES_MAX: usize = 16;

/// How many fields one draft may change.
pub const DRAFT_EDITS_MAX: usize = 1_000;

/// Largest FHIR file read. A full demographics record is 10 KB.
pub const FHIR_BYTES_MAX: usize = 1 << 20;

/// Largest FHIR document of a whole plan read. Every text at its longest, twice, and its history still fit.
pub const FHIR_PLAN_BYTES_MAX: usize = 16 << 20;

/// How many items one page of a list holds.
pub const PAGE_ITEMS_MAX: usize = 200;

/// How many plans somebody may take on. A community nurse has a few dozen.
pub const CASELOAD_MAX: usize = 2_000;

/// How many visits may be planned and not done. A nurse makes a dozen a day.
pub const VISITS_TO_DO_MAX: usize = 2_000;

/// Longest note on a visit, in bytes of UTF-8. What belongs in the plan is written there.
pub const VISIT_NOTE_BYTES_MAX: usize = 1_000;

/// How many rows one search answers.
pub const SEARCH_HITS_MAX: usize = 50;

/// How many sealed entries are opened in one transaction.
pub const OPEN_BATCH_MAX: usize = 500;

/// Shortest PIN.
pub const PIN_LENGTH_MIN: usize = 6;

/// Longest PIN or passphrase.
pub const PIN_LENGTH_MAX: usize = 128;

/// Wrong PINs before each further one has to wait.
pub const PIN_FREE_ATTEMPTS: u32 = 5;

/// How long to wait after the sixth, seventh ... wrong PIN, in milliseconds. After the last the keys are destroyed.
pub const PIN_DELAYS_MS: [u64; 5] = [30_000, 60_000, 300_000, 900_000, 3_600_000];

/// Most identities on one device. A care home's night shifts are a dozen people; each wrap is 160 bytes, read at every unlock.
pub const IDENTITIES_MAX: usize = 64;

/// Longest name, in characters, that an identity is called by on a device: it has to fit a button.
pub const LABEL_CHARS_MAX: usize = 40;

/// How long a database waits for another connection's write, in milliseconds.
pub const DATABASE_BUSY_MS: u64 = 5_000;

/// Pages that one database connection keeps in memory, in KiB.
pub const DATABASE_CACHE_KIB: u32 = 2_048;

/// How many connections read the vault at the same time; the next one waits.
pub const READERS_MAX: usize = 4;

/// How many prepared statements one database connection keeps.
pub const STATEMENTS_CACHED_MAX: usize = 96;

/// How many of them may be there because they are only similar to what was typed. More guesses than fit on two screens help
/// nobody, and each is somebody else's plan.
pub const SEARCH_SIMILAR_MAX: usize = 20;

/// How many digits find an NHS number that has them further on. Fewer are in most numbers.
pub const FORGIVEN_DIGITS_MIN: usize = 4;

/// How many words of a search are looked at.
pub const SEARCH_WORDS_MAX: usize = 8;

/// Longest search text, in bytes of UTF-8; what follows is not looked at.
pub const SEARCH_BYTES_MAX: usize = 256;

/// How often salvage opens a damaged vault anew before it gives up. Each damaged page costs a few.
pub const SALVAGE_ATTEMPTS_MAX: usize = 20_000;

/// How many entries of one log wait on a device for what they build on, for their author's credential, for their key or for a
/// newer version of this software. What arrives out of order in good faith is dozens. What comes beyond is left with the relay,
/// said, and asked for again once half of them wait no longer. All logs of which the device has no key count as one.
pub const WAITING_MAX: usize = 1_000;

/// The same in bytes: a thousand entries of the usual size are 1 MiB.
pub const WAITING_BYTES_MAX: usize = 16 << 20;

/// How many rows from peers that prove to be nothing at all are kept for whoever looks into it; more are counted. They are in
/// nobody's good faith: nothing that is signed and sealed as it should be is among them.
pub const SET_ASIDE_MAX: u64 = 1_000;

/// The same in bytes.
pub const SET_ASIDE_BYTES_MAX: u64 = 16 << 20;

/// How large the mailbox may grow by what the relay sends, while nobody unlocks the device: a caseload of 1,000 plans is
/// 30 MiB. Then it stops fetching, so nothing is lost, and says so.
pub const MAILBOX_BYTES_MAX: u64 = 256 << 20;

/// The same act on the same plan again within so many milliseconds is one look: a screen that is drawn anew.
pub const SAME_LOOK_MS: u64 = 60_000;

/// How many looks are remembered to tell a repeated one; those over a minute old are forgotten then.
pub const LOOKS_RECENT_MAX: usize = 1_024;

/// For how long broken glass lets somebody read on, in milliseconds: a visit, not a shift. Then they say why again.
pub const BROKEN_GLASS_MS: u64 = 60 * 60 * 1_000;

/// How many rows of an access record are shown, the newest first.
pub const ACCESS_ROWS_MAX: usize = 1_000;

/// Who looks at more plans than this in a day is shown to a privacy officer. Nobody visits so many; a day in an office may.
pub const PLANS_A_DAY_MAX: usize = 40;

/// How many rows a privacy officer is shown at once, broken glass before all others.
pub const OVERSIGHT_ROWS_MAX: usize = 1_000;

/// How many lines of it stand on the person's page, and as many of broken glass before them: a page that is read to its end.
pub const PAGE_LOOKS_MAX: usize = 20;

/// How many months ahead the next review of a plan may be planned. National guidance on end-of-life plans.
pub const REVIEW_MONTHS_MAX: i8 = 3;

/// How many days before a review is due, or anticipatory medicines expire, the plan says so.
pub const DUE_SOON_DAYS: i16 = 14;

/// A page of a plan that was last compared with the relay longer ago than this, in milliseconds, asks to be checked. A day:
/// plans near the end of life change between two visits.
pub const VIEW_STALE_MS: u64 = 86_400_000;

/// How many lines of text the one-page view fills, its banner left out. An A4 page holds more of them; fonts differ.
pub const SUMMARY_LINES_MAX: usize = 70;

/// How many characters a line of the one-page view is taken to hold. Most hold more; capitals are wide.
pub const SUMMARY_LINE_CHARS: usize = 96;
