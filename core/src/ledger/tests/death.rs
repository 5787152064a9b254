//! A death: afterwards only what concerns it is written, and every view says so.

use super::*;
use crate::plan::locale::Locale;
use crate::plan::summary::summary;

fn died(member: &Member) -> Body {
    decision(member, Section::AfterDeath, &[("death.date", "1970-01-01"), ("death.place", "home")])
}

#[test]
fn after_a_death_nothing_is_written_but_what_concerns_it() {
    let mut story = Story::begin();
    let crossed = story.carer.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    let body = died(&story.alice);
    let death = story.alice.say(&story.cast.trust, body).unwrap();
    story.everybody_meets();
    assert_eq!(verdict(&story.bob, &crossed), Verdict::Standing, "written without knowing");
    let late = story.bob.edit(&story.cast.trust, &[put(PLACE, "hospice")]).unwrap();
    assert_eq!(held(&story.bob, &late), HeldReason::AfterDeath);
    let body = decision(&story.bob, Section::Cpr, &[("cpr.decision", "recommended")]);
    let cpr = story.bob.say(&story.cast.trust, body).unwrap();
    assert_eq!(held(&story.bob, &cpr), HeldReason::AfterDeath);
    let body = super::approval::approve(&story.bob);
    let approval = story.bob.say(&story.cast.trust, body).unwrap();
    assert_eq!(held(&story.bob, &approval), HeldReason::AfterDeath);
    let consent = story.bob.consent(&story.cast.trust, Scope::Share, Outcome::Given);
    assert_eq!(held(&story.bob, &consent), HeldReason::AfterDeath);
    let told = [("death.date", "1970-01-01"), ("death.told", "the family")];
    let body = decision(&story.bob, Section::AfterDeath, &told);
    let more = story.bob.say(&story.cast.trust, body).unwrap();
    assert_eq!(verdict(&story.bob, &more), Verdict::Standing, "section 19 stays open: {death}");
}

#[test]
fn every_view_and_every_list_says_that_the_person_has_died() {
    let mut story = Story::begin();
    let body = died(&story.alice);
    story.alice.say(&story.cast.trust, body).unwrap();
    story.everybody_meets();
    for show in [view, crate::plan::approval::urgent] {
        let seen = shown(&story.carer, &story, show);
        assert!(seen.banner.deceased && seen.banner.parts.contains(&"DIED 01-Jan-1970".to_owned()));
        assert_eq!((seen.alerts[0].kind, seen.control.status), ("deceased", "deceased"));
        let row = summary(&seen);
        assert_eq!(
            (row.first.say(Locale::british_english()).as_str(), row.died.as_deref()),
            ("DECEASED: died 01-Jan-1970", Some("01-Jan-1970"))
        );
    }
}

#[test]
fn a_death_that_was_recorded_in_error_is_taken_back_and_the_plan_goes_on() {
    let mut story = Story::begin();
    let body = died(&story.alice);
    story.alice.say(&story.cast.trust, body).unwrap();
    story.everybody_meets();
    let late = story.carer.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    let body = decision(&story.bob, Section::AfterDeath, &[("death.in_error", "another Jane Smith")]);
    story.bob.say(&story.cast.trust, body).unwrap();
    story.everybody_meets();
    assert!(!plan(&story.carer, &story).banner.deceased);
    assert_eq!(held(&story.bob, &late), HeldReason::AfterDeath, "what came in between waits for a reviewer");
    let review = bedside_protocol::entry::Review { entry: late, adopt: true, note: String::new() };
    story.bob.say(&story.cast.trust, Body::Review(review)).unwrap();
    assert_eq!(story.bob.replica.document().values(PLACE).len(), 1);
    story.carer.catch_up(&story.cast.trust, &story.bob);
    let on = story.carer.edit(&story.cast.trust, &[put(PLACE, "hospice")]).unwrap();
    assert_eq!(verdict(&story.carer, &on), Verdict::Standing);
}

#[test]
fn a_death_that_a_carer_records_closes_nothing_before_a_clinician_adopts_it() {
    let mut story = Story::begin();
    let body = died(&story.carer);
    let entry = story.carer.say(&story.cast.trust, body).unwrap();
    story.everybody_meets();
    assert!(!plan(&story.bob, &story).banner.deceased);
    let before = story.bob.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    assert_eq!(verdict(&story.bob, &before), Verdict::Standing);
    let review = bedside_protocol::entry::Review { entry, adopt: true, note: String::new() };
    story.bob.say(&story.cast.trust, Body::Review(review)).unwrap();
    assert!(plan(&story.bob, &story).banner.deceased);
    let after = story.bob.edit(&story.cast.trust, &[put(PLACE, "hospice")]).unwrap();
    assert_eq!(held(&story.bob, &after), HeldReason::AfterDeath);
}
