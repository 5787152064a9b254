//! One long plan: judged from nothing, and one entry more. Without a vault or a network.

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use bedside_core::crdt::Edit;
use bedside_core::ledger::replica::{Backlog, Offered, Refused, Replica, SignedEntry};
use bedside_core::limits::OPEN_BATCH_MAX;
use bedside_core::plan::check::encode_decision;
use bedside_core::plan::leaf::{Answer, Leaf, Source};
use bedside_core::plan::schema::Section;
use bedside_core::plan::view::{AsOf, view};
use bedside_core::testing::cast::{Cast, Member};
use bedside_protocol::entry::{Approval, ApprovedSection, Body, Decision, Outcome, Scope};
use bedside_protocol::ids::{LogId, Timestamp};
use bedside_protocol::statement::Role;
use support::measure::{Program, Samples, Table, ms, time};

const LOG: LogId = LogId::new([7; 32]);
const ENTRIES: usize = 2_000;
const RUNS: usize = 11;

fn main() {
    let about = "merging and judging one long plan";
    let Some(_program) = Program::start("ledger", about, &["plan"]) else { return };
    let mut plan = LongPlan::write();
    let mut table = Table::default();
    let bytes = || plan.entries.iter().map(|signed| signed.bytes.clone());
    let trust = &plan.cast.trust;
    let checked = samples(|| {
        let mut replica = Replica::new(LOG);
        let take_in = || {
            for batch in plan.entries.chunks(OPEN_BATCH_MAX) {
                batch.iter().for_each(|signed| takes(replica.take(signed, trust)));
                replica.settle(trust);
            }
        };
        time(take_in).0
    });
    table.line("as they come, signatures checked", ms(checked.median()));
    let rebuilt = samples(|| time(|| Replica::rebuild(LOG, bytes(), None, trust)).0);
    table.aim("from stored entries, checked when they were stored", ms(rebuilt.median()), "100 ms");
    let mut whole = Replica::rebuild(LOG, bytes(), None, trust);
    let document = whole.document_mut().save();
    let resumed = samples(|| time(|| Replica::rebuild(LOG, bytes(), Some(&document), trust)).0);
    table.line("the same with the stored document", ms(resumed.median()));
    let shown = samples(|| {
        let as_of = AsOf { now: Timestamp(1_800_000_000_000), last_contact: None };
        time(|| whole.material(&plan.cast.trust, as_of, Backlog::default(), view)).0
    });
    table.line("everything that is shown of it", ms(shown.median()));
    let more = plan.more(RUNS);
    let mut next = more.iter();
    let one = samples(|| {
        let signed = next.next().expect("as many as runs");
        time(|| takes(whole.offer(signed, &plan.cast.trust))).0
    });
    table.aim("one entry more, its signature checked", ms(one.median()), "1 ms");
    let (count, text) = (plan.entries.len(), document.len() / 1_000);
    table
        .print(&format!("a plan of {count} entries by four people, document of {text} KB; median of {RUNS}"));
}

fn takes(offered: Result<Offered, Refused>) {
    assert!(matches!(offered, Ok(Offered::Admitted(_))), "what it builds on is there");
}

fn samples(mut run: impl FnMut() -> Duration) -> Samples {
    let mut samples = Samples::new();
    (0..RUNS).for_each(|_| samples.push_time(run()));
    samples
}

/// Two years of daily visits: four people who each write without the others for a while, and then meet.
struct LongPlan {
    cast: Cast,
    team: Vec<Member>,
    entries: Vec<SignedEntry>,
    visits: usize,
}

/// How many entries each writes before they meet.
const APART: usize = 3;

impl LongPlan {
    fn write() -> Self {
        let mut cast = Cast::new(1);
        let staff = [("Alice Ademola", Role::Nurse), ("Bob Brandt", Role::Doctor), ("Dee Diaz", Role::Nurse)];
        let mut team: Vec<Member> =
            staff.into_iter().map(|(name, role)| cast.staff(LOG, name, role)).collect();
        team[0].consent(&cast.trust, Scope::Record, Outcome::Given);
        team[0].consent(&cast.trust, Scope::Share, Outcome::Given);
        let person = cast.person(LOG, "Jane Smith", &team[0]);
        team.push(person);
        let mut plan = Self { cast, team, entries: Vec::new(), visits: 0 };
        plan.meet();
        while plan.entries.len() < ENTRIES {
            plan.round();
        }
        plan
    }

    fn round(&mut self) {
        for person in 0..self.team.len() {
            (0..APART).for_each(|_| self.visit(person));
        }
        self.meet();
    }

    fn meet(&mut self) {
        let new: Vec<SignedEntry> =
            self.team.iter_mut().flat_map(|member| std::mem::take(&mut member.held)).collect();
        for member in &mut self.team {
            for signed in &new {
                takes(member.replica.offer(signed, &self.cast.trust));
            }
        }
        self.entries.extend(new);
    }

    fn visit(&mut self, person: usize) {
        self.visits += 1;
        let (visit, trust) = (self.visits, &self.cast.trust);
        let member = &mut self.team[person];
        let is_person = person == 3;
        let put = |key: String| {
            let answer = Answer::text(&format!("as told on visit {visit}")).expect("a short text");
            Edit::Put { key, value: Leaf::new(answer, Source::Person).to_bytes() }
        };
        match visit % 12 {
            1 if person == 1 && visit.is_multiple_of(5) => {
                let digests = member.replica.ledger().digests(member.replica.document());
                let signed = |(section, digest): (Section, [u8; 32])| ApprovedSection {
                    section: section.number(),
                    digest,
                };
                let sections =
                    digests.into_iter().filter(|(section, _)| *section != Section::Control).map(signed);
                let body = Body::Approval(Approval { sections: sections.collect(), review_on: None });
                member.say(trust, body).expect("there is consent");
            }
            2 if !is_person => {
                let ledger = member.replica.ledger();
                let supersedes = ledger.decisions(14).iter().map(|standing| standing.entry).collect();
                let answer = Answer::text(&format!("decided on visit {visit}")).expect("a short text");
                let fields =
                    BTreeMap::from([("cpr.decision".to_owned(), Leaf::new(answer, Source::Observed))]);
                let content = encode_decision(&fields);
                let body = Body::Decision(Decision { section: 14, supersedes, content, endorses: None });
                member.say(trust, body).expect("there is consent");
            }
            3 | 4 => {
                let mut text = member.replica.document().text("wishes.about_me");
                text.push_str(&format!("Visit {visit}. "));
                let edit = Edit::Text { key: "wishes.about_me".to_owned(), text };
                member.edit(trust, &[edit]).expect("there is consent");
            }
            5 if !is_person => {
                let edits = [
                    put(format!("contact/{visit:016x}/name")),
                    put(format!("contact/{visit:016x}/relationship")),
                ];
                member.edit(trust, &edits).expect("there is consent");
            }
            number => {
                let key = if is_person { "wishes.organ_donation" } else { KEYS[number % KEYS.len()] };
                member.edit(trust, &[put(key.to_owned())]).expect("there is consent");
            }
        }
    }

    /// Entries that follow, one by one.
    fn more(&mut self, count: usize) -> Vec<SignedEntry> {
        (0..count).for_each(|_| self.visit(0));
        std::mem::take(&mut self.team[0].held)
    }
}

const KEYS: [&str; 6] = [
    "preferences.place_of_care_1_where",
    "team.key_worker",
    "gp.usual",
    "home.medicines_kept",
    "home.documents_kept",
    "communication.mode",
];
