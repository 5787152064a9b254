//! The loop that turns effects into I/O.
//!
//! One task owns the engine. What blocks runs on tokio's blocking threads; what waits for the network runs in tasks of
//! its own and comes back as an input. Nothing here decides anything: the engine does.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bedside_protocol::ids::Timestamp;
use bedside_protocol::wire::Cursor;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, spawn_blocking};

use super::DriverError;
use super::device::Device;
use super::observe::Event;
use super::open_vault::OpenVault;
use super::work::{self, Sent};
use crate::engine::{Effect, Engine, Failure, Input, Request, Start, Status};
use crate::store::{Mailbox, StoreError};
use crate::transport::RelayClient;

/// A running driver; stops when dropped.
pub(crate) struct Running {
    pub(crate) line: Line,
    /// It stays in step until it is stopped; otherwise until the last of its visitors leaves.
    pub(crate) live: bool,
    pub(crate) visitors: usize,
    task: tokio::task::JoinHandle<()>,
}

/// The way to talk to a running driver. It may outlive it: then nobody listens.
#[derive(Clone)]
pub(crate) struct Line {
    signals: mpsc::UnboundedSender<Signal>,
    pub(crate) client: RelayClient,
}

enum Signal {
    Input(Input),
    Opened(Result<bool, DriverError>),
    WhenSettled(oneshot::Sender<Result<(), DriverError>>),
}

struct Runner {
    device: Arc<Device>,
    client: RelayClient,
    engine: Engine,
    signals: mpsc::UnboundedReceiver<Signal>,
    sender: mpsc::UnboundedSender<Signal>,
    timer: Option<AbortHandle>,
    live: Option<AbortHandle>,
    request: Option<AbortHandle>,
    opening: bool,
    open_again: bool,
    sent: Sent,
    status: Option<Status>,
    /// What the device's own storage said since the last request was begun.
    trouble: Option<DriverError>,
    waiting: Vec<oneshot::Sender<Result<(), DriverError>>>,
}

impl Running {
    /// Starts a driver for a device that knows its relay.
    pub(crate) fn start(device: Arc<Device>, live: bool) -> Result<Self, DriverError> {
        let state = device.mailbox.state()?;
        let address = state.relay_url.as_deref().ok_or(DriverError::NotEnrolled)?;
        let client = RelayClient::new(address, None)?;
        let start = Start {
            cursor: state.cursor,
            session: state.token.is_some(),
            recovering: state.recovering,
            live,
        };
        let runner = Runner::new(device, client.clone(), start);
        let line = Line { signals: runner.sender.clone(), client };
        Ok(Self { line, live, visitors: 0, task: tokio::spawn(runner.run()) })
    }
}

impl Line {
    /// True when both lead to the same driver.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.signals.same_channel(&other.signals)
    }

    /// Tells the engine something.
    pub(crate) fn tell(&self, input: Input) {
        // It fails only when the task has ended, and then nobody is there to care.
        let _ = self.signals.send(Signal::Input(input));
    }

    /// Waits until everything that can be done now is done; none when the driver was stopped before.
    pub(crate) async fn settled(&self) -> Option<Result<(), DriverError>> {
        let (sender, receiver) = oneshot::channel();
        self.signals.send(Signal::WhenSettled(sender)).ok()?;
        receiver.await.ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        for task in [self.timer.take(), self.live.take(), self.request.take()].into_iter().flatten() {
            task.abort();
        }
    }
}

impl Runner {
    fn new(device: Arc<Device>, client: RelayClient, start: Start) -> Self {
        let (sender, signals) = mpsc::unbounded_channel();
        Self {
            device,
            client,
            engine: Engine::new(start),
            signals,
            sender,
            timer: None,
            live: None,
            request: None,
            opening: false,
            open_again: false,
            sent: Sent::default(),
            status: None,
            trouble: None,
            waiting: Vec::new(),
        }
    }

