//! One writer thread; many requests, one fsync.
//!
//! Whatever waits when the writer is free is done in one transaction, each request in a savepoint of its own. Only when the
//! transaction is on the disk are they all answered and the devices concerned woken.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bedside_protocol::ids::Timestamp;
use bedside_protocol::problem::{Problem, ProblemKind};
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::live::Hub;
use super::{Clock, system_chance};
use crate::limits::{BATCH_MAX, QUEUE_MAX, WORK_TIME};
use crate::metrics::Metrics;
use crate::rules::{Relay, Rng, Wake};
use crate::storage::sqlite::SqliteStorage;

/// A batch is closed after this long even if more is waiting, so that its first request is not kept from its answer.
const BATCH_TIME: Duration = Duration::from_millis(20);

/// The rules on their way to one request.
pub(super) struct Desk<'a> {
    pub(super) relay: &'a mut Relay<SqliteStorage>,
    pub(super) now: Timestamp,
    pub(super) rng: &'a mut Rng<'a>,
}

/// Says the answer, now that it is known whether it was stored.
type Finish = Box<dyn FnOnce(Result<(), Problem>) + Send>;
type Job = Box<dyn FnOnce(Result<Desk<'_>, Problem>) -> (Wake, Finish) + Send>;

enum Message {
    Job(Job),
    Stop,
}

pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    metrics: Arc<Metrics>,
}

impl Writer {
    pub(super) fn start(
        relay: Relay<SqliteStorage>,
        clock: Clock,
        hub: Arc<Hub>,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let bench = Bench { relay, clock, hub, metrics: metrics.clone() };
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(|| bench.work(jobs))?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)), metrics })
    }

    /// Runs a request on the writer thread and answers when it is durable.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        request: impl FnOnce(Desk<'_>) -> (Result<T, Problem>, Wake) + Send + 'static,
    ) -> Result<T, Problem> {
        let (say, answer) = oneshot::channel();
        let job: Job = Box::new(move |desk| {
            let (outcome, wake) = match desk {
                Ok(desk) => request(desk),
                Err(problem) => (Err(problem), Wake::new()),
            };
            let finish: Finish = Box::new(move |committed| {
                // Nobody listens any more when the client has gone.
                let _ = say.send(committed.and(outcome));
            });
            (wake, finish)
        });
        self.queue.try_send(Message::Job(job)).map_err(|_| busy())?;
        self.metrics.queued.inc();
        match tokio::time::timeout(WORK_TIME, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(ProblemKind::Internal.because("the request could not be finished")),
            Err(_) => Err(busy()),
        }
    }

    /// Ends the thread after what it is doing. What still waits is refused.
    pub(super) async fn stop(&self) {
        // Fails when the thread has ended already.
        let _ = self.queue.send(Message::Stop).await;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        let joined = tokio::task::spawn_blocking(|| thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::error!("the writer thread ended by a panic");
        }
    }
}

fn busy() -> Problem {
    let mut problem = ProblemKind::Unavailable.because("the relay is busy or stopping; try again");
    problem.retry_after_ms = Some(1_000);
    problem
}

struct Bench {
    relay: Relay<SqliteStorage>,
    clock: Clock,
    hub: Arc<Hub>,
    metrics: Arc<Metrics>,
}

impl Bench {
    fn work(mut self, mut jobs: mpsc::Receiver<Message>) {
        while let Some(Message::Job(first)) = jobs.blocking_recv() {
            if self.batch(first, &mut jobs) {
                break;
            }
        }
        if let Err(error) = self.relay.storage().checkpoint() {
            tracing::warn!(step = error.step, cause = %error.source, "the last checkpoint failed");
        }
    }

    /// True when the thread is to stop.
    fn batch(&mut self, first: Job, jobs: &mut mpsc::Receiver<Message>) -> bool {
        let began = Instant::now();
        let begun = self.relay.begin();
        let (mut woken, mut finishes) = (Wake::new(), Vec::new());
        let mut next = Some(first);
        let mut stop = false;
        while let Some(job) = next.take() {
            self.metrics.queued.dec();
            if let Some((wake, finish)) = self.one(job, &begun) {
                woken.extend(wake);
                finishes.push(finish);
            }
            if finishes.len() < BATCH_MAX && began.elapsed() < BATCH_TIME {
                match jobs.try_recv() {
                    Ok(Message::Job(job)) => next = Some(job),
                    Ok(Message::Stop) => stop = true,
                    Err(_) => {}
                }
            }
        }
        let committed = begun.and_then(|()| self.relay.commit());
        #[expect(clippy::cast_precision_loss, reason = "at most BATCH_MAX")]
        self.metrics.batch_requests.observe(finishes.len() as f64);
        self.metrics.batch_seconds.observe(began.elapsed().as_secs_f64());
        self.metrics.add(&self.relay.take_tally());
        if committed.is_ok() {
            self.hub.wake(&woken);
        }
        for finish in finishes {
            finish(committed.clone());
        }
        stop
    }

    fn one(&mut self, job: Job, begun: &Result<(), Problem>) -> Option<(Wake, Finish)> {
        let (relay, now) = (&mut self.relay, (self.clock)());
        let begun = begun.clone();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut rng = system_chance;
            job(begun.map(|()| Desk { relay, now, rng: &mut rng }))
        }));
        if outcome.is_err() {
            self.metrics.panics.inc();
            self.relay.clear_up();
            tracing::error!("a rule panicked; the request was taken back");
        }
        outcome.ok()
    }
}
