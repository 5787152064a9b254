//! A second language: whatever is said of a plan is a message, and nothing is said in English beside it.
//!
//! Every message is in Greek letters and every answer in Cyrillic: Latin letters in what is said are an English sentence that
//! nobody can translate, or the month of a date.

use bedside_protocol::entry::{
    Act, Approval, ApprovedSection, Body, Consent, Decision, Grant, Look, Mark, Reason, Review, Stage, Why,
};
use bedside_protocol::ids::{EntryId, IdentityId, OrganisationId, Principal, StatementId};
use bedside_protocol::statement::Capabilities;
use serde_json::Value;

use super::super::authority::{Target, may_write};
use super::super::codes;
use super::super::compare::differences;
use super::super::locale::{Locale, Message};
use super::super::looks::Looked;
use super::super::schema::{Class, FIELDS, Kind};
use super::super::words;
use super::super::worklist::listings;
use super::*;
use crate::ledger::HeldReason;
use crate::plan::approval::urgent;
use crate::plan::check::{ShapeError, Wanted, encode_decision};
use crate::plan::dates;
use crate::plan::withheld::opened;
use crate::testing::pages::looks;

/// Every field answered, nothing of it in Latin letters.
pub(super) fn in_cyrillic() -> Told {
    let mut plan = Told::new();
    let by = plan.by("Жанна", Role::Nurse, 3);
    let change = plan.document.edit(&Actor::new([1; 16]), Timestamp(0), &answered()).unwrap();
    plan.authors.insert(inspect(&change, TEXTS).unwrap().hash, by);
    for section in Section::ALL.into_iter().filter(|section| section.is_decision()) {
        let by = plan.by("Жора", Role::Doctor, 2);
        let (entry, section, fields) = (by.entry, section.number(), decided(section));
        plan.decisions.push(StandingDecision {
            entry,
            section,
            fields,
            kept_in: Compartment::Shared,
            by: by.clone(),
            endorsed_by: vec![by],
        });
    }
    plan.consent(Scope::Share, Outcome::Given, "Жо");
    plan.consents[0].by.author = "Жак".into();
    plan.consents[0].by.organisation = Some("Жэк".into());
    plan.decisions.iter_mut().for_each(|d| d.by.organisation = None);
    plan.decisions.iter_mut().flat_map(|d| &mut d.endorsed_by).for_each(|by| by.organisation = None);
    plan.approve("Жюль", 1);
    plan.approvals[0].by.organisation = None;
    plan.approvals[0].decisions.values_mut().flatten().for_each(|d| d.by.organisation = None);
    plan.change(Section::Home);
    (plan.held, plan.waiting) = (2, 1);
    plan
}

/// Looks of every kind, nothing of them in Latin letters.
pub(super) fn in_cyrillic_looks() -> Vec<Looked> {
    let mut looks = looks();
    for looked in &mut looks {
        looked.author = "Жанна".into();
        looked.organisation = looked.organisation.take().map(|_| "Жэк".into());
        looked.look.what = looked.look.what.take().filter(|what| what.starts_with("home"));
        looked.look.why.iter_mut().for_each(|why| why.text = "Жуть".into());
    }
    for reason in [Reason::Safeguarding, Reason::LegalDuty] {
        let mut another = looks[5].clone();
        another.look.why = Some(Why { reason, text: "Жуть".into() });
        looks.push(another);
    }
    looks
}

fn answered() -> Vec<Edit> {
    let leaf = |answer| Leaf::new(answer, Source::Person).to_bytes();
    let typed = FIELDS.iter().filter(|f| !f.section.is_decision() && f.class != Class::A);
    let edits = typed.map(|field| {
        let key = field.key_for("00000000000000aa");
        match (field.kind, field.key) {
            (Kind::Text, _) => Edit::Text { key, text: "Жук".into() },
            (_, "identity.nhs_number") => Edit::Put { key, value: leaf(Answer::text("9434765919").unwrap()) },
            (kind, _) => Edit::Put { key, value: leaf(answer(kind)) },
        }
    });
    edits.collect()
}

fn decided(section: Section) -> BTreeMap<String, Leaf> {
    let of_section = FIELDS.iter().filter(|field| field.section == section);
    of_section.map(|f| (f.key_for("00000000000000aa"), Leaf::new(answer(f.kind), Source::Person))).collect()
}

fn answer(kind: Kind) -> Answer {
    match kind {
        Kind::Text | Kind::Line => Answer::text("Жук").unwrap(),
        Kind::One(set) => Answer::from(codes::of(set).next().unwrap()),
        Kind::Date => Answer::date("2026-11-02").unwrap(),
        Kind::Number { max, .. } => Answer::Number(max),
    }
}

