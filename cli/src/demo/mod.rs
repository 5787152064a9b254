//! The whole story: three devices, two organisations, a relay; a nurse without a network whose program is killed in the
//! middle of an edit; three people who change one plan at once. Every step is a process of its own.

mod script;
mod world;

use std::path::PathBuf;

use bedside_core::api::{Clock as _, SystemClock, Timestamp};
use bedside_core::plan::dates;
use serde_json::{Value, json};

use crate::error::CliError;
use crate::out::{COLUMNS, Out, bytes, line, many, wrap};
use script::{CARE_HOME, KILLED_AFTER, NHS_NUMBER, NURSE, PATIENT, PERSON};
use world::{Device, PIN, Relay, World, failed};

/// How many rounds of syncs three devices may need to be in step.
const ROUNDS_MAX: usize = 6;

/// Tells the story, and what every sync took.
struct Story<'a> {
    out: Out,
    world: &'a World,
    step: usize,
    syncs: Vec<Value>,
}

/// Where the network is.
struct Network {
    relay: Relay,
    program: PathBuf,
    root: String,
}

/// Runs the story.
pub(crate) fn run(out: Out, dir: Option<PathBuf>, relay: Option<PathBuf>) -> Result<(), CliError> {
    let began = SystemClock.now();
    let program = Relay::find(relay)?;
    let world = World::make(dir)?;
    let mut story = Story { out, world: &world, step: 0, syncs: Vec::new() };
    let network = story.network(program)?;
    story.devices()?;
    let plan = story.plan()?;
    let (confirmed, kept) = story.offline(&plan)?;
    story.together(&plan)?;
    story.result(&plan)?;
    let seconds = story.end(network, began)?;
    if out.json {
        let summary = json!({
            "same_on_all_devices": true,
            "confirmed_before_kill": confirmed,
            "kept_after_kill": kept,
            "plan": plan,
            "folder": world.dir,
            "seconds": seconds,
            "syncs": story.syncs,
        });
        line(&summary.to_string())?;
    }
    Ok(())
}

