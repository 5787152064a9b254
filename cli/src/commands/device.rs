//! This device: making it, locking it, how it is.

use bedside_core::api::{Clocks, DeviceStatus, Repair};
use serde_json::json;

use super::Context;
use crate::error::CliError;
use crate::out::{in_time, many};
use crate::profile::new_pin;

pub(super) fn init(context: &Context) -> Result<(), CliError> {
    let made = context.profile.create()?;
    drop(made);
    let dir = context.profile.dir.display().to_string();
    context.out.answer(&json!({ "profile": dir, "created": true }), || {
        format!(
            "A new device is in {dir}.\nNext: `bedside enrol INVITATION`, or `bedside organisation request`."
        )
    })
}

pub(super) fn lock(context: &Context) -> Result<(), CliError> {
    context.profile.open()?.app.lock()?;
    context.out.answer(&json!({ "locked": true }), || "Locked.".into())
}

pub(super) fn unlock(context: &Context, minutes: u64) -> Result<(), CliError> {
    let open = context.profile.open()?;
    let pin = context.profile.pin()?;
    let until = context.profile.now().plus_ms(minutes * 60_000);
    context.profile.unlock(&open.app, &pin)?;
    context.profile.told(open.app.remember(&pin, until))?;
    context.out.answer(&json!({ "unlocked": true, "minutes": minutes }), || {
        format!("Unlocked: no PIN is asked for {}.", many(minutes, "minute", "minutes"))
    })
}

pub(super) fn change_pin(context: &Context, pin_stdin: bool) -> Result<(), CliError> {
    let open = context.profile.open()?;
    let old = context.profile.pin()?;
    context.profile.unlock(&open.app, &old)?;
    let new = new_pin("BEDSIDE_NEW_PIN", pin_stdin)?;
    context.profile.told(open.app.change_pin(&old, &new))?;
    context.out.answer(&json!({ "changed": true }), || "The PIN is changed.".into())
}

pub(super) fn status(context: &Context) -> Result<(), CliError> {
    let open = context.profile.unlocked_unasked()?;
    let status = open.app.status()?;
    let now = context.profile.now().0;
    context.out.answer(&status, || in_words(&status, now))
}

pub(super) fn repair(context: &Context) -> Result<(), CliError> {
    let repair = context.profile.repair()?;
    context.out.answer(&repair, || repair_in_words(&repair))
}

fn repair_in_words(repair: &Repair) -> String {
    if repair.moved_to.is_empty() {
        return "Nothing is damaged.".into();
    }
    let moved = repair.moved_to.iter().map(|path| format!("\n  {}", path.display())).collect::<String>();
    let mut text = format!(
        "Damaged files were moved aside:{moved}\n{} kept.",
        many(repair.entries, "entry was", "entries were")
    );
    if repair.lost > 0 {
        text.push_str(&format!("\nUp to {} could not be read.", many(repair.lost, "row", "rows")));
    }
    text.push_str(if repair.enrol_again {
        "\nThis device's identity could not be read: ask for a new invitation."
    } else {
        "\nNext: `bedside sync` fetches what the relay has."
    });
    text
}

fn in_words(status: &DeviceStatus, now: u64) -> String {
    let mut lines = Vec::new();
    let mut say = |label: &str, text: String| lines.push(format!("{label:<14}{text}"));
    say("Device", if status.unlocked { "unlocked".into() } else { "locked".into() });
    if let Some(who) = &status.identity {
        let organisation = who.organisation.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
        say("Person", format!("{}, {}{organisation}", who.name, who.role.name()));
    } else if status.unlocked {
        say("Person", "not enrolled; ask for an invitation".into());
    }
    say("Relay", status.relay.clone().unwrap_or_else(|| "none yet".into()));
    say("Last contact", status.last_contact.map_or_else(|| "never".into(), |at| ago(now.saturating_sub(at))));
    if let Some(ahead) = status.clock_ahead_ms.filter(|ahead| ahead.abs() > Clocks::TOLERATED_MS) {
        let which = if ahead > 0 { "ahead" } else { "behind" };
        say("Clock", format!("{} minutes {which}; set it right", ahead.abs() / 60_000));
    }
    say("To be sent", many(status.unsent, "entry", "entries"));
    if status.unopened > 0 {
        say("To be opened", many(status.unopened, "item", "items"));
    }
    if let Some(plans) = status.plans {
        say("Plans", plans.to_string());
    }
    let troubles = [
        ("Waiting", status.waiting, "for something that has not come"),
        ("Refused", status.refused, "by the relay"),
        ("Put aside", status.set_aside, "because they could not be read"),
    ];
    for (label, count, why) in troubles {
        if let Some(count) = count.filter(|count| *count > 0) {
            say(label, format!("{} {why}", many(count, "entry", "entries")));
        }
    }
    lines.join("\n")
}

fn ago(ms: u64) -> String {
    match ms {
        0..60_000 => "just now".into(),
        60_000..7_200_000 => format!("{} ago", in_time(ms).trim_start_matches("in ")),
        7_200_000..172_800_000 => format!("{} hours ago", ms / 3_600_000),
        _ => format!("{} days ago", ms / 86_400_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repair_says_what_to_do_next() {
        assert_eq!(repair_in_words(&Repair::default()), "Nothing is damaged.");
        let repair = Repair { moved_to: vec!["vault.db.1".into()], entries: 1, lost: 2, enrol_again: true };
        assert_eq!(
            repair_in_words(&repair),
            "Damaged files were moved aside:\n  vault.db.1\n1 entry was kept.\nUp to 2 rows could not be read.\n\
             This device's identity could not be read: ask for a new invitation."
        );
    }

    #[test]
    fn a_locked_device_says_what_it_can() {
        let status = DeviceStatus {
            unlocked: false,
            identity: None,
            relay: Some("https://relay.example".into()),
            last_contact: Some(0),
            clock_ahead_ms: Some(-300_000),
            unsent: 1,
            unopened: 2,
            plans: None,
            waiting: None,
            refused: None,
            set_aside: None,
        };
        assert_eq!(
            in_words(&status, 3 * 3_600_000),
            "Device        locked\nRelay         https://relay.example\nLast contact  3 hours ago\n\
             Clock         5 minutes behind; set it right\nTo be sent    1 entry\nTo be opened  2 items"
        );
    }
}
