//! Reading without consent, and what a person noted before they had a plan.

use bedside_core::api::{
    Answer, ApiError, App, Audience, Cancel, Capabilities, ConsentSpec, ExportFormat, InviteSpec, Leaf,
    Outcome, PlanId, Reason, Role, Scope, Source, Timestamp,
};

use crate::world::*;

const HOUR_MS: u64 = 3_600_000;
const PLACE: &str = "preferences.place_of_death_1";

/// A plan of Riverside's that is shared with Willow House, on the devices of a nurse, of a doctor and a crew there, and of the
/// person.
struct Street {
    _world: World,
    nurse: Device,
    doctor: Device,
    crew: Device,
    person: Device,
    plan: PlanId,
}

impl Street {
    fn new() -> Self {
        let world = World::new();
        let (riverside, willow) =
            (world.organisation("Riverside", "RX1"), world.organisation("Willow", "VLX01"));
        let nurse = world.colleague(&riverside, "Amira Khan", Role::Nurse);
        let doctor = world.colleague(&willow, "Ben Ode", Role::Doctor);
        let crew = world.colleague(&willow, "Crew Seven", Role::UrgentCare);
        nurse.in_step();
        let plan = nurse.start_plan(jane()).unwrap().plan;
        nurse.in_step();
        let person = world.device("jane");
        let spec = InviteSpec { name: "Jane".into(), role: Role::Person, plan: Some(plan), ..invitation() };
        person.enrol_by(&nurse, spec);
        share_with(&nurse, plan, "VLX01");
        converge(&[&nurse, &doctor, &crew, &person]);
        Self { _world: world, nurse, doctor, crew, person, plan }
    }

    fn withdraw(&self) {
        let spec = ConsentSpec { outcome: Outcome::Withdrawn, note: "by phone".into(), grounds: None };
        self.person.record_consent(self.plan, Scope::Share, spec).unwrap();
        converge(&[&self.person, &self.nurse, &self.doctor, &self.crew]);
    }

    fn break_glass(&self, device: &App, text: &str) -> Result<(), ApiError> {
        device.break_glass(self.plan, Reason::EmergencyTreatment, text)
    }
}

fn kind(device: &Device, plan: PlanId) -> &'static str {
    device.plan(plan).unwrap().kind
}

#[test]
fn broken_glass_opens_a_locked_plan_says_so_on_every_view_and_to_the_person() {
    let street = Street::new();
    let (crew, person, plan) = (&street.crew, &street.person, street.plan);
    street.withdraw();
    assert_eq!(kind(crew, plan), "locked");
    assert_eq!(code(street.break_glass(crew, " ")), "invalid");
    assert_eq!(code(street.break_glass(&street.nurse, "to look")), "not-allowed");
    assert_eq!(kind(crew, plan), "locked", "nothing came of these");
    street.break_glass(crew, "found unconscious").unwrap();
    for view in [crew.plan(plan).unwrap(), crew.plan_for_urgent_care(plan).unwrap()] {
        assert_eq!((view.kind, view.alerts[0].kind), ("urgent", "break-glass"));
        assert!(view.alerts[0].text.contains("found unconscious"));
        assert_eq!(view.glass.unwrap().reason, "emergency-treatment");
    }
    assert_eq!(kind(&street.doctor, plan), "locked", "for nobody else");
    crew.in_step();
    person.in_step();
    let rows = person.access_record(plan).unwrap();
    let broken = rows.iter().find(|row| row.act == "break-glass").unwrap();
    assert_eq!((broken.author.as_str(), broken.why.as_deref()), ("Crew Seven", Some("found unconscious")));
    assert_eq!(broken.reason, Some("emergency-treatment"));
    assert!(broken.held.is_none(), "although consent was withdrawn, it stands");
}

