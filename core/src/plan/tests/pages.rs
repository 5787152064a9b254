//! Pages: what each kind of reader is shown, in which order, and that nothing is lost or broken on the way.

use std::collections::BTreeSet;

use expect_test::expect_file;
use proptest::prelude::*;

use super::super::codes::{self, Set};
use super::super::locale::{Arg, Locale};
use super::super::looks::Looked;
use super::super::page::{Block, Fact, Item, Part, Said};
use super::languages::{english, in_cyrillic, in_cyrillic_looks};
use super::*;
use crate::plan::approval::urgent;
use crate::plan::for_person::for_person;
use crate::testing::pages::{crowded, looks, page, samples, whole};
use crate::testing::plans::{Fullness, sample};

fn pages() -> Vec<(&'static str, Audience, Page)> {
    let all = samples().into_iter().chain(crowded());
    all.flat_map(|(name, view, urgent)| {
        Audience::ALL.map(|audience| {
            let view = if audience == Audience::Urgent { &urgent } else { &view };
            (name, audience, page(name, view, audience))
        })
    })
    .collect()
}

fn whole_page(audience: Audience) -> Page {
    match audience {
        Audience::Urgent => Page::of(&whole().shown(urgent), audience),
        _ => Page::of(&whole().view(), audience),
    }
}

fn parsed(html: &str) -> roxmltree::Document<'_> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    roxmltree::Document::parse_with_options(html, options).unwrap()
}

/// How parts of a page are marked for the style sheet.
fn classes(html: &str) -> String {
    let document = parsed(html);
    let of_elements = document.descendants().filter_map(|node| node.attribute("class"));
    of_elements.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}

/// What a browser shows, word by word.
fn words(html: &str) -> String {
    let document = parsed(html);
    fn read(node: roxmltree::Node<'_, '_>, words: &mut String) {
        match node.text().filter(|_| node.is_text()) {
            Some(text) => *words += text,
            None if node.has_tag_name("time") => node.children().for_each(|child| read(child, words)),
            None => {
                words.push(' ');
                node.children().for_each(|child| read(child, words));
                words.push(' ');
            }
        }
    }
    let mut words = String::new();
    read(document.descendants().find(|node| node.has_tag_name("body")).unwrap(), &mut words);
    plain(&words)
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn said(page: &Page) -> Vec<&Said> {
    fn of_facts<'a>(facts: &'a [Fact], all: &mut Vec<&'a Said>) {
        all.extend(facts.iter().flat_map(|fact| &fact.said));
    }
    fn of_items<'a>(items: &'a [Item], all: &mut Vec<&'a Said>) {
        items.iter().for_each(|item| of_facts(&item.facts, all));
    }
    let mut all = Vec::new();
    for block in page.parts.iter().flat_map(|part| &part.blocks) {
        match block {
            Block::Facts { facts, .. } => of_facts(facts, &mut all),
            Block::List { items, .. } => of_items(items, &mut all),
            Block::Decisions { decisions } => {
                for decision in decisions {
                    of_facts(&decision.facts, &mut all);
                    of_items(&decision.items, &mut all);
                }
            }
            Block::Text { .. } | Block::Marks { .. } => {}
        }
    }
    all
}

fn part<'a>(page: &'a Page, id: &str) -> Option<&'a Part> {
    page.parts.iter().find(|part| part.id == id)
}

fn values(view: &PlanView) -> Vec<&ValueView> {
    let mut all: Vec<&ValueView> = Vec::new();
    for section in view.sections.iter().filter(|section| section.number != 0) {
        let lists = section.lists.iter().chain(section.decisions.iter().flat_map(|d| &d.lists));
        let fields = section.fields.iter().chain(section.decisions.iter().flat_map(|d| &d.fields));
        let items = lists.flat_map(|list| &list.items).flat_map(|item| &item.fields);
        all.extend(fields.chain(items).flat_map(|field| &field.values));
    }
    all
}