    async fn run(mut self) {
        let unlocked = self.device.is_unlocked();
        self.feed(Input::Unlocked(unlocked)).await;
        while let Some(signal) = self.signals.recv().await {
            match signal {
                Signal::Input(input) => self.feed(input).await,
                Signal::Opened(outcome) => self.opened(outcome).await,
                Signal::WhenSettled(sender) => self.waiting.push(sender),
            }
            self.answer_waiting();
        }
    }

    async fn feed(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let (now, chance) = (self.device.now(), self.device.chance());
            for effect in self.engine.handle(now, chance, input) {
                inputs.extend(self.perform(effect).await);
            }
        }
    }

    async fn perform(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Collect => self.collect().await,
            Effect::Send(request) => {
                self.send(request);
                None
            }
            Effect::KeepSession(session) => {
                self.on_device(move |device| work::keep_session(device, &session)).await.err()
            }
            Effect::DropSession => self.on_device(work::drop_session).await.err(),
            Effect::Store(answer) => {
                let sent = std::mem::take(&mut self.sent);
                let stored = self.on_device(move |device| work::store_answer(device, *answer, &sent));
                Some(stored.await.map_or_else(|failed| failed, |()| Input::Stored))
            }
            Effect::StoreLive(event) => {
                let stored = self.on_device(move |device| work::store_live(device, &event));
                Some(stored.await.map_or_else(|failed| failed, |()| Input::Stored))
            }
            Effect::Open => {
                self.open();
                None
            }
            Effect::Republish => self.on_vault(OpenVault::republish).await,
            Effect::Sums(ranges) => {
                let sums = self.on_device(move |device| device.vault()?.sums(&ranges));
                Some(sums.await.map_or_else(|failed| failed, Input::Sums))
            }
            Effect::Settle(found) => self.on_vault(move |open, mailbox| open.settle(&found, mailbox)).await,
            Effect::Recovering(recovering) => {
                self.on_device(move |device| work::set_recovering(device, recovering)).await.err()
            }
            Effect::OpenLive(cursor) => {
                self.open_live(cursor).await;
                None
            }
            Effect::CloseLive => {
                self.live.take().inspect(AbortHandle::abort);
                None
            }
            Effect::WakeAt(at) => {
                self.wake_at(at);
                None
            }
            Effect::Status(status) => {
                if status == Status::Syncing {
                    self.trouble = None;
                }
                self.status = Some(status.clone());
                self.device.observers.tell(Event::Sync(status));
                None
            }
        }
    }

    async fn collect(&mut self) -> Option<Input> {
        match self.on_device(work::collect).await {
            Ok((request, sent, rest)) => {
                self.sent = sent;
                Some(Input::Collected { request: Box::new(request), rest })
            }
            Err(failed) => Some(failed),
        }
    }

    fn send(&mut self, request: Request) {
        let (client, device, sender) = (self.client.clone(), Arc::clone(&self.device), self.sender.clone());
        let task = tokio::spawn(async move {
            let answer = match request {
                Request::SignIn => sign_in(&client, &device).await,
                Request::Sync(request) => match token(&device) {
                    Ok(token) => client.sync(&token, &request).await.map(|a| Input::Synced(Box::new(a))),
                    Err(failure) => Err(failure),
                },
                Request::Compare(request) => match token(&device) {
                    Ok(token) => client.compare(&token, &request).await.map(Input::Compared),
                    Err(failure) => Err(failure),
                },
            };
            let _ = sender.send(Signal::Input(answer.unwrap_or_else(Input::Failed)));
        });
        self.request = Some(task.abort_handle());
    }

    /// Does something to the device on a blocking thread.
    async fn on_device<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Device) -> Result<R, DriverError> + Send + 'static,
    ) -> Result<R, Input> {
        let device = Arc::clone(&self.device);
        blocking(move || work(&device)).await.map_err(|error| {
            let failure = error.as_store_failure();
            self.trouble = Some(error);
            Input::StoreFailed(failure)
        })
    }

    async fn on_vault(
        &mut self,
        work: impl FnOnce(&OpenVault, &Mailbox) -> Result<(), DriverError> + Send + 'static,
    ) -> Option<Input> {
        let done = self.on_device(move |device| {
            let open = device.vault()?;
            work(&open, &device.mailbox)?;
            open.post(&device.mailbox)
        });
        Some(done.await.map_or_else(|failed| failed, |_| Input::Stored))
    }

    fn open(&mut self) {
        if self.opening {
            self.open_again = true;
            return;
        }
        self.opening = true;
        let (device, sender) = (Arc::clone(&self.device), self.sender.clone());
        tokio::spawn(async move {
            let _ = sender.send(Signal::Opened(blocking(move || device.open_mail()).await));
        });
    }

    async fn opened(&mut self, outcome: Result<bool, DriverError>) {
        self.opening = false;
        match outcome {
            Ok(true) => self.feed(Input::Wake).await,
            Ok(false) => {}
            // Locked in between: what came is opened when it is unlocked.
            Err(DriverError::Locked | DriverError::Store(StoreError::Suspended)) => {}
            Err(error) => {
                tracing::warn!(%error, "what came cannot be opened now; it is kept");
                self.trouble = Some(error);
            }
        }
        if std::mem::take(&mut self.open_again) {
            self.open();
        }
    }

    async fn open_live(&mut self, cursor: Cursor) {
        self.live.take().inspect(AbortHandle::abort);
        let (client, sender) = (self.client.clone(), self.sender.clone());
        let Ok(token) = token(&self.device) else {
            // As when the stream ends: the engine waits, signs in, and opens it again.
            let _ = sender.send(Signal::Input(Input::LiveEnded(None)));
            return;
        };
        let task = tokio::spawn(async move {
            let retry = follow(&client, &token, &cursor, &sender).await;
            let _ = sender.send(Signal::Input(Input::LiveEnded(retry)));
        });
        self.live = Some(task.abort_handle());
    }

    fn wake_at(&mut self, at: Timestamp) {
        self.timer.take().inspect(AbortHandle::abort);
        let (wait, sender) = (at.since(self.device.now()), self.sender.clone());
        let task = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            let _ = sender.send(Signal::Input(Input::Due));
        });
        self.timer = Some(task.abort_handle());
    }

    fn answer_waiting(&mut self) {
        let settled = self.engine.is_settled() && !self.opening && self.signals.is_empty();
        if !settled {
            return;
        }
        // What came and could not be opened may be this device's own: then it is not in step.
        if matches!(self.status, Some(Status::InStep { .. }))
            && self.trouble.is_none()
            && let Err(error) = self.device.in_step()
        {
            tracing::warn!(%error, "cannot note that the device is in step");
        }
        for waiting in std::mem::take(&mut self.waiting) {
            let _ = waiting.send(outcome(self.status.as_ref(), self.trouble.take()));
        }
    }
}