impl<'a> Story<'a> {
    fn device(&self, name: &'static str) -> Device<'a> {
        self.world.device(name)
    }

    fn step(&mut self, title: &str) -> Result<(), CliError> {
        self.step += 1;
        self.say(&format!("\n{}. {title}", self.step))
    }

    fn say(&self, text: &str) -> Result<(), CliError> {
        if self.out.json { Ok(()) } else { line(&wrap(text, 0)) }
    }

    fn tell(&self, text: &str) -> Result<(), CliError> {
        self.say(&format!("   {text}"))
    }

    fn sync(&mut self, device: Device<'_>) -> Result<(), CliError> {
        let took = device.run(&["sync"])?;
        let count = |name: &str| took[name].as_u64().unwrap_or_default();
        self.tell(&format!(
            "{:<10} synced: {} up, {} down, {}, {} ms",
            device.name,
            bytes(count("bytes_up")),
            bytes(count("bytes_down")),
            many(count("round_trips"), "round trip", "round trips"),
            count("took_ms"),
        ))?;
        self.syncs.push(json!({ "device": device.name, "took": took }));
        Ok(())
    }

    fn network(&mut self, program: PathBuf) -> Result<Network, CliError> {
        self.step("A network, a relay, and two organisations")?;
        let address = Relay::free_address()?;
        let operator = self.device("operator");
        let file = self.file("network.key");
        let made =
            operator.run(&["network", "create", "--file", &file, "--relay", &format!("http://{address}")])?;
        let root = text_of(&made, "root")?;
        self.tell("The operator made the network's keys. They stay offline.")?;
        let relay = Relay::start(self.world, &program, &address, &root)?;
        self.tell(&format!("The relay runs on {}. It stores what it cannot read.", relay.address))?;
        for (office, name, ods, admin) in [
            ("trust-office", "Riverside Community Trust", "RX9", "Grace Hill"),
            ("home-office", "Willow House", "VL900", "Pat Green"),
        ] {
            let device = self.device(office);
            device.make()?;
            let (request, charter) =
                (self.file(&format!("{office}.request")), self.file(&format!("{office}.charter")));
            device.run(&["organisation", "request", "--name", name, "--ods", ods, "--out", &request])?;
            operator.run(&["network", "sign", "--file", &file, "--request", &request, "--out", &charter])?;
            device.run(&["organisation", "accept", "--charter", &charter, "--name", admin])?;
            self.tell(&format!(
                "{name} ({ods}) asked to join and was signed in; {admin} is its administrator."
            ))?;
        }
        Ok(Network { relay, program, root })
    }

    fn file(&self, name: &str) -> String {
        self.world.path(name).display().to_string()
    }

    fn devices(&mut self) -> Result<(), CliError> {
        self.step("Two devices for the people who care")?;
        self.enrol("nurse", "trust-office", &["--name", "Amira Khan", "--role", "nurse"])?;
        self.tell("Amira Khan, nurse of Riverside Community Trust, enrolled her tablet.")?;
        self.enrol("care-home", "home-office", &["--name", "Willow House night phone", "--role", "carer"])?;
        self.tell("Willow House enrolled the phone that its night staff carry.")
    }

    /// One device invites, the other answers, both at the same time: each in its own process.
    fn enrol(&mut self, new: &'static str, by: &'static str, who: &[&str]) -> Result<(), CliError> {
        let (new, by) = (self.device(new), self.device(by));
        let arguments: Vec<&str> = std::iter::once("invite").chain(who.iter().copied()).collect();
        let invitation = text_of(&by.run(&arguments)?, "invitation")?;
        new.make()?;
        new.enrol(&invitation, || by.run(&["sync"]).map(drop))
    }

    fn plan(&mut self) -> Result<String, CliError> {
        self.step("A plan for Jane Smith")?;
        let nurse = self.device("nurse");
        let record = self.world.path("Patient.json");
        crate::files::write(&record, PATIENT, false)?;
        let record = record.display().to_string();
        let consent = "in person, at home, Amira Khan";
        let new = ["plan", "new", "--fhir", &record, "--consent", consent, "--share", consent];
        let refused = nurse.run(&new).err().map(|error| error.to_string()).unwrap_or_default();
        if !refused.contains("death notice") {
            return Err(failed(format!("the record's death notice was not noticed: {refused}")));
        }
        self.tell(
            "Amira reads the demographics record, the one that the NHS publishes for tests. It carries a death notice, \
             so the plan is refused until she says that she has seen Jane alive.",
        )?;
        let started = nurse.run(&[&new[..], &["--seen-alive"]].concat())?;
        let plan = text_of(&started, "plan")?;
        self.tell("Jane consented to a plan and to sharing it. The plan is started.")?;
        self.sync(nurse)?;
        nurse.run(&["plan", "share", NHS_NUMBER, "--ods", "VL900"])?;
        self.tell("It is shared with Willow House.")?;
        self.sync(nurse)?;
        self.enrol("person", "nurse", &["--name", "Jane Smith", "--role", "person", "--plan", NHS_NUMBER])?;
        self.tell("Jane enrolled her own phone: she reads her plan, and writes in her own words.")?;
        for name in ["person", "care-home"] {
            self.sync(self.device(name))?;
            self.device(name).run(&["plan", "show", &plan])?;
        }
        Ok(plan)
    }

    fn offline(&mut self, plan: &str) -> Result<(usize, usize), CliError> {
        self.step("No network at Jane's home, and the program dies")?;
        let nurse = self.device("nurse");
        let today = dates::rfc3339(SystemClock.now()).unwrap_or_default();
        let today = today.get(..10).unwrap_or("2026-11-22");
        let lines: Vec<String> = NURSE.iter().map(|(line, _)| line.replace("TODAY", today)).collect();
        let before = history(nurse, plan)?;
        let confirmed = nurse.edit_until_killed(plan, &lines, KILLED_AFTER)?;
        self.tell(&format!(
            "Amira writes. After {} that the program confirmed, it is killed in the middle of the next \
             (SIGKILL: it cannot finish anything).",
            many(confirmed as u64, "edit", "edits")
        ))?;
        let kept = history(nurse, plan)?.saturating_sub(before);
        if kept < confirmed {
            return Err(failed(format!("{confirmed} edits were confirmed and only {kept} are there")));
        }
        check_words(nurse, plan, &NURSE[..confirmed])?;
        let beyond = match kept - confirmed {
            0 => String::new(),
            more => format!(
                " So {} whose confirmation did not get out in time.",
                many(more as u64, "is one more", "are more")
            ),
        };
        self.tell(&format!("Started again: every one of the {confirmed} confirmed edits is there.{beyond}"))?;
        nurse.edit(plan, lines.get(kept..).unwrap_or_default())?;
        check_words(nurse, plan, NURSE)?;
        self.tell("She goes on: what matters to Jane, places, her daughter, a medicine, the CPR decision.")?;
        let unsent = nurse.run(&["status"])?["unsent"].as_u64().unwrap_or_default();
        if unsent < NURSE.len() as u64 {
            return Err(failed(format!("{unsent} entries wait to be sent, fewer than were written")));
        }
        self.tell(&format!(
            "All of it is safe on her tablet. {} to be sent.",
            many(unsent, "entry waits", "entries wait")
        ))?;
        Ok((confirmed, kept))
    }

    fn together(&mut self, plan: &str) -> Result<(), CliError> {
        self.step("Meanwhile, elsewhere, on the same plan")?;
        let (care_home, person, nurse) =
            (self.device("care-home"), self.device("person"), self.device("nurse"));
        care_home.edit(plan, &owned(CARE_HOME))?;
        self.tell("Willow House adds Jane's son, and writes another preferred place of death.")?;
        self.sync(care_home)?;
        person.edit(plan, &owned(PERSON))?;
        self.tell("Jane writes what she wishes.")?;
        self.sync(person)?;
        self.step("Amira has a network again")?;
        self.until_in_step(plan, [nurse, care_home, person])?;
        for script in [NURSE, CARE_HOME, PERSON] {
            check_words(person, plan, script)?;
        }
        self.tell("All three devices show the same plan, with every edit of all three in it.")?;
        both_places(&shown(person, plan)?)?;
        self.tell("Two places of death were written at the same time: both are kept and shown, for Jane to be asked.")
    }

    /// Syncs one after the other until all show the same plan.
    fn until_in_step(&mut self, plan: &str, devices: [Device<'_>; 3]) -> Result<(), CliError> {
        let mut differing = String::new();
        for _ in 0..ROUNDS_MAX {
            devices.into_iter().try_for_each(|device| self.sync(device))?;
            let views =
                devices.into_iter().map(|device| shown(device, plan)).collect::<Result<Vec<_>, _>>()?;
            match views.iter().find(|view| **view != views[0]) {
                None => return Ok(()),
                Some(view) => differing = difference(&views[0], view),
            }
        }
        Err(failed(format!("after {ROUNDS_MAX} rounds the devices show different plans: {differing}")))
    }

    fn result(&mut self, plan: &str) -> Result<(), CliError> {
        self.step("How far each edit has got")?;
        let devices = ["nurse", "care-home", "person"].map(|name| self.device(name));
        let receipts = self.until_seen(plan, devices)?;
        for (device, [saved, sent, seen]) in devices.into_iter().zip(receipts) {
            let name = device.name;
            self.tell(&format!(
                "{name:<10} {saved:>3} saved here, {sent:>3} sent to the relay, {seen:>3} seen by others"
            ))?;
        }
        self.step("The plan, on Jane's own phone")?;
        let text = self.device("person").text(&["plan", "show", plan])?;
        if self.out.json {
            return Ok(());
        }
        let rule = "-".repeat(COLUMNS);
        line(&format!("{rule}\n{}\n{rule}", text.trim_end()))
    }

    /// A receipt travels back with a later sync. Syncs until every edit is known to be on somebody else's device.
    fn until_seen(&mut self, plan: &str, devices: [Device<'_>; 3]) -> Result<[[u64; 3]; 3], CliError> {
        for _ in 0..ROUNDS_MAX {
            let mut counts = [[0; 3]; 3];
            for (device, count) in devices.into_iter().zip(&mut counts) {
                let receipts = device.run(&["plan", "receipts", plan])?;
                *count = ["saved", "sent", "seen"].map(|name| receipts[name].as_u64().unwrap_or_default());
            }
            if counts.iter().all(|[saved, sent, seen]| saved == sent && saved == seen) {
                return Ok(counts);
            }
            devices.into_iter().try_for_each(|device| self.sync(device))?;
        }
        Err(failed(format!("after {ROUNDS_MAX} rounds not every edit has its receipts")))
    }

    /// Searches every file of the relay and of the devices for what was written.
    fn nothing_in_clear(&mut self) -> Result<(), CliError> {
        self.step("What the files give away")?;
        let words = script::secrets();
        for name in ["relay", "nurse", "care-home", "person", "trust-office", "home-office"] {
            if let Some((file, word)) = world::find_in_files(&self.world.path(name), &words)? {
                return Err(failed(format!("{} can be read in {}", word, file.display())));
            }
        }
        self.tell(
            "Every file of the relay and of the devices was searched for the NHS number and for what was written: \
             nothing of it is there in clear. What the relay does see: who is enrolled, with name and role, and when.",
        )
    }

    fn end(&mut self, network: Network, began: Timestamp) -> Result<u64, CliError> {
        let arguments = Relay::arguments(self.world, &network.relay.address, &network.root);
        network.relay.stop()?;
        self.nothing_in_clear()?;
        for name in ["trust-office", "home-office", "nurse", "care-home", "person"] {
            self.device(name).run(&["lock"])?;
        }
        let seconds = SystemClock.now().since(began).div_ceil(1_000);
        if self.out.json {
            return Ok(seconds);
        }
        let program = std::env::args().next().unwrap_or_else(|| "bedside".into());
        let dir = self.world.dir.display();
        let relay = arguments.join(" ").replace(" --", " \\\n      --");
        line(&format!(
            "\nDone in {seconds} s. The relay is stopped, the devices are locked.\n\
             Everything is in {dir}\n\
             The PIN of each device is {PIN}.\n\n\
             Go on:\n  export BEDSIDE_HOME={dir} BEDSIDE_PIN={PIN}\n  \
             {program} --profile nurse plan history {NHS_NUMBER}\n  \
             {program} --profile person plan edit {NHS_NUMBER} \\\n      text wishes.about_me 'Call me Jane.'\n  \
             {program} --profile care-home plan export {NHS_NUMBER} \\\n      --format text --output copy.txt\n\n\
             To sync, start the relay again:\n  {} {relay}",
            network.program.display()
        ))?;
        Ok(seconds)
    }
}

fn owned(script: &[(&str, &str)]) -> Vec<String> {
    script.iter().map(|(line, _)| (*line).to_owned()).collect()
}

fn text_of(answer: &Value, name: &str) -> Result<String, CliError> {
    answer[name]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| failed(format!("an answer has no {name}: {answer}")))
}

fn history(device: Device<'_>, plan: &str) -> Result<usize, CliError> {
    let rows = device.run(&["plan", "history", plan])?;
    rows.as_array().map(Vec::len).ok_or_else(|| failed("the history is not a list"))
}

/// The plan as a device shows it, without what is different by its nature: when it was looked at, and what waits.
fn shown(device: Device<'_>, plan: &str) -> Result<Value, CliError> {
    let mut view = device.run(&["plan", "show", plan])?;
    if let Some(view) = view.as_object_mut() {
        // Not of the plan, but of the device and of what it may hold.
        ["as_of", "waiting", "shared_only"].iter().for_each(|key| drop(view.remove(*key)));
    }
    Ok(view)
}

fn check_words(device: Device<'_>, plan: &str, script: &[(&str, &str)]) -> Result<(), CliError> {
    let view = shown(device, plan)?.to_string();
    match script.iter().find(|(_, words)| !view.contains(words)) {
        Some((line, _)) => {
            Err(failed(format!("{}: this was confirmed and is not there: {line}", device.name)))
        }
        None => Ok(()),
    }
}

fn both_places(view: &Value) -> Result<(), CliError> {
    let sections = view["sections"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fields = sections.iter().filter_map(|section| section["fields"].as_array()).flatten();
    let mut place = fields.filter(|field| field["key"] == "preferences.place_of_death_1");
    let values = place.next().and_then(|field| field["values"].as_array()).map_or(0, Vec::len);
    if values == 2 { Ok(()) } else { Err(failed(format!("{values} places of death are shown, not both"))) }
}

/// Where two views first differ.
fn difference(one: &Value, other: &Value) -> String {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let differing = a.iter().find(|(name, value)| b.get(*name) != Some(*value));
            match differing {
                Some((name, value)) => {
                    format!("{name}.{}", difference(value, b.get(name).unwrap_or(&Value::Null)))
                }
                None => format!("{} fields and {}", a.len(), b.len()),
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let differing = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or_default();
            format!("{differing}.{}", difference(&a[differing], &b[differing]))
        }
        _ => format!(" {one} and {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_two_views_differ_is_named() {
        let one = json!({ "a": 1, "b": [{ "c": "x" }, { "c": "y" }] });
        let other = json!({ "a": 1, "b": [{ "c": "x" }, { "c": "z" }] });
        assert_eq!(difference(&one, &other), r#"b.1.c. "y" and "z""#);
    }

    #[test]
    fn one_place_of_death_is_not_two() {
        let view = |values: Value| {
            let field = json!({ "key": "preferences.place_of_death_1", "values": values });
            json!({ "sections": [{ "fields": [field] }] })
        };
        assert!(both_places(&view(json!([1, 2]))).is_ok());
        assert!(both_places(&view(json!([1]))).is_err());
        assert!(both_places(&json!({})).is_err());
    }
}
