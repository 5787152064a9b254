//! Absent, asked and none, declined, unable to express, unknown: none of them is "no".

use proptest::prelude::*;

use super::super::codes::Set;
use super::super::schema::{FIELDS, Kind};
use super::*;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    No,
    Yes,
    Unknown,
    AskedNone,
    Declined,
    Unable,
    TakenBack,
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        Just(Said::Nothing),
        Just(Said::No),
        Just(Said::Yes),
        Just(Said::Unknown),
        Just(Said::AskedNone),
        Just(Said::Declined),
        Just(Said::Unable),
        Just(Said::TakenBack),
    ]
}

fn answer(said: &Said, key: &str) -> Option<Answer> {
    let (field, _) = field(key).unwrap();
    let choice = |token| read_answer(field, token).unwrap();
    match said {
        Said::Nothing => None,
        Said::No => Some(choice("no")),
        Said::Yes => Some(choice("yes")),
        Said::Unknown => Some(choice("unknown")),
        Said::AskedNone => Some(Answer::AskedNone),
        Said::Declined => Some(Answer::Declined),
        Said::Unable => Some(Answer::UnableToExpress),
        Said::TakenBack => Some(Answer::TakenBack),
    }
}

/// Every question whose answer may be "no".
fn questions() -> Vec<String> {
    let yes_no = FIELDS.iter().filter(|field| field.kind == Kind::One(Set::YesNo));
    yes_no.map(|field| field.key_for("00000000000000aa")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn only_no_is_shown_as_no(answers in proptest::collection::vec(said(), questions().len())) {
        let mut plan = margaret();
        let mut decided: BTreeMap<Section, BTreeMap<String, Leaf>> = BTreeMap::new();
        let mut puts = Vec::new();
        for (key, said) in questions().into_iter().zip(&answers) {
            let Some(answer) = answer(said, &key) else { continue };
            let section = field(&key).unwrap().0.section;
            let leaf = Leaf::new(answer, Source::Person);
            if section.is_decision() {
                decided.entry(section).or_default().insert(key, leaf);
            } else {
                puts.push(Edit::Put { key, value: leaf.to_bytes() });
            }
        }
        if !puts.is_empty() {
            plan.document.edit(&Actor::new([9; 16]), Timestamp(0), &puts).unwrap();
        }
        for (section, mut fields) in decided {
            fields.retain(|_, leaf| leaf.answer != Answer::TakenBack);
            let by = plan.by("Dr Amy Bell", Role::Doctor, 1);
            let section = section.number();
            let (entry, kept_in) = (by.entry, Compartment::Shared);
            plan.decisions.push(StandingDecision {
                entry,
                section,
                fields,
                kept_in,
                by,
                endorsed_by: vec![],
            });
        }
        let view = plan.view();
        for (key, said) in questions().into_iter().zip(&answers) {
            let section = view.section(field(&key).unwrap().0.section);
            let lists = section.lists.iter().chain(section.decisions.iter().flat_map(|d| &d.lists));
            let fields = section.fields.iter().chain(section.decisions.iter().flat_map(|d| &d.fields));
            let items = lists.flat_map(|list| &list.items).flat_map(|item| &item.fields);
            let shown: Vec<&str> = fields
                .chain(items)
                .filter(|shown| shown.key == key)
                .flat_map(|shown| shown.values.iter().map(|value| value.text.as_str()))
                .collect();
            let wanted: &[&str] = match said {
                Said::Nothing | Said::TakenBack => &[],
                Said::No => &["No"],
                Said::Yes => &["Yes"],
                Said::Unknown => &["Unknown"],
                Said::AskedNone => &["Asked: there is none"],
                Said::Declined => &["Declined to talk about this"],
                Said::Unable => &["Unable to express this"],
            };
            prop_assert_eq!(&shown, wanted, "{}", key);
        }
        let text = render_text(&view);
        let noes = answers.iter().filter(|said| **said == Said::No).count();
        let lines = text.lines().filter(|line| line.contains(": No (") || line.ends_with(": No")).count();
        prop_assert_eq!(lines, noes, "{}", text);
    }
}