/// The words of a text that are in Latin letters and no month.
pub(super) fn english(shown: &str) -> Vec<&str> {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let latin = shown.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    latin.filter(|word| !months.contains(word)).collect()
}

fn check(said: &str) {
    assert!(english(said).is_empty(), "{:?} in: {said}", english(said));
    assert!(!said.is_empty());
}

fn check_message(message: &Message) {
    check(&message.say(&Locale::pseudo()));
}

/// What stands for people in JSON.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    const FOR_PEOPLE: [&str; 7] = ["text", "status_text", "action", "label", "title", "parts", "gender"];
    match value {
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if FOR_PEOPLE.contains(&name.as_str()) => found.push(text),
                    Value::Array(items) if FOR_PEOPLE.contains(&name.as_str()) => {
                        found.extend(items.iter().filter_map(Value::as_str));
                    }
                    value => texts(value, found),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_text_of_a_view_is_said_in_the_readers_language() {
    let plan = in_cyrillic();
    let glass = GlassView::new("safeguarding", "Жуть".into(), days_ago(0));
    let mut wrong = Told::new();
    wrong.edit("Жанна", Role::Nurse, 1, Source::Person, &[("identity.death_notice_status", "informal")]);
    let views = [
        plan.view(),
        plan.shown(urgent),
        plan.shown(past),
        locked(plan.view()),
        opened(plan.view(), glass),
        wrong.view(),
        Told::new().view(),
    ];
    for view in views {
        let kind = view.kind;
        let said = serde_json::to_value(view.in_language(&Locale::pseudo())).unwrap();
        let mut found = Vec::new();
        texts(&said, &mut found);
        assert!(found.len() > 20, "{kind}: {found:?}");
        found.into_iter().for_each(check);
    }
}

#[test]
fn a_view_in_british_english_is_the_view_itself() {
    for view in [in_cyrillic().view(), margaret().view(), locked(margaret().view())] {
        let json = |view: &PlanView| serde_json::to_string(view).unwrap();
        assert_eq!(json(&view.clone().in_language(Locale::british_english())), json(&view));
    }
}

#[test]
fn a_history_is_told_in_the_readers_language() {
    let mut document = Told::new().document;
    let change = document.edit(&Actor::new([1; 16]), Timestamp(0), &answered()).unwrap();
    let entry = EntryId::new([7; 32]);
    let look =
        |act, what: Option<&str>, why| Look { at: Timestamp(0), act, what: what.map(str::to_owned), why };
    let why = |reason| Some(Why { reason, text: "Жуть".into() });
    let mut bodies = vec![Body::Change(change), Body::Change(vec![1])];
    for scope in [Scope::Record, Scope::Share] {
        for outcome in [
            Outcome::Given,
            Outcome::Withdrawn,
            Outcome::BestInterests,
            Outcome::Attorney,
            Outcome::Representative,
        ] {
            bodies.push(Body::Consent(Consent { scope, outcome, note: String::new(), grounds: None }));
        }
    }
    for section in Section::ALL.into_iter().filter(|section| section.is_decision()) {
        let content = encode_decision(&decided(section));
        for (supersedes, endorses) in [(0, None), (1, None), (2, None), (0, Some(entry))] {
            let (section, supersedes) = (section.number(), vec![entry; supersedes]);
            bodies.push(Body::Decision(Decision { section, supersedes, content: content.clone(), endorses }));
        }
    }
    bodies.push(Body::Decision(Decision {
        section: 99,
        supersedes: vec![],
        content: vec![],
        endorses: None,
    }));
    for reader in
        [Principal::Identity(IdentityId::new([1; 32])), Principal::Organisation(OrganisationId::new([1; 32]))]
    {
        bodies.push(Body::Grant(Grant { reader, statement: StatementId::new([1; 32]) }));
    }
    for adopt in [true, false] {
        bodies.push(Body::Review(Review { entry, adopt, note: String::new() }));
    }
    for stage in [Stage::AwaitingApproval, Stage::UnderReview, Stage::EnteredInError, Stage::InUse] {
        bodies.push(Body::Mark(Mark { stage, note: String::new() }));
    }
    let sections = vec![ApprovedSection { section: 14, digest: [0; 32] }];
    bodies.push(Body::Approval(Approval { sections, review_on: None }));
    bodies.push(Body::Looks(vec![
        look(Act::View, None, None),
        look(Act::Reveal, Some("home.key_safe"), None),
        look(Act::Print, None, None),
        look(Act::Export, None, None),
        look(Act::BreakGlass, None, None),
        look(Act::BreakGlass, None, why(Reason::EmergencyTreatment)),
        look(Act::BreakGlass, None, why(Reason::Safeguarding)),
        look(Act::BreakGlass, None, why(Reason::LegalDuty)),
    ]));
    for body in &bodies {
        check_message(&words::entry(body));
        words::content(body).iter().for_each(check_message);
    }
}

#[test]
fn what_differs_is_told_in_the_readers_language() {
    let mut later = in_cyrillic();
    let found = differences(&Told::new().view(), &later.view(), &Locale::pseudo());
    assert!(found.len() > 100, "{}", found.len());
    let by = later.by("Жора", Role::Doctor, 0);
    let before = later.view();
    later.decisions[0].endorsed_by.push(Provenance { organisation: None, ..by });
    let endorsed = differences(&before, &later.view(), &Locale::pseudo());
    assert_eq!(endorsed.len(), 1);
    for difference in found.iter().chain(&endorsed) {
        check(&difference.section);
        check(&difference.label);
        check(&difference.text);
        if difference.key != "share" {
            difference.before.iter().chain(&difference.after).for_each(|said| check(said));
        }
    }
}

#[test]
fn a_list_says_in_the_readers_language_what_comes_first_and_why() {
    let greek = Locale::pseudo();
    let mut plan = in_cyrillic();
    let today = dates::day(days_ago(0)).unwrap();
    let mut views = vec![Told::new().view(), locked(plan.view()), plan.view()];
    plan.decisions.retain(|decision| decision.section != Section::AfterDeath.number());
    views.push(plan.view());
    let another = plan.decisions.iter().find(|d| d.section == Section::Cpr.number()).cloned().unwrap();
    plan.decisions.push(StandingDecision {
        entry: EntryId::new([9; 32]),
        fields: BTreeMap::new(),
        ..another
    });
    views.push(plan.view());
    let mut why = 0;
    for view in &views {
        check(&summary(view).first.say(&greek));
        for listing in listings(view, Some(days_ago(3))) {
            check_message(&listing.why.message(today));
            why += 1;
        }
    }
    assert!(why > 4, "{why}");
}

#[test]
fn whoever_may_not_write_something_is_told_so_in_their_language() {
    let mut acts: Vec<Target> = FIELDS.iter().map(Target::Field).collect();
    acts.extend(Section::ALL.into_iter().flat_map(|s| [Target::Decision(s), Target::Endorsement(s)]));
    let stages = [Stage::AwaitingApproval, Stage::UnderReview, Stage::EnteredInError, Stage::InUse];
    acts.extend(stages.map(Target::Mark));
    acts.extend([Target::Approval, Target::Review, Target::BreakGlass]);
    let mut refused = 0;
    for role in Role::ALL {
        for capabilities in [Capabilities(0), role.usual_capabilities(), Capabilities(u32::MAX)] {
            for refusal in acts.iter().filter_map(|act| may_write(role, capabilities, *act).err()) {
                check_message(&refusal.message());
                refused += 1;
            }
        }
    }
    assert!(refused > 100);
}

#[test]
fn why_an_entry_is_held_is_told_in_the_readers_language() {
    for reason in [
        HeldReason::NoBasis,
        HeldReason::ConsentWithdrawn,
        HeldReason::NoGrounds,
        HeldReason::AfterDeath,
        HeldReason::NotAllowed(Message::new("held-own-review")),
        HeldReason::CredentialInvalid,
        HeldReason::BuildsOnHeld,
        HeldReason::Forked,
        HeldReason::Malformed(Message::new("malformed-actor")),
    ] {
        check_message(&reason.message());
    }
}

#[test]
fn why_an_answer_does_not_fit_is_told_in_the_readers_language() {
    let key = || "ключ".to_owned();
    let wanted = [Wanted::Value, Wanted::Exception, Wanted::Known].into_iter();
    let kinds = [Kind::Text, Kind::Line, Kind::Date, Kind::Number { min: 0, max: 9, step: 1 }];
    let steps = Kind::Number { min: 0, max: 90, step: 10 };
    let wanted = wanted.chain(kinds.map(Wanted::Kind)).chain([Wanted::Kind(steps)]);
    let mut errors: Vec<ShapeError> =
        wanted.map(|wanted| ShapeError::WrongKind { key: key(), wanted }).collect();
    for answer in [Answer::text(" "), Answer::date("2026-02-30"), Answer::text(&"ж".repeat(99_999))] {
        errors.push(ShapeError::Leaf { key: key(), source: answer.unwrap_err() });
    }
    for text in ["9434765918", "943"] {
        errors.push(crate::plan::nhs_number::NhsNumber::parse(text).unwrap_err().into());
    }
    errors.extend([true, false].map(|decided| ShapeError::WrongPlace { key: key(), decided }));
    errors.extend([ShapeError::TooLong(9), ShapeError::TooMany(9), ShapeError::Empty]);
    errors.extend([ShapeError::NotADecision(1), ShapeError::UnknownField(key())]);
    for error in errors {
        check_message(&error.message());
    }
}
