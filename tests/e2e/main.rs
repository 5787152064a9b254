//! The whole as a stranger would misuse it: devices and a relay over real sockets and real files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![expect(unreachable_pub, reason = "the parts of one test program")]

mod compartments;
mod damage;
mod exchange;
mod gate;
mod input;
mod lifecycle;
mod pin;
mod shared_device;
mod time;
mod together;
mod wire;
mod world;