#[test]
fn broken_glass_closes_after_an_hour_and_when_the_clock_is_set_back() {
    let mut street = Street::new();
    let plan = street.plan;
    street.withdraw();
    street.break_glass(&street.crew, "found unconscious").unwrap();
    street.crew.reopen().unwrap();
    assert_eq!(kind(&street.crew, plan), "urgent", "a restart does not close it");
    let now = street.crew.now();
    street.crew.clock.set(Timestamp(now.0 + HOUR_MS));
    assert_eq!(kind(&street.crew, plan), "locked");
    street.crew.clock.set(Timestamp(now.0 - 1));
    assert_eq!(kind(&street.crew, plan), "locked");
    street.crew.clock.set(now);
    assert_eq!(street.crew.access_record(plan).unwrap().iter().filter(|r| r.act == "break-glass").count(), 1);
}

#[test]
fn the_person_reads_on_their_page_who_has_looked() {
    let street = Street::new();
    let (nurse, person, plan) = (&street.nurse, &street.person, street.plan);
    let page = || person.page(plan, None).unwrap().text();
    assert!(!page().to_lowercase().contains("nobody looked"));
    nurse.plan(plan).unwrap();
    nurse.print(plan, None, false).unwrap();
    street.withdraw();
    street.break_glass(&street.crew, "found unconscious").unwrap();
    converge(&[nurse, &street.crew, person]);
    let text = page().split_whitespace().collect::<Vec<_>>().join(" ");
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words} in {text}"));
    let glass = at("Crew Seven (urgent care, Willow) opened your plan on 22-Nov-2026");
    assert!(at("WHO HAS LOOKED AT YOUR PLAN") < glass && glass < at("Amira Khan (nurse, Riverside) printed"));
    assert!(text.contains("It was for care that could not wait. They wrote: found unconscious"));
    assert!(nurse.page(plan, Some(Audience::Person)).unwrap().html().contains("opened your plan on"));
    assert!(!nurse.page(plan, Some(Audience::Summary)).unwrap().text().contains("Who has looked"));
}

#[test]
fn a_privacy_officer_sees_over_all_plans_who_looked_out_of_the_ordinary() {
    let world = World::new();
    let (riverside, willow) = (world.organisation("Riverside", "RX1"), world.organisation("Willow", "VLX01"));
    let nurse = world.colleague(&riverside, "Amira Khan", Role::Nurse);
    let crew = world.colleague(&willow, "Crew Seven", Role::UrgentCare);
    let officer = world.device("ola");
    let oversees = Role::Administrator.usual_capabilities().with(Capabilities::OVERSEE);
    let spec = InviteSpec { name: "Ola West".into(), role: Role::Administrator, ..invitation() };
    officer.enrol_by(&riverside, InviteSpec { capabilities: Some(oversees), ..spec });
    nurse.in_step();
    let numbers: Vec<String> = nhs_numbers().take(3).collect();
    let plans: Vec<PlanId> =
        numbers.iter().map(|number| nurse.start_plan(plan_for(number)).unwrap().plan).collect();
    share_with(&nurse, plans[0], "VLX01");
    converge(&[&nurse, &crew, &officer]);
    nurse.plan(plans[1]).unwrap();
    nurse.export(plans[2], ExportFormat::Csv, false).unwrap();
    let withdrawn = ConsentSpec { outcome: Outcome::Withdrawn, note: "by phone".into(), grounds: None };
    nurse.record_consent(plans[0], Scope::Share, withdrawn).unwrap();
    converge(&[&nurse, &crew]);
    crew.break_glass(plans[0], Reason::EmergencyTreatment, "found unconscious").unwrap();
    converge(&[&nurse, &crew, &officer]);
    let (never, cancelled) = (Cancel::new(), Cancel::new());
    cancelled.cancel();
    let found = officer.oversight(Timestamp(0), &never).unwrap();
    let rows: Vec<_> = found.rows.iter().map(|row| (row.why, row.plan, row.look.author.as_str())).collect();
    assert_eq!(rows, [("break-glass", plans[0], "Crew Seven"), ("copy", plans[2], "Amira Khan")]);
    assert_eq!((found.rows[0].nhs_number.as_str(), found.plans, found.more), (numbers[0].as_str(), 3, 0));
    assert!(found.last_contact.is_some() && found.rows[0].look.text.contains("found unconscious"));
    let later = Timestamp(officer.now().0 + HOUR_MS);
    assert!(officer.oversight(later, &never).unwrap().rows.is_empty(), "only since then");
    assert_eq!(code(nurse.oversight(Timestamp(0), &never)), "not-allowed");
    let person = InviteSpec { name: "Jane".into(), role: Role::Person, plan: Some(plans[0]), ..invitation() };
    let oversight = InviteSpec { capabilities: Some(oversees), ..person };
    assert_eq!(code(nurse.invite(oversight)), "invalid", "and nobody makes a person one");
    assert_eq!(code(officer.oversight(Timestamp(0), &cancelled)), "cancelled");
}