#[test]
fn every_page_of_the_sample_plans_reads_as_it_is_written_down() {
    let mut marks = String::new();
    for (name, audience, page) in pages() {
        if ["long", "everything"].contains(&name) {
            continue;
        }
        let text = page.text();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "wider than 80 columns:\n{text}");
        expect_file![format!("./pages/{name}-{}.txt", audience.name())].assert_eq(&text);
        let html = page.html();
        let (_, body) = html.split_once("</head>\n").unwrap();
        marks += &format!("{name}, {}: {}\n", audience.name(), classes(&html));
        // The others differ in what they say, which the texts show, and in how it is marked.
        if name == "whole" {
            expect_file![format!("./pages/{name}-{}.html", audience.name())].assert_eq(body);
        }
    }
    expect_file!["./pages/marks.txt"].assert_eq(&marks);
    expect_file!["./pages/whole-summary.json"]
        .assert_eq(&(serde_json::to_string_pretty(&whole_page(Audience::Summary)).unwrap() + "\n"));
}

#[test]
fn who_it_is_about_how_old_it_is_and_who_approved_it_come_before_any_decision() {
    for (name, audience, page) in pages() {
        let (text, html) = (page.text(), words(&page.html()));
        for shown in [text.as_str(), html.as_str()] {
            let shown = plain(shown);
            let at = |words: &str| shown.find(words).unwrap_or_else(|| panic!("{name}: no {words}"));
            assert!(at(&plain(&page.banner.name)) < 90, "{name} {audience:?}");
            let mut order = vec![at(&page.banner.name), at(&page.banner.nhs_number)];
            order.extend(page.marks.iter().map(|mark| at(&plain(&mark.text))));
            order.extend(page.parts.first().map(|part| {
                shown.find(&part.heading).or_else(|| shown.find(&part.heading.to_uppercase())).unwrap()
            }));
            assert!(order.is_sorted(), "{name} {audience:?}: {order:?}");
        }
        let kinds: Vec<&str> = page.marks.iter().map(|mark| mark.kind).collect();
        assert!(kinds.contains(&"as-of"), "{name} {audience:?}");
        assert!(kinds.contains(&"approval") || page.kind == "locked", "{name} {audience:?}");
    }
}

#[test]
fn a_crew_reads_dangers_then_cpr_then_treatment_then_refusals_then_allergies() {
    let mut plan = whole();
    plan.edit("Jo Nurse", Role::Nurse, 1, Source::Observed, &[("anticipatory.expires", "2026-11-20")]);
    let page = Page::of(&plan.shown(urgent), Audience::Urgent);
    let ids: Vec<&str> = page.parts.iter().map(|part| part.id).collect();
    let first =
        ["alerts-first", "cpr", "escalation", "legal", "alerts", "medicines", "symptoms", "contacts", "home"];
    assert_eq!(&ids[..9], first);
    let Some(Block::Decisions { decisions }) = part(&page, "legal").map(|part| &part.blocks[0]) else {
        panic!()
    };
    let documents: Vec<&str> = decisions[0].items.iter().map(|item| item.title.as_str()).collect();
    assert!(documents[0].contains("refuse treatment") && documents[2].contains("Advance statement"));
}

#[test]
fn a_decision_that_waits_for_approval_is_not_shown_to_a_crew_as_not_recorded() {
    let mut plan = margaret();
    plan.digests = whole().digests;
    plan.decide(Section::Cpr, "Dr Amy Bell", 1, None, &[("cpr.decision", "recommended")]);
    let page = Page::of(&plan.shown(urgent), Audience::Urgent);
    let text = page.text();
    assert!(text.contains("A decision is recorded and not approved yet"), "{text}");
    assert!(!text.contains("CPR: not recorded"), "{text}");
}

#[test]
fn decisions_in_conflict_are_side_by_side_and_said_to_be_in_conflict() {
    for (_, audience, page) in pages().into_iter().filter(|(name, ..)| *name == "conflict") {
        let cpr = part(&page, "cpr").unwrap();
        let both =
            cpr.blocks.iter().any(|b| matches!(b, Block::Decisions { decisions } if decisions.len() == 2));
        assert_eq!(both, audience != Audience::Person, "{audience:?}");
        let said = if both { "IN CONFLICT" } else { "have written different things" };
        assert!(page.text().contains(said), "{audience:?}");
        assert_eq!(page.html().contains("class=\"beside\""), both);
    }
}

