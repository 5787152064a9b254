//! How organisations and devices join.

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use bedside_core::api::{ApiError, Capabilities, EnrolStep, InviteSpec, Role};
use serde_json::json;

use super::Context;
use super::syncing::{self, sync_kindly};
use crate::args::Invite;
use crate::error::CliError;
use crate::files;
use crate::out::{many, table};
use crate::stop::Stop;

/// Largest charter or request. They are under 4 KB.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// Longest invitation. They are under 400 bytes.
const INVITATION_BYTES_MAX: u64 = 4 << 10;

pub(super) fn request(context: &Context, name: &str, ods: &str, out: &Path) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let request = open.app.request_organisation(name, ods)?;
    files::write(out, &request, false)?;
    context.out.answer(&json!({ "name": name, "ods": ods, "request": out }), || {
        format!(
            "The request is in {}.\nNext: give it to the network's operator, who signs it.",
            out.display()
        )
    })
}

pub(super) fn accept(context: &Context, charter: &Path, name: &str) -> Result<(), CliError> {
    let bytes = files::read(charter, FILE_BYTES_MAX)?;
    let open = context.profile.unlocked()?;
    open.app.accept_charter(&bytes, name)?;
    let synced = sync_kindly(&open.app, context.out)?;
    let organisation = open.app.identity().and_then(|identity| identity.organisation).unwrap_or_default();
    context.out.answer(
        &json!({ "organisation": organisation, "administrator": name, "synced": synced }),
        || {
            format!(
                "{organisation} has joined; {name} is its administrator.\nNext: `bedside invite` colleagues."
            )
        },
    )
}

pub(super) fn list(context: &Context) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let organisations = open.app.organisations()?;
    let rows: Vec<_> = organisations.iter().map(|(name, ods)| json!({ "name": name, "ods": ods })).collect();
    context.out.answer(&rows, || {
        if organisations.is_empty() {
            return "No organisation is known here yet; sync first.".into();
        }
        table(
            &["ODS", "Name"],
            &organisations.into_iter().map(|(name, ods)| vec![ods, name]).collect::<Vec<_>>(),
        )
    })
}

pub(super) fn invite(context: &Context, invite: Invite) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let plan = invite.plan.as_ref().map(|plan| super::find(&open.app, plan)).transpose()?;
    let role = Role::from_name(&invite.role).ok_or_else(|| CliError::usage("there is no such role"))?;
    let hours = invite.hours;
    let granted = Capabilities::ALL.into_iter().filter(|(name, _)| invite.may.iter().any(|may| may == name));
    let more = granted.fold(0, |all, (_, bit)| all | bit);
    let invitation = open.app.invite(InviteSpec {
        name: invite.name.clone(),
        role,
        professional_number: invite.professional_number,
        capabilities: (more > 0).then(|| role.usual_capabilities().with(more)),
        plan,
        hours,
    })?;
    let synced = sync_kindly(&open.app, context.out)?;
    context.out.note(&format!(
        "An invitation for {}, good for {}, once. Show it to nobody else. When it was answered, `bedside sync` here.",
        invite.name,
        many(hours, "hour", "hours")
    ));
    context
        .out
        .answer(&json!({ "invitation": invitation, "hours": hours, "synced": synced }), || invitation.clone())
}

pub(super) fn enrol(context: &Context, invitation: &str, wait: u64) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let invitation = if invitation == "-" { from_stdin()? } else { invitation.to_owned() };
    let stop = Stop::listen(Some(Duration::from_secs(wait)))?;
    let mut last = None;
    let mut progress = |step: EnrolStep| {
        if last.replace(step) != Some(step) {
            context.out.note(match step {
                EnrolStep::Waiting => "The relay has it. Waiting for whoever invited you to sync ...",
                EnrolStep::Unreachable => "The relay cannot be reached. Trying again ...",
                EnrolStep::Done => "The credential is here.",
            });
        }
    };
    match open.app.enrol(&invitation, &mut progress, &stop.cancel) {
        Err(ApiError::Cancelled) if stop.was_late() => return Err(CliError::NotAnswered { seconds: wait }),
        enrolled => enrolled?,
    }
    let report = syncing::once(&open.app, &stop.cancel);
    let synced = syncing::kindly(report, context.out)?;
    let who = open.app.identity();
    context.out.answer(&json!({ "enrolled": true, "identity": who, "synced": synced }), || match &who {
        Some(who) => {
            let of = who.organisation.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
            format!("Enrolled: {}, {}{of}.", who.name, who.role.name())
        }
        None => "Enrolled.".into(),
    })
}

fn from_stdin() -> Result<String, CliError> {
    let mut text = String::new();
    let failed = |source| CliError::Stream { what: "standard input", source };
    io::stdin().lock().take(INVITATION_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    Ok(text.trim().to_owned())
}
