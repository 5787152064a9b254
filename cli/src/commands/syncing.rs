//! Keeping in step with the relay.

use std::sync::mpsc::channel;

use bedside_core::api::{ApiError, App, Cancel, Event, PlanId, Status, SyncReport, Timestamp};
use serde_json::{Value, json};

use super::Context;
use crate::error::CliError;
use crate::out::{Out, bytes, in_time, line, many};
use crate::stop::{Stop, when_asked};

pub(super) fn sync(context: &Context, locked: bool) -> Result<(), CliError> {
    let open = if locked { context.profile.open()? } else { context.profile.unlocked()? };
    let stop = Stop::listen(None)?;
    let report = once(&open.app, &stop.cancel)?;
    context.out.answer(&report, || in_words(&report))
}

pub(super) fn once(app: &App, cancel: &Cancel) -> Result<SyncReport, ApiError> {
    app.sync(cancel)
}

/// Syncs after something else was done; that the relay cannot be reached is then no failure.
pub(super) fn sync_kindly(app: &App, out: Out) -> Result<bool, CliError> {
    kindly(once(app, &Stop::listen(None)?.cancel), out)
}

/// True when it worked; a relay out of reach is told and forgiven.
pub(super) fn kindly(report: Result<SyncReport, ApiError>, out: Out) -> Result<bool, CliError> {
    match report {
        Ok(_) => Ok(true),
        Err(error @ (ApiError::Unreachable | ApiError::Cancelled | ApiError::Refused { .. })) => {
            out.note(&format!("Not synced: {error}. Run `bedside sync` later."));
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

fn in_words(report: &SyncReport) -> String {
    let traffic = report.traffic;
    let unsent = match report.unsent {
        0 => String::new(),
        unsent => format!("\n{} still to be sent.", many(unsent, "entry is", "entries are")),
    };
    format!(
        "In step: {} up, {} down, {}, {} ms.{unsent}",
        bytes(traffic.bytes_up),
        bytes(traffic.bytes_down),
        many(traffic.round_trips, "round trip", "round trips"),
        report.took_ms
    )
}

pub(super) fn watch(context: &Context) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let (sender, events) = channel();
    let stop = sender.clone();
    when_asked(None, move |_| drop(stop.send(None)))?;
    let subscription = open.app.subscribe(move |event| drop(sender.send(Some(event.clone()))));
    open.app.go_online()?;
    context.out.note("Watching. Ctrl-C ends it.");
    while let Ok(Some(event)) = events.recv() {
        let (words, value) = told(&event, context.profile.now(), |plan| name_of(&open.app, plan));
        line(&if context.out.json { value.to_string() } else { words })?;
    }
    drop(subscription);
    open.app.go_offline();
    Ok(())
}

fn name_of(app: &App, plan: PlanId) -> Option<String> {
    let view = app.plan(plan).ok()?;
    Some([view.banner.family?, view.banner.given?].join(", "))
}

/// An event in words and for programs.
fn told(event: &Event, now: Timestamp, name: impl Fn(PlanId) -> Option<String>) -> (String, Value) {
    match event {
        Event::Sync(status) => {
            let (code, words) = status_in_words(status, now);
            (words.clone(), json!({ "event": "sync", "status": code, "words": words }))
        }
        Event::Plan(log) => {
            let id = log.to_string();
            let name = PlanId::parse(&id).and_then(name).unwrap_or_else(|| id.clone());
            (format!("The plan of {name} changed."), json!({ "event": "plan", "plan": id }))
        }
        Event::Plans => ("The list of plans changed.".into(), json!({ "event": "plans" })),
        Event::Receipts => ("Receipts came.".into(), json!({ "event": "receipts" })),
        Event::Enrolled => {
            ("An invitation was answered; the new device is enrolled.".into(), json!({ "event": "enrolled" }))
        }
        Event::InviteContested => (
            "An invitation was answered by two devices. Both were stopped: find out who the second one was."
                .into(),
            json!({ "event": "invite-contested" }),
        ),
    }
}

fn status_in_words(status: &Status, now: Timestamp) -> (&'static str, String) {
    match status {
        Status::Offline => ("offline", "Offline.".into()),
        Status::Syncing => ("syncing", "Syncing ...".into()),
        Status::InStep { live: true } => ("in-step", "In step; changes arrive by themselves.".into()),
        Status::InStep { live: false } => ("in-step", "In step.".into()),
        Status::Retrying { at, why } => {
            let why = ApiError::from(why.clone());
            ("retrying", format!("Not in step: {why}. Next try {}.", in_time(at.since(now))))
        }
        Status::DiskFull { at } => {
            ("disk-full", format!("The disk is full; free some space. Next try {}.", in_time(at.since(now))))
        }
        Status::StorageFailed { at, what } => {
            let text = format!("This device's storage failed: {what}. Next try {}.", in_time(at.since(now)));
            ("storage-failed", text)
        }
        Status::NotAdmitted => {
            ("not-admitted", "The relay does not admit this device; ask who invited you.".into())
        }
        Status::UpdateNeeded => {
            ("update-needed", "This software is too old for the relay; update it.".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_is_told_to_people_and_to_programs() {
        let told = |event| told(&event, Timestamp(0), |_| None);
        let (words, value) = told(Event::Sync(Status::InStep { live: true }));
        assert_eq!(words, "In step; changes arrive by themselves.");
        assert_eq!(value["status"], "in-step");
        let (words, value) = told(Event::Receipts);
        assert_eq!(
            (words.as_str(), value.to_string().as_str()),
            ("Receipts came.", r#"{"event":"receipts"}"#)
        );
    }

    #[test]
    fn a_relay_out_of_reach_is_no_failure_of_what_came_before() {
        assert!(matches!(kindly(Err(ApiError::Unreachable), Out::new(true)), Ok(false)));
        assert!(kindly(Err(ApiError::Locked), Out::new(true)).is_err());
    }
}
