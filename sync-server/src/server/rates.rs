//! Requests per device and per address: a token bucket each, kept as the moment at which it is full again (GCRA).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use bedside_protocol::ids::{DeviceId, Timestamp};
use bedside_protocol::problem::{Problem, ProblemKind};

use crate::config::Rate;
use crate::limits::RATES_REMEMBERED_MAX;

/// Whose requests are counted together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Device(DeviceId),
    /// An IPv4 address, or the /64 network of an IPv6 one: nobody has fewer.
    Address([u8; 8]),
}

impl From<IpAddr> for Who {
    fn from(address: IpAddr) -> Self {
        let mut network = [0; 8];
        match address.to_canonical() {
            IpAddr::V4(v4) => network[4..].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => network.copy_from_slice(&v6.octets()[..8]),
        }
        Self::Address(network)
    }
}

pub(super) struct Rates {
    /// Microseconds that one request uses up.
    cost: u64,
    /// Microseconds that a full bucket holds.
    full: u64,
    /// When each bucket is full again, in microseconds since 1970.
    full_at: Mutex<BTreeMap<Who, u64>>,
}

impl Rates {
    pub(super) fn new(rate: Rate) -> Self {
        let cost = 1_000_000 / u64::from(rate.per_second).max(1);
        Self { cost, full: cost * u64::from(rate.burst), full_at: Mutex::default() }
    }

    /// Counts one request, or says when to come back.
    pub(super) fn take(&self, now: Timestamp, who: Who) -> Result<(), Problem> {
        let now = now.0.saturating_mul(1_000);
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= RATES_REMEMBERED_MAX && !full_at.contains_key(&who) {
            full_at.retain(|_, at| *at > now);
            if full_at.len() >= RATES_REMEMBERED_MAX {
                full_at.pop_first();
            }
        }
        let at = full_at.entry(who).or_insert(now);
        // After a clock that ran ahead was put right, a bucket is at most empty.
        let used_until = (*at).clamp(now, now + self.full);
        *at = used_until;
        let after = used_until + self.cost;
        if after > now + self.full {
            let mut problem = ProblemKind::SlowDown.because("too many requests");
            problem.retry_after_ms = Some((after - now - self.full).div_ceil(1_000).max(1));
            return Err(problem);
        }
        *at = after;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates() -> Rates {
        Rates::new(Rate { per_second: 10, burst: 5 })
    }

    fn who(n: u8) -> Who {
        Who::Device(DeviceId::new([n; 32]))
    }

    #[test]
    fn a_burst_is_allowed_then_the_rate_and_each_device_has_its_own() {
        let rates = rates();
        let now = Timestamp(1_000_000);
        let taken = (0..20).filter(|_| rates.take(now, who(1)).is_ok()).count();
        assert_eq!(taken, 5);
        assert_eq!(rates.take(now, who(1)).unwrap_err().retry_after_ms, Some(100));
        assert!(rates.take(now, who(2)).is_ok());
        assert!(rates.take(now.plus_ms(100), who(1)).is_ok());
        assert!(rates.take(now.plus_ms(100), who(1)).is_err());
    }

    #[test]
    fn a_clock_that_is_put_back_shuts_nobody_out() {
        let rates = rates();
        for _ in 0..5 {
            rates.take(Timestamp(10_000_000), who(1)).unwrap();
        }
        assert!(rates.take(Timestamp(1_000), who(1)).is_err());
        assert!(rates.take(Timestamp(1_100), who(1)).is_ok(), "not after 10,000 seconds");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let rates = rates();
        for n in 0..u32::try_from(RATES_REMEMBERED_MAX + 10).unwrap() {
            rates.take(Timestamp(1_000), IpAddr::from(n.to_be_bytes()).into()).unwrap();
        }
        assert_eq!(rates.full_at.lock().unwrap().len(), RATES_REMEMBERED_MAX);
    }
}
