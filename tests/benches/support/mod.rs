//! What the benchmarks share: a network of real people and devices, a relay, a wire that counts, times and tables.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

pub(crate) mod measure;
pub(crate) mod people;
pub(crate) mod raw;
pub(crate) mod wire;