#[test]
fn a_death_is_in_the_banner_of_every_page_under_the_date_of_birth() {
    for (_, audience, page) in pages().into_iter().filter(|(name, ..)| *name == "deceased") {
        assert_eq!((page.banner.state, page.banner.died.as_deref()), ("died", Some("DIED 19-Nov-2026")));
        let text = page.text();
        let top: Vec<&str> = text.lines().take(3).collect();
        assert!(top[0].starts_with("****") && plain(&top[1..].join(" ")).contains("(86y); DIED"), "{text}");
        assert!(page.html().contains("<li class=\"died\">DIED <time>19-Nov-2026</time>"), "{audience:?}");
    }
}

#[test]
fn a_locked_page_says_so_and_shows_nothing_of_the_plan_not_even_that_something_is_not_recorded() {
    for (_, audience, page) in pages().into_iter().filter(|(name, ..)| *name == "locked") {
        let text = page.text();
        assert!(page.marks[0].text.starts_with("LOCKED"), "{audience:?}");
        for hidden in ["CPR", "Daniel", "morphine", "Not recorded", "Nothing is recorded"] {
            assert!(!text.contains(hidden), "{audience:?}: {hidden}\n{text}");
        }
    }
}

#[test]
fn a_page_of_the_past_says_that_it_is_not_how_the_plan_stands_now() {
    for (_, audience, page) in pages().into_iter().filter(|(name, ..)| *name == "past") {
        let said = if audience == Audience::Person { "old copy" } else { "PAST" };
        assert!(page.marks[0].text.contains(said), "{audience:?}");
    }
}

#[test]
fn held_waiting_and_left_out_are_counted_under_the_banner() {
    let mut plan = whole();
    (plan.held, plan.waiting) = (2, 3);
    let mut view = plan.view();
    let text = Page::of(&view, Audience::Summary).text();
    let (top, _) = text.split_once("\n\n").unwrap();
    assert!(top.contains("2 entries are held") && top.contains("3 changes made here are not sent"), "{top}");
    view.alerts.clear();
    assert!(!Page::of(&view, Audience::Summary).text().contains("held"));
}

#[test]
fn the_person_is_not_shown_people_an_illness_or_an_outlook_that_they_are_not_to_see() {
    let text = whole_page(Audience::Person).text();
    for hidden in ["Ruth", "months to live", "surprised", "Surprise", "safeguard", "C1066Z"] {
        assert!(!text.contains(hidden), "{hidden}\n{text}");
    }
    assert!(text.contains("Chronic obstructive pulmonary disease"), "she knows her illness");
    let mut plan = whole();
    plan.decisions.retain(|decision| ![8, 9, 14].contains(&decision.section));
    plan.decide(
        Section::Diagnoses,
        "Dr Amy Bell",
        14,
        None,
        &[("diagnoses.primary", "Motor neurone disease")],
    );
    let known = [("prognosis.estimate", "last-weeks"), ("prognosis.person_aware", "yes")];
    plan.decide(Section::Prognosis, "Dr Amy Bell", 14, None, &known);
    let undiscussed = [("cpr.decision", "not-recommended"), ("cpr.discussed_person", "no")];
    plan.decide(Section::Cpr, "Dr Amy Bell", 14, None, &undiscussed);
    let text = Page::of(&plan.view(), Audience::Person).text();
    assert!(!text.contains("Motor neurone"), "whether she knows is not recorded");
    assert!(text.contains("You may have some weeks to live."), "she knows");
    assert!(text.contains("Nothing is written here that we have talked about with you"), "{text}");
    assert!(!text.contains("not try to start"), "{text}");
}