#[test]
fn who_broke_the_glass_reads_and_does_not_write() {
    let street = Street::new();
    street.withdraw();
    street.break_glass(&street.doctor, "called to the house").unwrap();
    assert_eq!(kind(&street.doctor, street.plan), "full");
    assert_eq!(code(street.doctor.write(street.plan, "wishes.about_me", "words")), "not-allowed");
    assert_eq!(code(street.doctor.reveal(street.plan, "home.key_safe")), "not-found", "there is none");
}

#[test]
fn what_a_person_noted_before_their_plan_is_handed_over_once_and_approved_like_any_edit() {
    let world = World::new();
    let admin = world.organisation("Riverside", "RX1");
    let nurse = world.colleague(&admin, "Amira Khan", Role::Nurse);
    let doctor = world.colleague(&admin, "Ben Ode", Role::Doctor);
    let mut person = world.device("jane");
    let home = |words| Leaf::new(Answer::uncoded(words).unwrap(), Source::Person);
    person.note_text("wishes.about_me", "I taught music.").unwrap();
    person.note(PLACE, &home("in my garden")).unwrap();
    let medicine = format!("medicine/{}/name", "00000000000000aa");
    assert_eq!(code(person.note(&medicine, &words("morphine"))), "not-allowed");
    assert_eq!(code(person.note("cpr.decision", &home("no"))), "invalid");
    assert_eq!(code(nurse.note_text("wishes.about_me", "words")), "not-allowed", "staff have plans");
    person.reopen().unwrap();
    assert_eq!(person.notebook().unwrap().len(), 2, "kept, encrypted, with no network and no credential");

    let plan = nurse.start_plan(jane()).unwrap().plan;
    nurse.write(plan, "wishes.about_me", "Her dog is called Biscuit.").unwrap();
    let mut draft = nurse.draft(plan).unwrap();
    draft.set(PLACE, &home("hospice")).unwrap();
    draft.commit().unwrap();
    nurse.in_step();
    let spec = InviteSpec { name: "Jane".into(), role: Role::Person, plan: Some(plan), ..invitation() };
    person.enrol_by(&nurse, spec);
    converge(&[&nurse, &person]);
    let done = person.hand_over(plan, false).unwrap();
    let left: Vec<&str> = done.left.iter().map(|row| row.key.as_str()).collect();
    assert_eq!((done.saved.entries, left), (1, vec![PLACE]), "the plan says something else there");
    let done = person.hand_over(plan, true).unwrap();
    assert!(done.left.is_empty() && person.notebook().unwrap().is_empty());
    assert_eq!(code(person.hand_over(plan, true)), "not-found", "handed over once");
    converge(&[&person, &doctor]);
    let shown = doctor.shown(plan);
    for words in ["Her dog is called Biscuit.\\n\\nI taught music.", "in my garden"] {
        assert!(shown.contains(words), "{words} is missing in {shown}");
    }
    let seen = doctor.plan(plan).unwrap().version;
    doctor.approve(plan, &[], &seen, None).unwrap();
    converge(&[&doctor, &person]);
    assert_eq!(person.plan(plan).unwrap().control.status, "approved");
}
