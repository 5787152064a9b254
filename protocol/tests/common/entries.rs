//! Entries of every kind, and what is none.

use bedside_protocol::cbor::encode;
use bedside_protocol::entry::{
    Act, Approval, ApprovedSection, Body, Compartment, Consent, Decision, Entry, Grant, Grounds, Look, Mark,
    Outcome, Prev, Reason, Review, Scope, Stage, Why, entry_id,
};
use bedside_protocol::ids::{EntryId, IdentityId, LogId, OrganisationId, Principal, StatementId, Timestamp};
use bedside_protocol::signing::Signer as _;

use super::{Fields, Key, counted, diagnostic, hex, json, seeded};

pub(crate) struct Vector {
    pub(crate) shows: &'static str,
    pub(crate) entry: Entry,
    pub(crate) bytes: Vec<u8>,
    pub(crate) id: EntryId,
    pub(crate) author: Author,
}

/// Who wrote: the credential and the seed of the signing key.
#[derive(Clone, Copy)]
pub(crate) struct Author {
    pub(crate) credential: StatementId,
    pub(crate) seed: [u8; 32],
}

/// Bytes that are no entry.
pub(crate) struct Refused {
    pub(crate) why: &'static str,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn log() -> LogId {
    LogId::new(counted(0x40))
}

fn nurse() -> Author {
    Author { credential: StatementId::new(counted(0x80)), seed: counted(0x60) }
}

fn doctor() -> Author {
    Author { credential: StatementId::new(counted(0xc0)), seed: counted(0x20) }
}

impl Author {
    pub(crate) fn key(&self) -> Key {
        seeded(&self.seed)
    }
}

/// What an author signs.
pub(crate) fn message(id: &EntryId) -> Vec<u8> {
    [b"bedside entry signature".as_slice(), id.as_bytes()].concat()
}

struct Story(Vec<Vector>);

impl Story {
    fn tell(&mut self, shows: &'static str, author: Author, entry: Entry) -> EntryId {
        let bytes = entry.to_bytes();
        let id = entry_id(&log(), &bytes);
        self.0.push(Vector { shows, entry, bytes, id, author });
        id
    }
}

fn sorted(mut ids: Vec<EntryId>) -> Vec<EntryId> {
    ids.sort();
    ids
}

fn first(author: Author, body: Body) -> Entry {
    Entry {
        version: Entry::VERSION,
        credential: author.credential,
        author_seq: 1,
        prev: None,
        parents: Vec::new(),
        plan_heads: None,
        device_time: Timestamp(0x1a2_29f1_2800),
        relay_time: None,
        basis: None,
        body,
        compartment: None,
    }
}

fn next(
    author: Author,
    author_seq: u64,
    prev: Option<EntryId>,
    parents: Vec<EntryId>,
    basis: EntryId,
    body: Body,
) -> Entry {
    let parents = sorted(parents);
    Entry {
        author_seq,
        prev: Entry::prev_of(prev, &parents),
        parents,
        device_time: Timestamp(0x1a2_29f1_2800 + author_seq * 60_000),
        relay_time: Some(Timestamp(0x1a2_29f0_0000)),
        basis: Some(basis),
        ..first(author, body)
    }
}