fn outcome(status: Option<&Status>, trouble: Option<DriverError>) -> Result<(), DriverError> {
    match status {
        Some(Status::InStep { .. } | Status::DiskFull { .. } | Status::StorageFailed { .. }) | None
            if trouble.is_some() =>
        {
            trouble.map_or(Ok(()), Err)
        }
        Some(Status::InStep { .. }) | None => Ok(()),
        Some(Status::Offline | Status::Syncing) => Err(DriverError::Relay(Failure::Unreachable)),
        Some(Status::Retrying { why, .. }) => Err(DriverError::Relay(why.clone())),
        Some(Status::DiskFull { .. }) => {
            Err(DriverError::Store(StoreError::DiskFull { step: "keep what came" }))
        }
        Some(Status::StorageFailed { what, .. }) => Err(DriverError::Syncing(what.clone())),
        Some(Status::NotAdmitted) => Err(DriverError::NotEnrolled),
        Some(Status::UpdateNeeded) => {
            let kind = bedside_protocol::problem::ProblemKind::UpdateNeeded;
            Err(DriverError::Relay(Failure::Refused(kind.because("the relay needs a newer version"))))
        }
    }
}

async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, DriverError> + Send + 'static,
) -> Result<R, DriverError> {
    let done = spawn_blocking(work).await.unwrap_or(Err(DriverError::Cancelled));
    if let Err(error) = &done {
        tracing::warn!(%error, "storage failed");
    }
    done
}