#[test]
fn on_the_persons_own_device_the_same_is_left_out_of_the_plan_itself() {
    let view = for_person(whole().view());
    let json = serde_json::to_string(&view).unwrap();
    assert!(!json.contains("Ruth") && !json.contains("last-months") && json.contains("Daniel"));
    assert!(
        json.contains("450476008"),
        "a crew that is handed the phone still learns what was decided about CPR"
    );
}

#[test]
fn what_finds_no_room_on_the_one_page_is_counted_and_named() {
    let (_, long, _) = crowded().swap_remove(0);
    let page = Page::of(&long, Audience::Summary);
    let rest = part(&page, "rest").unwrap();
    assert_eq!(rest.marks[0].kind, "no-room");
    assert!(rest.marks[0].text.contains("What matters to me"), "{}", rest.marks[0].text);
    assert!(part(&page, "cpr").is_some() && part(&page, "escalation").is_some());
    let short = Page::of(&margaret().view(), Audience::Summary);
    assert!(part(&short, "rest").unwrap().marks.is_empty());
}

#[test]
fn who_broke_the_glass_comes_first_of_those_who_looked_and_what_was_done_often_on_a_day_is_one_line() {
    let page = page("whole", &whole().view(), Audience::Person);
    let looks = page.parts.last().unwrap();
    assert_eq!((looks.id, page.foot.len()), ("looks", 1));
    let [Block::Text { text: known }, Block::Marks { marks }, Block::List { items, .. }, Block::Text { .. }] =
        looks.blocks.as_slice()
    else {
        panic!("what is known, broken glass, looks, and that one's own are not among them")
    };
    assert!(known.starts_with("This is what this device had been told by 20-Nov-2026"), "{known}");
    assert_eq!((marks.len(), marks[0].severity), (1, "danger"));
    assert!(marks[0].text.contains("Crew Seven") && marks[0].text.contains("found unconscious"));
    assert_eq!(items.len(), 6, "two looks of one day are one");
    assert!(items[0].note.as_ref().unwrap().starts_with("2 times that day"));
    assert!(items[5].note.as_ref().unwrap().ends_with("We are not sure who this was"));
}

#[test]
fn where_no_look_is_known_of_the_page_says_up_to_when_and_never_that_nobody_looked() {
    let known = |view: &PlanView| {
        let page = Page::of(view, Audience::Person).with_looks(view, &[], Locale::british_english());
        let Some(Block::Text { text }) = page.parts.last().and_then(|part| part.blocks.first()) else {
            panic!("it says so")
        };
        assert!(!page.text().to_lowercase().contains("nobody looked"));
        text.clone()
    };
    let when = crate::plan::dates::show_minute(whole().last_contact.unwrap());
    let said = known(&whole().view());
    assert_eq!(said, format!("No looks are written down here, up to {when}. Some may not be here yet."));
    let mut alone = whole();
    alone.last_contact = None;
    assert!(known(&alone.view()).ends_with("This device has not been in touch with others yet."));
}

#[test]
fn of_many_looks_the_newest_are_shown_and_the_others_counted_and_broken_glass_is_not_crowded_out() {
    let mut many = looks();
    let one = many[3].clone();
    for day in 10..60_u64 {
        let mut look = one.look.clone();
        look.at = days_ago(day);
        many.push(Looked { look, ..one.clone() });
    }
    let mut glass = many[5].clone();
    glass.look.at = days_ago(200);
    many.push(glass);
    let page = Page::of(&whole().view(), Audience::Person);
    let page = page.with_looks(&whole().view(), &many, Locale::british_english());
    let text = page.text();
    assert_eq!(text.matches("when you had said no").count(), 2, "the old one too");
    assert!(text.contains("There are 36 more. You can ask to see them all."), "{text}");
}

#[test]
fn a_drug_name_stays_whole_and_brand_and_dose_are_told_apart() {
    let text = whole_page(Audience::CareTeam).text();
    assert!(
        plain(&text).contains("morphine sulfate - ORAMORPH - 10 mg/5 ml - oral solution - DOSE 5 mg - oral")
    );
}