/// A nurse and a doctor write a plan.
pub(crate) fn vectors() -> Vec<Vector> {
    let mut story = Story(Vec::new());
    let (nurse, doctor) = (nurse(), doctor());
    let note = "Asked at home, her daughter being there.".to_owned();
    let consent = |scope, outcome, note, grounds| Body::Consent(Consent { scope, outcome, note, grounds });
    let decision = |supersedes, endorses| {
        let content = encode(&minicbor::data::Int::from(7_u8));
        Body::Decision(Decision { section: 8, supersedes, content, endorses })
    };
    let record = story.tell(
        "a consent begins a log; the entry of sealed-entry.json",
        nurse,
        first(nurse, consent(Scope::Record, Outcome::Given, note, None)),
    );
    let change = story.tell(
        "a change; the author's previous entry is parent 0",
        nurse,
        next(nurse, 2, Some(record), vec![record], record, Body::Change(counted::<40>(0).to_vec())),
    );
    let decided = story.tell(
        "a decision, the first entry of another author in this log",
        doctor,
        next(doctor, 1, None, vec![change], record, decision(vec![], None)),
    );
    let share = story.tell(
        "a consent to share, written without having seen the decision: from here the log has two ends",
        nurse,
        next(
            nurse,
            3,
            Some(change),
            vec![change],
            record,
            consent(
                Scope::Share,
                Outcome::BestInterests,
                String::new(),
                Some(Grounds {
                    by: "Dr Bell".into(),
                    consulted: vec!["her daughter".into(), "her GP".into()],
                    rationale: "The ambulance has to know.".into(),
                    capacity: Some(decided),
                }),
            ),
        ),
    );
    let second = story.tell(
        "two parents, in ascending order; prev is the one at index 0 or 1",
        doctor,
        next(doctor, 2, Some(decided), vec![share, decided], record, decision(vec![], None)),
    );
    let replaced = story.tell(
        "a decision that supersedes two, in ascending order",
        doctor,
        next(doctor, 3, Some(second), vec![second], record, decision(sorted(vec![decided, second]), None)),
    );
    let granted = story.tell(
        "a grant to an organisation; the author's previous entry is no parent, so prev names it by id",
        nurse,
        next(
            nurse,
            4,
            Some(share),
            vec![replaced],
            share,
            Body::Grant(Grant {
                reader: Principal::Organisation(OrganisationId::new(counted(0x11))),
                statement: StatementId::new(counted(0x33)),
            }),
        ),
    );
    let endorsed = story.tell(
        "an endorsement, in a log beside the plan's main one: with plan heads",
        doctor,
        Entry {
            plan_heads: Some(vec![EntryId::new([0x01; 32]), EntryId::new([0x02; 32])]),
            ..next(doctor, 4, Some(replaced), vec![granted], record, decision(vec![], Some(replaced)))
        },
    );
    let to_person = story.tell(
        "a grant to a person",
        nurse,
        next(
            nurse,
            5,
            Some(granted),
            vec![endorsed],
            share,
            Body::Grant(Grant {
                reader: Principal::Identity(IdentityId::new(counted(0x22))),
                statement: StatementId::new(counted(0x44)),
            }),
        ),
    );
    let withdrawn = story.tell(
        "a consent withdrawn; text is UTF-8",
        nurse,
        next(
            nurse,
            6,
            Some(to_person),
            vec![to_person],
            share,
            consent(Scope::Share, Outcome::Withdrawn, "Zoë said: “not any more”.".to_owned(), None),
        ),
    );
    let asked = story.tell(
        "a mark: approval is asked for",
        doctor,
        next(
            doctor,
            5,
            Some(endorsed),
            vec![withdrawn],
            record,
            Body::Mark(Mark { stage: Stage::AwaitingApproval, note: "After the visit.".into() }),
        ),
    );
    let approved = |section, first| ApprovedSection { section, digest: counted(first) };
    let approval = story.tell(
        "an approval of two sections, with a day for the next review",
        doctor,
        next(
            doctor,
            6,
            Some(asked),
            vec![asked],
            record,
            Body::Approval(Approval {
                sections: vec![approved(8, 0x55), approved(14, 0x66)],
                review_on: Some("2026-11-21".into()),
            }),
        ),
    );
    let review = story.tell(
        "a review: a held entry is adopted",
        doctor,
        next(
            doctor,
            7,
            Some(approval),
            vec![approval],
            record,
            Body::Review(Review { entry: change, adopt: true, note: "Told me so himself.".into() }),
        ),
    );
    let look = |minutes: u64, act, what: Option<&str>, why| Look {
        at: Timestamp(0x1a2_29f1_2800 + minutes * 60_000),
        act,
        what: what.map(str::to_owned),
        why,
    };
    let why = Why { reason: Reason::EmergencyTreatment, text: "Found unconscious.".into() };
    story.tell(
        "looks, in the access record of the plan whose main log had these two ends",
        nurse,
        Entry {
            plan_heads: Some(sorted(vec![withdrawn, review])),
            compartment: Some(Compartment::AccessRecord),
            ..next(
                nurse,
                1,
                None,
                vec![],
                withdrawn,
                Body::Looks(vec![
                    look(1, Act::View, None, None),
                    look(2, Act::Reveal, Some("home.key_safe"), None),
                    look(3, Act::Print, None, None),
                    look(4, Act::Export, Some("csv"), None),
                    look(5, Act::BreakGlass, None, Some(why)),
                ]),
            )
        },
    );
    story.0
}

