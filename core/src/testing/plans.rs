//! Invented plans with every kind of answer in them, the same for the same seed.

use std::collections::{BTreeMap, BTreeSet};

use bedside_protocol::entry::{Compartment, Outcome, Scope};
use bedside_protocol::ids::{EntryId, Timestamp};
use bedside_protocol::statement::Role;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::crdt::{Actor, ChangeHash, Document, Edit, inspect};
use crate::plan::check::{Given, check_edit};
use crate::plan::codes;
use crate::plan::leaf::{Answer, Coded, Leaf, Source};
use crate::plan::schema::{Class, FIELDS, Field, Kind, Section, TEXTS};
use crate::plan::view::{
    AsOf, Course, Material, PlanView, Provenance, StandingConsent, StandingDecision, view,
};

/// 22-Nov-2026 09:14 UTC.
pub const NOW: Timestamp = Timestamp(1_795_338_840_000);
/// An invented person's, of the range that is never issued.
pub const NHS_NUMBER: &str = "9990000018";

/// A plan, and what was put into it.
pub struct Sample {
    /// The plan as it is shown.
    pub view: PlanView,
    /// What stands outside decisions, by key: one, or several given apart.
    pub answers: BTreeMap<String, Vec<Leaf>>,
    /// The decisions, in the order in which they stand.
    pub decisions: Vec<(Section, BTreeMap<String, Leaf>)>,
}

/// How full a plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fullness {
    /// The NHS number and nothing else.
    Number,
    /// Each field by chance, some with two answers given apart, some decisions in conflict.
    Chance,
    /// Every field answered once.
    Everything,
    /// Every field asked and none answered.
    Unanswered,
}

/// Makes a plan.
#[must_use]
pub fn sample(seed: u64, fullness: Fullness) -> Sample {
    let mut maker = Maker { dice: ChaCha20Rng::seed_from_u64(seed), fullness, entries: 0 };
    maker.make()
}

/// A plan of these answers and no decisions.
#[must_use]
pub fn with_answers(answers: BTreeMap<String, Vec<Leaf>>) -> Sample {
    let mut maker = Maker { dice: ChaCha20Rng::seed_from_u64(0), fullness: Fullness::Number, entries: 0 };
    let view = maker.view(&answers, &[]);
    Sample { view, answers, decisions: Vec::new() }
}

struct Maker {
    dice: ChaCha20Rng,
    fullness: Fullness,
    entries: u8,
}

const PEOPLE: [(&str, Role, Option<&str>); 4] = [
    ("Margaret O'Neill", Role::Person, None),
    ("Tom O'Neill", Role::Proxy, None),
    ("Amira Khan", Role::Nurse, Some("Meadow Hospice")),
    ("Dr Ben <Li> & Co", Role::Doctor, Some("Riverside Community Trust")),
];

const WORDS: [&str; 8] = [
    "My garden, and quiet.",
    "two lines\nof <text> & \"quotes\"",
    "café – naïve 😀",
    "=1+1",
    "01632 960001",
    "2.5 mg",
    "Home: with my sister",
    "no",
];

