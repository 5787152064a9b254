//! The shared core of Bedside: what a phone, a tablet and a terminal have in common.
//!
//! | module | what | knows of |
//! |---|---|---|
//! | [`api`] | what an app calls | everything below |
//! | [`driver`] | effects into I/O on tokio; lifecycle; observers | engine, store, transport, ledger |
//! | [`engine`] | sans-IO sync | protocol |
//! | [`ledger`] | a set of entries into a state | plan, crypto, crdt |
//! | [`plan`] | sections, fields, value sets, views | crdt's reading side |
//! | [`fhir`] | FHIR R4 in and out | plan |
//! | [`crdt`] | the only module that names automerge | nothing |
//! | [`crypto`] | the only module that names ring, hpke and argon2 | protocol |
//! | [`store`] | the only module that names rusqlite | protocol |
//! | [`transport`] | the only module that names reqwest | protocol |
//! | [`ports`] | clock, entropy, key store: what the host gives | nothing |

pub mod api;
pub mod crdt;
pub mod crypto;
pub mod driver;
pub mod engine;
pub mod fhir;
pub mod ledger;
pub mod limits;
pub mod plan;
pub mod ports;
pub mod store;
pub mod transport;

#[cfg(any(test, feature = "testing"))]
pub mod testing;
