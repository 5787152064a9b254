//! `libbedside`: the core in the hands of apps. Records, enums, objects and conversions over [`bedside_core::api`]; no decision
//! is made here (`cargo xtask tidy` holds it to that).
//!
//! | module | what |
//! |---|---|
//! | [`device`] | a device: open, unlock, lock; the life of an app; how things are |
//! | [`host`] | what the platform gives: its key store |
//! | [`identities`] | several people on one device |
//! | [`joining`] | both sides of an enrolment |
//! | [`plans`] | lists, search, a plan, starting one, consent, sharing |
//! | [`pages`] | a plan as a page for one kind of reader |
//! | [`access`] | who looked, what is shown on request, looking without consent |
//! | [`notebook`] | the person's own words before they have a plan |
//! | [`worklists`] | caseload, visits, what waits for somebody like the device's person |
//! | [`draft`] | what somebody is about to write |
//! | [`review`] | approval, marks, held entries |
//! | [`past`] | history, the plan as it stood, what differs, undo |
//! | [`sync`] | the relay; telling the app what changed |
//! | [`exchange`] | FHIR, CSV and text, out and in |
//! | [`fields`] | the questions of a plan, for forms |
//! | [`view`] | a plan as it is shown |
//! | [`error`] | what can go wrong, by what the app does next |
//! | [`language`] | the language that everything is said in |
//! | [`cross`] | conversions |
//!
//! Calls block. Reads take milliseconds and may be made from the thread that draws; whatever is said to block on the network,
//! or to take the time of a PIN, may not. Every moment is in milliseconds since 1970, UTC.

#![allow(
    unsafe_code,
    reason = "what uniffi's macros generate crosses the C ABI; nothing written by hand here is unsafe"
)]

#[macro_use]
pub mod cross;

pub mod access;
pub mod device;
pub mod draft;
pub mod error;
pub mod exchange;
pub mod fields;
pub mod host;
pub mod identities;
pub mod joining;
pub mod language;
pub mod notebook;
pub mod pages;
pub mod past;
pub mod plans;
pub mod review;
pub mod sync;
pub mod view;
pub mod worklists;

pub use device::Device;
pub use error::ApiError;

uniffi::setup_scaffolding!("bedside");
