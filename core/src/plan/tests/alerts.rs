//! Alerts: what must be seen first, why, and what to do.

use super::*;

fn kinds(plan: &Told) -> Vec<&'static str> {
    plan.view().alerts.iter().map(|alert| alert.kind).collect()
}

fn text(plan: &Told, kind: &str) -> String {
    let view = plan.view();
    let found = view.alerts.iter().find(|alert| alert.kind == kind);
    found.map(|alert| alert.text.clone()).unwrap_or_default()
}

fn legal(plan: &mut Told, said: &[(&str, &str)]) {
    plan.decisions.retain(|decision| decision.section != Section::Legal.number());
    plan.decide(Section::Legal, "Dr Amy Bell", 1, None, said);
}

#[test]
fn every_alert_says_how_grave_it_is_and_what_to_do_and_the_gravest_come_first() {
    let mut plan = margaret();
    plan.edit("Ada", Role::Nurse, 2, Source::Record, &[("identity.death_notice", "2026-11-19")]);
    let alerts = plan.view().alerts;
    assert!(alerts.iter().all(|alert| !alert.action.is_empty() && !alert.text.is_empty()));
    let order: Vec<&str> = alerts.iter().map(|alert| alert.severity).collect();
    expect![[r#"["danger", "warning", "warning", "note"]"#]].assert_eq(&format!("{order:?}"));
}

#[test]
fn a_cpr_decision_that_was_not_discussed_endorsed_or_assessed_says_so() {
    let mut plan = margaret();
    assert!(kinds(&plan).contains(&"cpr-not-documented"));
    plan.decide(Section::Cpr, "Dr Amy Bell", 1, None, &[("cpr.decision", "not-discussed")]);
    assert!(!kinds(&plan).contains(&"cpr-not-documented"), "not discussed is an answer");
    assert_eq!(text(&plan, "cpr-not-discussed"), "CPR has not been discussed");
    plan.decisions.clear();
    let said = [("cpr.decision", "not-recommended"), ("cpr.capacity", "lacks")];
    plan.decide(Section::Cpr, "Dr Amy Bell", 1, None, &said);
    let seen = kinds(&plan);
    for kind in ["cpr-not-discussed", "cpr-not-endorsed", "no-best-interests"] {
        assert!(seen.contains(&kind), "{kind}");
    }
    assert!(!seen.contains(&"cpr-capacity-missing"));
    plan.decisions.clear();
    let said =
        [("cpr.decision", "not-recommended"), ("cpr.capacity", "has"), ("cpr.discussed_person", "yes")];
    plan.decide(Section::Cpr, "Dr Amy Bell", 1, Some("Dr Carl Dent"), &said);
    assert!(!kinds(&plan).iter().any(|kind| kind.starts_with("cpr-")));
}

#[test]
fn reviews_are_announced_before_they_are_due_and_missed_after() {
    let mut plan = margaret();
    let review = |plan: &mut Told, day: &str| {
        plan.decisions.clear();
        let said = [("cpr.decision", "not-recommended"), ("cpr.review_date", day)];
        plan.decide(Section::Cpr, "Dr Amy Bell", 1, None, &said);
    };
    review(&mut plan, "2026-12-25");
    assert!(!kinds(&plan).iter().any(|kind| kind.starts_with("review")));
    review(&mut plan, "2026-12-01");
    assert_eq!(text(&plan, "review-due-soon"), "The CPR decision is due for review on 01-Dec-2026");
    review(&mut plan, "2026-11-21");
    assert_eq!(text(&plan, "review-overdue"), "The CPR decision was due for review on 21-Nov-2026");
    plan.created = days_ago(120);
    assert!(kinds(&plan).contains(&"plan-review-overdue"));
}

#[test]
fn anticipatory_medicines_that_expire_are_announced() {
    let mut plan = margaret();
    plan.edit("Jo", Role::Nurse, 2, Source::Observed, &[("anticipatory.expires", "2026-12-01")]);
    assert!(kinds(&plan).contains(&"anticipatory-expiring"));
    plan.edit("Jo", Role::Nurse, 1, Source::Observed, &[("anticipatory.expires", "2026-11-21")]);
    assert!(kinds(&plan).contains(&"anticipatory-expired"));
}

#[test]
fn likely_duplicates_are_pointed_out_and_never_merged() {
    let mut plan = margaret();
    plan.edit(
        "Jo",
        Role::Nurse,
        1,
        Source::Observed,
        &[
            ("medicine/00000000000000aa/name", "Morphine sulfate"),
            ("medicine/00000000000000bb/name", "morphine  sulfate"),
            ("contact/00000000000000aa/name", "Daniel Okafor"),
            ("contact/00000000000000bb/name", "Daniel Okafor"),
        ],
    );
    let seen = kinds(&plan);
    assert!(seen.contains(&"duplicate-medicine") && seen.contains(&"duplicate-contact"));
    assert_eq!(plan.view().section(Section::Medicines).lists[0].items.len(), 2);
    plan.edit("Jo", Role::Nurse, 1, Source::Observed, &[("medicine/00000000000000bb/stopped", "2026-11")]);
    assert!(!kinds(&plan).contains(&"duplicate-medicine"));
}

#[test]
fn an_advance_decision_made_under_eighteen_or_incomplete_is_a_warning_with_its_reason() {
    let mut plan = margaret();
    let base = ("document/00000000000000aa/kind", "adrt-life-sustaining");
    legal(&mut plan, &[base, ("document/00000000000000aa/made", "1957-12-31")]);
    expect!["The advance decision was made at the age of 17; it binds only from 18"]
        .assert_eq(&text(&plan, "adrt-under-18"));
    expect![[r#"The refusal of life-sustaining treatment is not recorded as in writing, signed, witnessed, said to apply "even if life is at risk"; without that it does not bind"#]]
        .assert_eq(&text(&plan, "adrt-incomplete"));
    legal(
        &mut plan,
        &[
            base,
            ("document/00000000000000aa/made", "1958-01-01"),
            ("document/00000000000000aa/capacity_when_made", "yes"),
            ("document/00000000000000aa/in_writing", "yes"),
            ("document/00000000000000aa/signed", "yes"),
            ("document/00000000000000aa/witnessed", "yes"),
            ("document/00000000000000aa/even_if_life_at_risk", "yes"),
        ],
    );
    assert!(!kinds(&plan).iter().any(|kind| kind.starts_with("adrt")), "at eighteen, and complete");
}

#[test]
fn an_attorney_comes_before_an_advance_decision_only_if_appointed_later() {
    let mut plan = margaret();
    let with = |plan: &mut Told, appointed: &str| {
        legal(
            plan,
            &[
                ("document/00000000000000aa/kind", "adrt"),
                ("document/00000000000000aa/made", "2020-05-01"),
                ("document/00000000000000bb/kind", "attorney"),
                ("document/00000000000000bb/made", appointed),
            ],
        );
        text(plan, "adrt-and-attorney")
    };
    expect!["An attorney was appointed after the advance decision; for the same decision, the attorney comes first"]
        .assert_eq(&with(&mut plan, "2021-01-01"));
    expect![
        "The advance decision was made after the attorney was appointed; the attorney cannot overrule it"
    ]
    .assert_eq(&with(&mut plan, "2019-01-01"));
}

#[test]
fn an_assessment_of_capacity_holds_for_its_time_and_decision_only() {
    let mut plan = margaret();
    let said = [
        ("capacity/00000000000000aa/decision", "moving to a nursing home"),
        ("capacity/00000000000000aa/outcome", "lacks"),
        ("capacity/00000000000000aa/to", "2026-11-01"),
    ];
    plan.decide(Section::Capacity, "Dr Amy Bell", 30, None, &said);
    expect!["The assessment of capacity for moving to a nursing home is not in force today"]
        .assert_eq(&text(&plan, "capacity-out-of-date"));
}

#[test]
fn after_a_death_nobody_is_asked_to_complete_the_plan() {
    let mut plan = margaret();
    plan.decide(Section::AfterDeath, "Dr Amy Bell", 1, None, &[("death.date", "2026-11-20")]);
    assert_eq!(kinds(&plan), ["deceased"]);
}