async fn sign_in(client: &RelayClient, device: &Arc<Device>) -> Result<Input, Failure> {
    let held = Arc::clone(device);
    let statements = blocking(move || work::own_statements(&held)).await.map_err(|_| Failure::Unreachable)?;
    client.sign_in(device.transport(), statements).await.map(Input::SignedIn)
}

fn token(device: &Device) -> Result<[u8; 32], Failure> {
    let missing =
        || Failure::Refused(bedside_protocol::problem::ProblemKind::SignInNeeded.because("no session"));
    device.mailbox.state().ok().and_then(|state| state.token).ok_or_else(missing)
}

async fn follow(
    client: &RelayClient,
    token: &[u8; 32],
    cursor: &Cursor,
    sender: &mpsc::UnboundedSender<Signal>,
) -> Option<u64> {
    let mut stream = client.live(token, cursor).await.ok()?;
    while let Ok(Some(event)) = stream.next().await {
        if sender.send(Signal::Input(Input::Live(Box::new(event)))).is_err() {
            break;
        }
    }
    stream.retry_ms
}

#[cfg(test)]
mod tests {
    use bedside_protocol::ids::RelayEpoch;

    use super::*;
    use crate::crypto::PinCost;
    use crate::driver::device::Host;
    use crate::engine::StoreFailure;
    use crate::store::OpenOptions;
    use crate::testing::{HeldClock, MemoryKeyStore, SeededEntropy};

    fn runner(dir: &std::path::Path) -> Runner {
        let host = Host {
            clock: Arc::new(HeldClock::at(Timestamp(1_000))),
            entropy: Arc::new(SeededEntropy::new(1)),
            key_store: Arc::new(MemoryKeyStore::default()),
            pin_cost: PinCost::FOR_TESTS,
            language: Arc::default(),
            files: OpenOptions { careless_memory: true, ..OpenOptions::default() },
        };
        let device = Arc::new(Device::create(dir, host, "271828").unwrap());
        Runner::new(device, RelayClient::new("http://127.0.0.1:9", None).unwrap(), Start::default())
    }

    #[tokio::test]
    async fn a_live_stream_that_cannot_be_opened_for_want_of_a_token_is_told_to_the_engine() {
        let dir = tempfile::tempdir().unwrap();
        let mut runner = runner(dir.path());
        runner.open_live(Cursor { epoch: RelayEpoch::new([1; 16]), at: 1, check: 1 }).await;
        let told = runner.signals.try_recv();
        assert!(matches!(told, Ok(Signal::Input(Input::LiveEnded(_)))), "the engine would wait for ever");
    }

    #[tokio::test]
    async fn only_a_full_disk_is_said_to_be_full() {
        let dir = tempfile::tempdir().unwrap();
        let mut runner = runner(dir.path());
        runner.device.lock().unwrap();
        runner.device.mailbox.suspend().unwrap();
        let failed = runner.perform(Effect::Collect).await;
        let Some(Input::StoreFailed(StoreFailure::Other(what))) = failed else { panic!("{failed:?}") };
        assert_eq!(what, "storage failed: the database is suspended; resume it first");
        let full = || Err::<(), _>(DriverError::Store(StoreError::DiskFull { step: "keep it" }));
        let failed = runner.on_device(move |_| full()).await;
        assert!(matches!(failed, Err(Input::StoreFailed(StoreFailure::DiskFull))));
    }
}
