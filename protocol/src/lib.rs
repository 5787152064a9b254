//! What two parts of Bedside that have never met must agree on, byte for byte.
//!
//! | module | what |
//! |---|---|
//! | [`ids`] | typed identifiers; one length each, no conversion between them |
//! | [`cbor`] | deterministic CBOR (RFC 8949 section 4.2.1), the only encoding |
//! | [`entry`] | one signed unit of a plan's history |
//! | [`sealed`] | an entry as everybody but its readers sees it |
//! | [`statement`] | signed facts the relay may read: organisations, credentials, access |
//! | [`wire`] | requests and answers |
//! | [`problem`] | refusals (RFC 9457), a closed table |
//! | [`limits`] | the largest of everything |
//! | [`signing`] | Ed25519 verification and SHA-256 |
//!
//! Nothing here opens a socket or a file, looks at a clock, or draws a random number. The byte layout is
//! described with examples in `docs/protocol.md`.

pub mod cbor;
pub mod entry;
pub mod ids;
pub mod limits;
pub mod problem;
pub mod sealed;
pub mod signing;
pub mod statement;
pub mod wire;

/// The protocol version this build speaks, as it stands in request paths (`/v1/...`).
pub const VERSION: u8 = 1;
