//! The people who share this device.

use bedside_core::api::{IdentityRow, Slot};
use serde_json::json;

use super::Context;
use crate::args::Identity;
use crate::error::CliError;
use crate::profile::new_pin;

pub(super) fn run(context: &Context, what: Identity) -> Result<(), CliError> {
    match what {
        Identity::List => list(context),
        Identity::Add { label } => add(context, &label),
        Identity::Rename { label } => rename(context, &label),
        Identity::Remove { label } => remove(context, &label),
    }
}

fn list(context: &Context) -> Result<(), CliError> {
    let rows = context.profile.unlocked_unasked()?.app.identities();
    context.out.answer(&rows, || in_words(&rows))
}

fn add(context: &Context, label: &str) -> Result<(), CliError> {
    let open = context.profile.open()?;
    let host = context.profile.whose_pin()?;
    let hosts_pin = context.profile.pin()?;
    let pin = new_pin("BEDSIDE_NEW_PIN", false)?;
    let slot = context.profile.told(open.app.add_identity(host, &hosts_pin, label, &pin))?;
    context.out.answer(&json!({ "id": slot.to_hex(), "label": label.trim() }), || {
        format!("{label} has a PIN here.\nNext: `bedside --identity '{label}' enrol INVITATION`.")
    })
}

fn rename(context: &Context, label: &str) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let here = open.app.identities().into_iter().find(|row| row.here);
    let slot =
        here.and_then(|row| Slot::from_hex(&row.id)).ok_or_else(|| CliError::usage("nobody is here"))?;
    context.profile.told(open.app.rename_identity(slot, label))?;
    context
        .out
        .answer(&json!({ "label": label.trim() }), || format!("You are called {label} on this device."))
}

fn remove(context: &Context, label: &str) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let slot = context.profile.called(label)?;
    context.profile.told(open.app.remove_identity(slot))?;
    context.out.answer(&json!({ "removed": label }), || {
        format!("{label} has no PIN here any more. What they wrote stays, and is sent.")
    })
}

fn in_words(rows: &[IdentityRow]) -> String {
    let line = |row: &IdentityRow| {
        let label = if row.label.is_empty() { "(no name yet)" } else { &row.label };
        let state = match (row.can_unlock, row.here) {
            (false, _) => "  keys destroyed after too many wrong PINs",
            (true, true) => "  here",
            (true, false) => "",
        };
        format!("{}  {label}{state}", row.id)
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_who_is_here_and_who_cannot_unlock() {
        let row = |id: &str, label: &str, can_unlock, here| IdentityRow {
            id: id.into(),
            label: label.into(),
            can_unlock,
            here,
        };
        assert_eq!(
            in_words(&[
                row("01", "", true, true),
                row("02", "Ben", true, false),
                row("03", "Cy", false, false)
            ]),
            "01  (no name yet)  here\n02  Ben\n03  Cy  keys destroyed after too many wrong PINs"
        );
    }
}
