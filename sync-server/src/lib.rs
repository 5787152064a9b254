//! The relay: stores and forwards sealed entries it cannot read.
//!
//! | module | what |
//! |---|---|
//! | [`rules`] | who may do what, and what waits for whom; pure |
//! | [`storage`] | the database; the only module that names rusqlite |
//! | [`server`] | HTTP, the writer thread, live streams, stopping |
//! | [`data`] | the data directory: lock, backup, restore |
//! | [`config`] | one TOML file, or flags |
//! | [`metrics`] | counts for Prometheus |
//! | [`limits`] | the largest of everything, with reasons |

pub mod config;
pub mod data;
pub mod limits;
pub mod metrics;
pub mod rules;
pub mod server;
pub mod storage;
#[cfg(test)]
mod testkit;