impl Maker {
    fn make(&mut self) -> Sample {
        let mut answers = BTreeMap::new();
        let number = Leaf::new(Answer::Text(NHS_NUMBER.to_owned()), Source::Record);
        answers.insert("identity.nhs_number".to_owned(), vec![number]);
        for field in FIELDS.iter().filter(|field| !field.section.is_decision()) {
            for key in self.keys(field) {
                let leaves = self.answers(field, &key);
                if !leaves.is_empty() {
                    answers.entry(key).or_insert(leaves);
                }
            }
        }
        let mut decisions = Vec::new();
        for section in Section::ALL.into_iter().filter(|section| section.is_decision()) {
            for _ in 0..self.how_many_decisions() {
                decisions.push((section, self.decision(section)));
            }
        }
        let view = self.view(&answers, &decisions);
        Sample { view, answers, decisions }
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.dice.next_u64() % (n as u64)).expect("less than n")
    }

    fn chosen(&mut self) -> bool {
        match self.fullness {
            Fullness::Number => false,
            Fullness::Chance => self.below(3) == 0,
            Fullness::Everything | Fullness::Unanswered => true,
        }
    }

    fn how_many_decisions(&mut self) -> usize {
        match self.fullness {
            Fullness::Chance => self.below(3),
            Fullness::Number | Fullness::Unanswered => 0,
            Fullness::Everything => 1,
        }
    }

    fn keys(&mut self, field: &Field) -> Vec<String> {
        let writable =
            field.class != Class::A && field.key != "home.key_safe" && field.key != "identity.nhs_number";
        if !writable {
            return Vec::new();
        }
        let items: &[&str] = match field.list() {
            None => return if self.chosen() { vec![field.key.to_owned()] } else { Vec::new() },
            Some(_) => &["00000000000000aa", "00000000000000bb"],
        };
        items.iter().filter(|_| self.chosen()).map(|item| field.key_for(item)).collect()
    }

    /// One answer, or two given apart.
    fn answers(&mut self, field: &Field, key: &str) -> Vec<Leaf> {
        if field.kind == Kind::Text {
            let text = WORDS[self.below(WORDS.len())];
            let leaf = match self.fullness {
                Fullness::Unanswered => self.leaf(field),
                _ => Leaf::new(Answer::Text(text.to_owned()), Source::Record),
            };
            return vec![leaf];
        }
        let apart = self.fullness == Fullness::Chance && self.below(6) == 0;
        let mut leaves: Vec<Leaf> = (0..=usize::from(apart)).map(|_| self.leaf(field)).collect();
        leaves.iter_mut().filter(|_| apart).for_each(|leaf| leaf.heard_from = Source::Proxy);
        leaves.dedup_by(|a, b| a == b);
        leaves.iter().for_each(|leaf| {
            check_edit(key, Given::Leaf(leaf)).expect("an answer that fits its field");
        });
        leaves
    }

    fn leaf(&mut self, field: &Field) -> Leaf {
        let unanswered = [Answer::AskedNone, Answer::Declined, Answer::UnableToExpress];
        let asked = match self.fullness {
            Fullness::Unanswered => true,
            Fullness::Everything => false,
            _ => self.below(5) == 0,
        };
        let answer = if asked { unanswered[self.below(3)].clone() } else { self.answer(field) };
        let sources = [Source::Person, Source::Proxy, Source::Observed, Source::Record];
        let confirmed = (self.below(3) == 0).then_some(Timestamp(NOW.0 - 86_400_000));
        Leaf { answer, heard_from: sources[self.below(4)], confirmed }
    }

    fn answer(&mut self, field: &Field) -> Answer {
        let words = WORDS[self.below(WORDS.len())];
        match field.kind {
            Kind::Text | Kind::Line if field.key == "identity.language" => Answer::Coded(Coded {
                code: Some("fr".to_owned()),
                system: Some(codes::System::Language.uri().to_owned()),
                display: None,
                text: "French".to_owned(),
            }),
            Kind::Text | Kind::Line => Answer::Text(words.to_owned()),
            Kind::One(set) => {
                let all: Vec<&codes::Code> = codes::of(set).collect();
                let code = all[self.below(all.len())];
                match self.below(4) {
                    0 => Answer::uncoded(words).expect("words"),
                    1 => Answer::Coded(Coded {
                        code: Some(code.code.to_owned()),
                        system: Some(code.system.uri().to_owned()),
                        display: Some(code.display.to_owned()),
                        text: words.to_owned(),
                    }),
                    _ => Answer::from(code),
                }
            }
            // A thing never ends before it began: each field has a month of its own.
            Kind::Date => {
                let late = ["ended", "stopped", "to", "date", "review_date"]
                    .iter()
                    .any(|end| field.key.ends_with(end));
                let dates = if late {
                    ["2026-11-02", "2026-11", "2026-12-01"]
                } else {
                    ["2025-02-28", "2025-02", "2025"]
                };
                Answer::date(dates[self.below(3)]).expect("a date")
            }
            Kind::Number { min, max, step } => {
                let count = usize::try_from((max - min) / step + 1).expect("a small range");
                Answer::Number(min + step * i64::try_from(self.below(count)).expect("a small range"))
            }
        }
    }

    fn decision(&mut self, section: Section) -> BTreeMap<String, Leaf> {
        let mut fields = BTreeMap::new();
        for field in FIELDS.iter().filter(|field| field.section == section) {
            let needed = matches!(field.key, "cpr.decision" | "death.date");
            for key in self.keys(field) {
                fields.insert(key, self.leaf(field));
            }
            if needed {
                let answer = self.answer(field);
                fields.insert(field.key.to_owned(), Leaf::new(answer, Source::Observed));
            }
        }
        if fields.is_empty() {
            let field =
                FIELDS.iter().find(|field| field.section == section).expect("every section has a field");
            fields.insert(field.key_for("00000000000000cc"), self.leaf(field));
        }
        fields
    }

    fn by(&mut self, who: usize) -> Provenance {
        self.entries += 1;
        let (author, role, organisation) = PEOPLE[who % PEOPLE.len()];
        let time = Timestamp(NOW.0 - 86_400_000 * u64::from(self.entries));
        Provenance {
            author: author.to_owned(),
            role,
            organisation: organisation.map(str::to_owned),
            ods_code: organisation.map(|_| "RX9".to_owned()),
            time,
            relay_time: self.entries.is_multiple_of(2).then_some(time),
            entry: EntryId::new([self.entries; 32]),
        }
    }

    fn view(
        &mut self,
        answers: &BTreeMap<String, Vec<Leaf>>,
        decided: &[(Section, BTreeMap<String, Leaf>)],
    ) -> PlanView {
        let mut document = Document::new(TEXTS);
        let mut authors: BTreeMap<ChangeHash, Provenance> = BTreeMap::new();
        let base = document.clone();
        // Two authors who do not see each other's edits.
        for apart in 0..2 {
            let edits: Vec<Edit> =
                answers.iter().filter_map(|(key, leaves)| edit(key, leaves.get(apart)?)).collect();
            if edits.is_empty() {
                continue;
            }
            let mut copy = base.clone();
            let actor = Actor::new([u8::try_from(apart).expect("0 or 1") + 1; 16]);
            let change = copy.edit(&actor, Timestamp(0), &edits).expect("the edits change something");
            authors.insert(inspect(&change, TEXTS).expect("a change").hash, self.by(2 - apart));
            document.apply(&[&change]).expect("a change that was just made");
        }
        let decisions: Vec<StandingDecision> = decided
            .iter()
            .map(|(section, fields)| {
                let by = self.by(3);
                let endorsed_by =
                    if section.is_endorsed() && self.below(2) == 0 { vec![self.by(2)] } else { Vec::new() };
                let fields = fields.clone();
                let kept_in = Compartment::Shared;
                StandingDecision {
                    entry: by.entry,
                    section: section.number(),
                    fields,
                    kept_in,
                    by,
                    endorsed_by,
                }
            })
            .collect();
        let consents = match self.fullness {
            Fullness::Number => Vec::new(),
            _ => vec![
                self.consent(Scope::Record, Outcome::BestInterests, "son <Tom> and GP consulted"),
                self.consent(Scope::Share, Outcome::Withdrawn, ""),
            ],
        };
        view(&Material {
            restricted: None,
            professional: None,
            document: &document,
            decisions: &decisions,
            consents: &consents,
            provenance: &|hash| authors.get(hash).cloned(),
            approvals: &[],
            digests: &BTreeMap::new(),
            course: Course::default(),
            held: 0,
            left_out: 0,
            waiting: 0,
            to_come: 0,
            passed_over: false,
            as_of: AsOf { now: NOW, last_contact: None },
        })
    }

    fn consent(&mut self, scope: Scope, outcome: Outcome, note: &str) -> StandingConsent {
        let by = self.by(2);
        StandingConsent { entry: by.entry, scope, outcome, note: note.to_owned(), grounds: None, by }
    }
}

fn edit(key: &str, leaf: &Leaf) -> Option<Edit> {
    let texts: BTreeSet<&str> = TEXTS.iter().copied().collect();
    Some(match &leaf.answer {
        Answer::Text(text) if texts.contains(key) => Edit::Text { key: key.to_owned(), text: text.clone() },
        _ if texts.contains(key) => Edit::Put { key: format!("{key}.answer"), value: leaf.to_bytes() },
        _ => Edit::Put { key: key.to_owned(), value: leaf.to_bytes() },
    })
}
