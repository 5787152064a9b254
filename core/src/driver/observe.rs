//! Telling the app what changed: from one thread, never under a lock, the current value first, and not after cancelling.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use bedside_protocol::ids::LogId;

use crate::engine::Status;

/// Something that an app may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// How things are between this device and the relay.
    Sync(Status),
    /// A plan changed, here or elsewhere.
    Plan(LogId),
    /// Which plans there are changed.
    Plans,
    /// Receipts came: something was sent, seen or refused.
    Receipts,
    /// An invitation was answered and the new device has its credential.
    Enrolled,
    /// An invitation was answered by two devices; both were stopped.
    InviteContested,
}

type Callback = Box<dyn FnMut(&Event) + Send>;

/// Everybody who wants to be told, and the thread that tells them.
pub struct Observers {
    queue: Mutex<Sender<Message>>,
    last: Mutex<Option<Status>>,
    next: Mutex<u64>,
}

enum Message {
    Add(u64, Callback, Vec<Event>),
    Remove(u64, Sender<()>),
    Tell(Event),
}

/// Somebody is told as long as this is held.
pub struct Subscription {
    id: u64,
    observers: Weak<Observers>,
}

impl Observers {
    /// Starts the thread.
    #[must_use]
    pub fn start() -> Arc<Self> {
        let (queue, messages) = channel();
        thread::spawn(move || tell(&messages));
        Arc::new(Self { queue: Mutex::new(queue), last: Mutex::new(None), next: Mutex::new(0) })
    }

    /// Tells everybody, soon.
    pub fn tell(&self, event: Event) {
        if let Event::Sync(status) = &event {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(status.clone());
        }
        self.send(Message::Tell(event));
    }

    /// The last status told.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls back with the current status at once and with every event from now on, until the subscription is dropped.
    /// A callback that panics is not called again; nobody else is disturbed.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>, callback: impl FnMut(&Event) + Send + 'static) -> Subscription {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next += 1;
        let first = self.status().map(Event::Sync).into_iter().collect();
        self.send(Message::Add(*next, Box::new(callback), first));
        Subscription { id: *next, observers: Arc::downgrade(self) }
    }

    fn send(&self, message: Message) {
        // The thread ends only with the last sender, so this cannot fail while `self` lives.
        let _ = self.queue.lock().unwrap_or_else(PoisonError::into_inner).send(message);
    }
}

impl Drop for Subscription {
    /// Returns when no call is under way and none will come; within a callback it returns at once.
    fn drop(&mut self) {
        let Some(observers) = self.observers.upgrade() else { return };
        let (done, wait) = channel();
        observers.send(Message::Remove(self.id, done));
        if TELLING.with(std::cell::Cell::get) {
            return;
        }
        let _ = wait.recv();
    }
}

thread_local! {
    static TELLING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

fn tell(messages: &Receiver<Message>) {
    TELLING.with(|telling| telling.set(true));
    let mut callbacks: BTreeMap<u64, Callback> = BTreeMap::new();
    for message in messages {
        match message {
            Message::Add(id, mut callback, first) => {
                if first.iter().all(|event| survives(|| callback(event))) {
                    callbacks.insert(id, callback);
                } else {
                    survives(|| drop(callback));
                }
            }
            Message::Remove(id, done) => {
                let callback = callbacks.remove(&id);
                survives(|| drop(callback));
                let _ = done.send(());
            }
            Message::Tell(event) => {
                let fell = callbacks.extract_if(.., |_, callback| !survives(|| callback(&event)));
                for (_, callback) in fell {
                    survives(|| drop(callback));
                }
            }
        }
    }
}

/// Runs something of the app's. A panic in it is said in the log, without its message: that is the app's own.
fn survives(theirs: impl FnOnce()) -> bool {
    let survived = catch_unwind(AssertUnwindSafe(theirs)).is_ok();
    if !survived {
        tracing::error!("an observer panicked and is told nothing more");
    }
    survived
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_value_comes_first_and_nothing_comes_after_cancelling() {
        let observers = Observers::start();
        observers.tell(Event::Sync(Status::Offline));
        let (sender, heard) = channel();
        let subscription = observers.subscribe(move |event| drop(sender.send(event.clone())));
        assert_eq!(heard.recv(), Ok(Event::Sync(Status::Offline)));
        observers.tell(Event::Plans);
        assert_eq!(heard.recv(), Ok(Event::Plans));
        drop(subscription);
        observers.tell(Event::Plans);
        assert!(heard.recv().is_err(), "the callback is gone, and its sender with it");
    }

    #[test]
    fn an_observer_that_panics_loses_its_own_subscription_and_no_other() {
        let observers = Observers::start();
        observers.tell(Event::Sync(Status::Offline));
        let (sender, heard) = channel();
        let at_once = observers.subscribe(|_| panic!("a defect of the app"));
        let later = observers.subscribe(|event| assert_ne!(event, &Event::Plans, "a defect of the app"));
        let sound = observers.subscribe(move |event| drop(sender.send(event.clone())));
        for event in [Event::Plans, Event::Receipts] {
            observers.tell(event);
        }
        let told: Vec<_> = heard.iter().take(3).collect();
        assert_eq!(told, [Event::Sync(Status::Offline), Event::Plans, Event::Receipts]);
        drop((at_once, later, sound));
        assert!(heard.recv().is_err());
    }
}