/// Entries that their fields contradict, and bytes that are none.
pub(crate) fn refused() -> Vec<Refused> {
    let vectors = vectors();
    let (begins, grant) = (&vectors[0].entry, &vectors[6].entry);
    let (change, merge, decision, endorsed) =
        (&vectors[1].entry, &vectors[4].entry, &vectors[5].entry, &vectors[7].entry);
    let (old, parents) = (vectors[0].id, merge.parents.clone());
    let backwards: Vec<_> = parents.iter().rev().copied().collect();
    let superseding = |supersedes| match &decision.body {
        Body::Decision(d) => Body::Decision(Decision { supersedes, ..d.clone() }),
        _ => unreachable!("it is the decision"),
    };
    let approval = &vectors[11].entry;
    let approving = |sections: &[u8]| {
        let approved = |section: &u8| ApprovedSection { section: *section, digest: [0; 32] };
        let sections = sections.iter().map(approved).collect();
        Body::Approval(Approval { sections, review_on: None })
    };
    let looks = &vectors[13].entry;
    let look =
        |what: usize| Look { at: Timestamp(1), act: Act::View, what: Some("x".repeat(what)), why: None };
    let looking = |count: usize, what| Body::Looks(vec![look(what); count]);
    let mut extra = begins.to_bytes();
    extra.push(0);
    let mut other_order = begins.to_bytes();
    // The key of the version and that of the credential change places.
    other_order[1] = 1;
    other_order[3] = 0;
    let refused = |why, entry: Entry| Refused { why, bytes: entry.to_bytes() };
    vec![
        refused("a later version", Entry { version: 2, ..begins.clone() }),
        refused("author_seq starts at 1", Entry { author_seq: 0, ..begins.clone() }),
        refused("a second entry without prev", Entry { author_seq: 2, ..begins.clone() }),
        refused("a first entry with prev", Entry { author_seq: 1, ..change.clone() }),
        refused(
            "prev names a parent that is not there",
            Entry { prev: Some(Prev::Parent(1)), ..change.clone() },
        ),
        refused("prev is a parent and named by id", Entry { prev: Some(Prev::Entry(old)), ..change.clone() }),
        refused("prev without parents", Entry { parents: Vec::new(), ..grant.clone() }),
        refused("parents that do not ascend", Entry { parents: backwards.clone(), ..merge.clone() }),
        refused(
            "a parent named twice",
            Entry { prev: Some(Prev::Parent(0)), parents: vec![old, old], ..change.clone() },
        ),
        refused(
            "65 parents",
            Entry { parents: (0..65).map(|i| EntryId::new([i; 32])).collect(), ..grant.clone() },
        ),
        refused("no basis, and not a consent", Entry { basis: None, ..change.clone() }),
        refused(
            "plan heads that do not ascend",
            Entry { plan_heads: Some(backwards.clone()), ..endorsed.clone() },
        ),
        refused(
            "65 plan heads",
            Entry { plan_heads: Some((0..65).map(|i| EntryId::new([i; 32])).collect()), ..endorsed.clone() },
        ),
        refused(
            "superseded decisions that do not ascend",
            Entry { body: superseding(backwards), ..decision.clone() },
        ),
        refused(
            "a decision superseded twice by one",
            Entry { body: superseding(vec![old, old]), ..decision.clone() },
        ),
        refused("an approval of nothing", Entry { body: approving(&[]), ..approval.clone() }),
        refused(
            "approved sections that do not ascend",
            Entry { body: approving(&[14, 8]), ..approval.clone() },
        ),
        refused("a section approved twice", Entry { body: approving(&[8, 8]), ..approval.clone() }),
        refused("no looks", Entry { body: looking(0, 0), ..looks.clone() }),
        refused("201 looks", Entry { body: looking(201, 0), ..looks.clone() }),
        refused("a look of 1,025 bytes", Entry { body: looking(1, 1_025), ..looks.clone() }),
        refused("in a compartment, without plan heads", Entry { plan_heads: None, ..looks.clone() }),
        refused("in a compartment, with no plan head", Entry { plan_heads: Some(vec![]), ..looks.clone() }),
        refused(
            "the main log as a compartment",
            Entry { compartment: Some(Compartment::Shared), ..looks.clone() },
        ),
        Refused { why: "a byte after the entry", bytes: extra },
        Refused { why: "keys that do not ascend", bytes: other_order },
        Refused { why: "not a map", bytes: vec![0x80] },
        Refused { why: "a map without a version", bytes: vec![0xa0] },
    ]
}

pub(crate) fn file() -> String {
    let vector = |v: &Vector| -> Fields {
        vec![
            ("shows", v.shows.to_owned()),
            ("author_seed", hex(&v.author.seed)),
            ("bytes", hex(&v.bytes)),
            ("diagnostic", diagnostic(&v.bytes)),
            ("id", v.id.to_string()),
            ("signature", hex(&v.author.key().sign(&message(&v.id)))),
        ]
    };
    let refused_one = |r: &Refused| -> Fields { vec![("why", r.why.to_owned()), ("bytes", hex(&r.bytes))] };
    json(
        &[
            "Entries as docs/protocol.md describes them: canonical bytes, id, and the author's signature.",
            "All values are hexadecimal; 'diagnostic' is RFC 8949 section 8, for people. Seeds are for tests and nothing else.",
            "The content of changes and decisions stands in for what the plan model defines; at this level it is opaque.",
            "'refused' are byte strings that are not entries: each must be refused by whoever reads it.",
            "Never edit a vector: a build that does not reproduce it no longer reads what was written before it.",
        ],
        &vec![("log", log().to_string())],
        &[
            ("entries", vectors().iter().map(vector).collect()),
            ("refused", refused().iter().map(refused_one).collect()),
        ],
    )
}
