//! Ctrl-C and deadlines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bedside_core::api::Cancel;

use crate::error::CliError;

/// Cancels when the person presses Ctrl-C, or when time is up.
pub(crate) struct Stop {
    pub(crate) cancel: Cancel,
    late: Arc<AtomicBool>,
}

impl Stop {
    /// Begins to listen.
    pub(crate) fn listen(deadline: Option<Duration>) -> Result<Self, CliError> {
        let stop = Self { cancel: Cancel::new(), late: Arc::default() };
        let (cancel, late) = (stop.cancel.clone(), Arc::clone(&stop.late));
        when_asked(deadline, move |asked| {
            late.store(!asked, Ordering::SeqCst);
            cancel.cancel();
        })?;
        Ok(stop)
    }

    /// True when it was the deadline and not the person.
    pub(crate) fn was_late(&self) -> bool {
        self.late.load(Ordering::SeqCst)
    }
}

/// Calls once, from a thread of its own: with true at Ctrl-C or a polite request to end, with false at the deadline.
pub(crate) fn when_asked(
    deadline: Option<Duration>,
    call: impl FnOnce(bool) + Send + 'static,
) -> Result<(), CliError> {
    let failed = |source| CliError::Stream { what: "listening for Ctrl-C", source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    thread::spawn(move || {
        let asked = runtime.block_on(async {
            tokio::select! {
                () = asked() => true,
                () = past(deadline) => false,
            }
        });
        call(asked);
    });
    Ok(())
}

async fn past(deadline: Option<Duration>) {
    match deadline {
        Some(deadline) => tokio::time::sleep(deadline).await,
        None => std::future::pending().await,
    }
}

async fn asked() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a signal handler the operating system ends the program itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
