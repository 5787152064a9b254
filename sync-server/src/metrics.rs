//! Counts and durations for Prometheus. Nothing here names a person, a device, a log or an address.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::rules::Tally;

/// A request's route and outcome.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Answered {
    /// The path of the route, never of the request.
    pub route: String,
    /// HTTP status.
    pub status: u16,
}

/// A request's route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Route {
    /// The path of the route, never of the request.
    pub route: String,
}

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    /// Requests answered.
    pub requests: Family<Answered, Counter>,
    /// From the end of the headers to the answer.
    pub request_seconds: Family<Route, Histogram>,
    /// Requests that shared one commit.
    pub batch_requests: Histogram,
    /// From the first request of a batch to its commit.
    pub batch_seconds: Histogram,
    /// Requests that wait for the writer.
    pub queued: Gauge,
    /// Open live streams.
    pub live_streams: Gauge,
    /// Requests over their rate.
    pub slowed: Counter,
    /// Panics that were caught.
    pub panics: Counter,
    entries: [Counter; 3],
    statements: [Counter; 2],
    subscriptions_ignored: Counter,
    enrolments_ignored: Counter,
    resets: Counter,
    epochs: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let seconds = || Histogram::new(exponential_buckets(0.000_5, 2.0, 15));
        Self {
            registry: Registry::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.000_5, 2.0, 15))
            }),
            batch_requests: Histogram::new(exponential_buckets(1.0, 2.0, 8)),
            batch_seconds: seconds(),
            queued: Gauge::default(),
            live_streams: Gauge::default(),
            slowed: Counter::default(),
            panics: Counter::default(),
            entries: Default::default(),
            statements: Default::default(),
            subscriptions_ignored: Counter::default(),
            enrolments_ignored: Counter::default(),
            resets: Counter::default(),
            epochs: Counter::default(),
        }
        .registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        let mut registry = Registry::with_prefix("bedside_relay");
        registry.register("requests", "Requests answered", self.requests.clone());
        let help = "From the end of the headers to the answer";
        registry.register("request_seconds", help, self.request_seconds.clone());
        registry.register("batch_requests", "Requests that shared one commit", self.batch_requests.clone());
        let help = "From the first request of a batch to its commit";
        registry.register("batch_seconds", help, self.batch_seconds.clone());
        registry.register("queued", "Requests that wait for the writer", self.queued.clone());
        registry.register("live_streams", "Open live streams", self.live_streams.clone());
        let counters: [(&str, &str, &Counter); 11] = [
            ("slowed", "Requests over their rate", &self.slowed),
            ("panics", "Panics that were caught", &self.panics),
            ("entries_stored", "Entries stored for the first time", &self.entries[0]),
            ("entries_repeated", "Entries that were there already", &self.entries[1]),
            ("entries_refused", "Entries refused", &self.entries[2]),
            ("statements_stored", "Statements stored for the first time", &self.statements[0]),
            ("statements_refused", "Statements refused", &self.statements[1]),
            ("subscriptions_ignored", "Subscriptions without access", &self.subscriptions_ignored),
            ("enrolments_ignored", "Answers to enrolments that nobody waits for", &self.enrolments_ignored),
            ("resets", "Cursors that meant nothing", &self.resets),
            ("epochs", "New epochs because the database was an old copy", &self.epochs),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        self.registry = registry;
        self
    }

    /// Adds what the rules counted.
    pub fn add(&self, tally: &Tally) {
        self.entries[0].inc_by(tally.entries_stored);
        self.entries[1].inc_by(tally.entries_repeated);
        self.entries[2].inc_by(tally.entries_refused);
        self.statements[0].inc_by(tally.statements_stored);
        self.statements[1].inc_by(tally.statements_refused);
        self.subscriptions_ignored.inc_by(tally.subscriptions_ignored);
        self.enrolments_ignored.inc_by(tally.enrolments_ignored);
        self.resets.inc_by(tally.resets);
        self.epochs.inc_by(tally.epochs_drawn);
    }

    /// The OpenMetrics text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a String has no way to fail");
        text
    }
}

const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<Counter<u64, AtomicU64>>();
    shared::<Metrics>();
};
