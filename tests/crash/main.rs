//! Every way in which an app writes, made to fail at its first, second, third ... operation on the disk; and the power cut.
//!
//! Whatever fails: what the app was told is saved is there, what it was not told of is there whole or not at all, the
//! same process goes on once the disk works again, and so does the next one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../sim/base.rs"]
mod base;
mod harness;
mod paths;
#[path = "../sim/relay.rs"]
#[expect(dead_code, reason = "the crash tests need an honest relay only")]
mod relay;
#[path = "../sim/world.rs"]
#[expect(dead_code, unused_imports, reason = "the crash tests need the simulation's good days only")]
mod world;