#[test]
fn a_language_overrides_a_label_by_a_message_and_lacks_none() {
    let french =
        "field-cpr-reason = Raison\nsection-cpr = Réanimation\ncode-cpr-not-recommended = Pas de réanimation";
    let locale = Locale::new("fr", &[french]).unwrap();
    let page = Page::in_language(&whole().view(), Audience::CareTeam, &locale);
    let (text, html) = (page.text(), page.html());
    assert!(
        text.contains("RÉANIMATION")
            && text.contains(">> Pas de réanimation")
            && text.contains("Raison: Her heart")
    );
    assert!(text.contains("Endorsed by"), "what is not translated is said in English");
    assert!(html.contains("<html lang=\"fr\">"));
    assert!(matches!(Locale::new("no tag", &[]), Err(super::super::locale::LocaleError::Tag(_))));
    assert!(matches!(Locale::new("fr", &["= x"]), Err(super::super::locale::LocaleError::Syntax(..))));
    assert!(matches!(
        Locale::new("fr", &["a = x\na = y"]),
        Err(super::super::locale::LocaleError::Twice(..))
    ));
}

#[test]
fn counts_follow_the_language() {
    let english = Locale::british_english();
    let waiting = |count: usize| english.say("mark-waiting", &[("count", Arg::Count(count))]);
    assert_eq!(waiting(1), "1 change made here is not sent yet");
    assert_eq!(waiting(2), "2 changes made here are not sent yet");
}

#[test]
fn no_sentence_of_a_page_is_written_anywhere_but_in_the_messages() {
    let greek = Locale::pseudo();
    let plan = in_cyrillic();
    let shut = || locked(plan.view());
    let views = [plan.view(), plan.shown(urgent), plan.shown(past), shut(), Told::new().view()];
    for (view, audience) in views.iter().flat_map(|view| Audience::ALL.map(|audience| (view, audience))) {
        let page = Page::in_language(view, audience, &greek).with_looks(view, &in_cyrillic_looks(), &greek);
        for shown in [page.text(), words(&page.html())] {
            let english = english(&shown);
            assert!(english.is_empty(), "{audience:?} {}: {english:?}\n{shown}", view.kind);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_that_stands_is_on_the_care_teams_page_escaped_and_well_formed(seed in any::<u64>()) {
        let view = sample(seed, Fullness::Chance).view;
        for audience in Audience::ALL {
            let html = Page::of(&view, audience).html();
            let shown = words(&html).to_lowercase();
            prop_assert!(shown.starts_with(&plain(&Page::of(&view, audience).banner.name).to_lowercase()));
            for never in ["<script", "<text>", " on", "src=", "href=", "url(", "style=\""] {
                let (_, body) = html.split_once("</head>").unwrap();
                prop_assert!(!body.contains(never) || never == " on", "{} in {}", never, body);
            }
            if audience == Audience::CareTeam {
                for value in values(&view) {
                    let said = plain(&value.text).to_lowercase();
                    prop_assert!(shown.contains(&said), "{} is not in {}", said, shown);
                }
            }
        }
    }

    #[test]
    fn no_page_says_no_where_nobody_said_no(seed in any::<u64>()) {
        let no = codes::find(Set::YesNo, "no").unwrap();
        for fullness in [Fullness::Chance, Fullness::Unanswered, Fullness::Number] {
            let view = sample(seed, fullness).view;
            let recorded = values(&view).into_iter().filter(|v| v.code.as_deref() == Some(no.code)).count();
            for audience in Audience::ALL {
                let page = Page::of(&view, audience);
                let noes = said(&page).into_iter().filter(|s| s.text == "No" && s.answer == "coded").count();
                prop_assert!(noes <= recorded, "{:?}: {} of {}", audience, noes, recorded);
                let unanswered = said(&page).into_iter().filter(|s| s.answer != "coded" && s.answer != "text");
                for said in unanswered {
                    prop_assert!(!["no", "none"].contains(&said.text.to_lowercase().as_str()), "{}", said.text);
                }
            }
        }
    }
}
