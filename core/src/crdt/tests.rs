use automerge::legacy::{ElementId, Key, ObjectId, Op, OpId, OpType};
use automerge::{Change, ExpandedChange};
use proptest::prelude::*;

use super::*;

const TEXTS: &[&str] = &["wishes.about_me", "wishes.fears"];

fn actor(n: u8) -> Actor {
    Actor::new([n; 16])
}

fn put(key: &str, value: &str) -> Edit {
    Edit::Put { key: key.into(), value: value.as_bytes().to_vec() }
}

fn text(key: &str, text: &str) -> Edit {
    Edit::Text { key: key.into(), text: text.into() }
}

fn edit(document: &mut Document, n: u8, edits: &[Edit]) -> Vec<u8> {
    document.edit(&actor(n), Timestamp(0), edits).unwrap()
}

type Content = (Vec<(String, Vec<(ChangeHash, Vec<u8>)>)>, Vec<String>);

fn content(document: &Document) -> Content {
    let values = |key: &String| document.values(key).into_iter().map(|v| (v.change, v.bytes)).collect();
    let all = document.keys().into_iter().map(|key| (key.clone(), values(&key))).collect();
    (all, TEXTS.iter().map(|key| document.text(key)).collect())
}

#[test]
fn documents_begun_apart_share_their_texts() {
    let (mut a, mut b) = (Document::new(TEXTS), Document::new(TEXTS));
    let one = edit(&mut a, 1, &[text("wishes.about_me", "I like tea")]);
    let two = edit(&mut b, 2, &[text("wishes.about_me", "Call me Jo. ")]);
    a.apply(&[&two]).unwrap();
    b.apply(&[&one]).unwrap();
    assert!(content(&a) == content(&b));
    let merged = a.text("wishes.about_me");
    assert!(merged.contains("I like tea") && merged.contains("Call me Jo. "), "{merged}");
    assert_eq!(a.text_changes("wishes.about_me").len(), 2);
}

#[test]
fn two_values_written_at_once_are_both_kept_and_a_third_that_saw_them_replaces_them() {
    let (mut a, mut b) = (Document::new(TEXTS), Document::new(TEXTS));
    let one = edit(&mut a, 1, &[put("preferences.death_1", "home")]);
    let two = edit(&mut b, 2, &[put("preferences.death_1", "hospice")]);
    a.apply(&[&two]).unwrap();
    let values = a.values("preferences.death_1");
    assert_eq!(values.len(), 2);
    let of = |change: &[u8]| inspect(change, TEXTS).unwrap().hash;
    assert!(values.iter().any(|v| v.bytes == b"home" && v.change == of(&one)));
    assert!(values.iter().any(|v| v.bytes == b"hospice" && v.change == of(&two)));
    let three = edit(&mut a, 1, &[put("preferences.death_1", "home")]);
    b.apply(&[&one, &three]).unwrap();
    assert_eq!(b.values("preferences.death_1").len(), 1);
    assert!(content(&a) == content(&b));
}

#[test]
fn a_newer_list_of_texts_meets_an_older_document() {
    let mut old = Document::new(&TEXTS[..1]);
    let one = edit(&mut old, 1, &[text("wishes.about_me", "Old")]);
    let mut upgraded = Document::load(&old.save()).unwrap();
    upgraded.extend(TEXTS);
    let two = edit(&mut upgraded, 2, &[text("wishes.fears", "Falls")]);
    let mut fresh = Document::new(TEXTS);
    fresh.apply(&[&two, &one]).unwrap();
    assert!(content(&fresh) == content(&upgraded));
    assert!(matches!(old.apply(&[&two]), Err(CrdtError::MissingDeps(missing)) if missing.len() == 1));
}

#[test]
fn the_first_changes_are_the_same_bytes_for_ever() {
    let hashes: Vec<String> = genesis(TEXTS).iter().map(|change| change.hash().to_string()).collect();
    expect_test::expect![[r#"
        [
            "73f5276d1d3718f158b3d073bec22da76538d6508f727cce396d676d7008d004",
            "6a2a4f7b676a52e003af52faecc46fd9a2ede73dff42170bdd8acd87d06d855a",
        ]
    "#]]
    .assert_debug_eq(&hashes);
}

#[test]
fn a_change_before_its_past_is_refused_and_leaves_no_trace() {
    let mut a = Document::new(TEXTS);
    let one = edit(&mut a, 1, &[put("a.b", "1")]);
    let two = edit(&mut a, 1, &[put("a.b", "2")]);
    let mut b = Document::new(TEXTS);
    let first = inspect(&one, TEXTS).unwrap().hash;
    assert_eq!(b.apply(&[&two]), Err(CrdtError::MissingDeps([first].into())));
    assert!(b.keys().is_empty() && !b.has(&first));
    b.apply(&[&two, &one, &two]).unwrap();
    b.apply(&[&one]).unwrap();
    assert!(b.has(&first) && content(&a) == content(&b));
}

#[test]
fn saved_and_loaded_is_the_same() {
    let mut a = Document::new(TEXTS);
    edit(
        &mut a,
        1,
        &[put("a.b", "1"), text("wishes.fears", "Being alone"), put("contact/00000000000000aa/name", "Jo")],
    );
    let mut b = Document::load(&a.save()).unwrap();
    assert!(content(&a) == content(&b));
    let change = edit(&mut b, 2, &[text("wishes.fears", "Being alone at night")]);
    a.apply(&[&change]).unwrap();
    assert!(content(&a) == content(&b));
    assert!(matches!(Document::load(b"not a document"), Err(CrdtError::Damaged { .. })));
    assert!(matches!(Document::load(b""), Err(CrdtError::Damaged { .. })));
}

#[test]
fn an_edit_that_changes_nothing_says_so() {
    let mut a = Document::new(TEXTS);
    edit(&mut a, 1, &[put("a.b", "1"), text("wishes.fears", "x")]);
    let again = a.edit(&actor(1), Timestamp(0), &[put("a.b", "1"), text("wishes.fears", "x")]);
    assert!(again == Err(CrdtError::Nothing));
    assert!(a.edit(&actor(1), Timestamp(0), &[]) == Err(CrdtError::Nothing));
    edit(&mut a, 1, &[put("a.b", "2")]);
}

#[test]
fn values_and_texts_do_not_take_each_others_keys() {
    let mut a = Document::new(TEXTS);
    let mut refused =
        |edit| a.edit(&actor(1), Timestamp(0), &[edit]).is_err_and(|e| matches!(e, CrdtError::WrongKey(_)));
    assert!(refused(put("wishes.fears", "x")) && refused(text("a.b", "x")) && refused(put("", "x")));
    assert!(a.edit(&actor(0), Timestamp(0), &[put("a.b", "x")]) == Err(CrdtError::ReservedActor));
}

#[test]
fn items_are_found_by_their_list() {
    let mut a = Document::new(TEXTS);
    let keys =
        ["contact/00aa/name", "contact/00aa/phone", "contact/00bb/name", "contacts/00cc/name", "contact.x"];
    edit(&mut a, 1, &keys.map(|key| put(key, "v")));
    assert_eq!(a.items("contact"), ["00aa".to_owned(), "00bb".to_owned()].into());
    assert_eq!(a.keys().len(), 5);
}

#[test]
fn one_answer_is_a_small_change() {
    let mut a = Document::new(TEXTS);
    edit(&mut a, 1, &[text("wishes.about_me", &"I worked on the railways. ".repeat(80))]);
    edit(&mut a, 2, &[put("preferences.place_of_death_1", &"x".repeat(60))]);
    let put = edit(&mut a, 3, &[put("preferences.place_of_death_1", &"y".repeat(60))]);
    let word = edit(&mut a, 3, &[text("wishes.about_me", &"I worked on the Railways. ".repeat(80))]);
    println!("one value of 60 bytes: {} bytes; 80 words in a text: {} bytes", put.len(), word.len());
    assert!(put.len() < 220, "{}", put.len());
    assert!(word.len() < 2_500, "{}", word.len());
}

#[test]
fn a_text_rewritten_whole_takes_one_splice() {
    let mut a = Document::new(TEXTS);
    edit(&mut a, 1, &[text("wishes.fears", &"abcdefgh".repeat(4_000))]);
    let new = "ijklmnop".repeat(4_000);
    edit(&mut a, 1, &[text("wishes.fears", &new)]);
    assert!(a.text("wishes.fears") == new);
}

fn root_op(key: &str, action: OpType, pred: Vec<OpId>) -> Op {
    Op { action, obj: ObjectId::Root, key: Key::Map(key.into()), pred: pred.into(), insert: false }
}

fn next_op(base: &Document) -> u64 {
    1 + base.inner.get_changes(&[]).iter().map(automerge::Change::max_op).max().unwrap_or_default()
}

fn forged(base: &Document, actor: [u8; 16], seq: u64, operations: Vec<Op>) -> Vec<u8> {
    forged_at(base, next_op(base), actor, seq, operations)
}

fn forged_at(base: &Document, start_op: u64, actor: [u8; 16], seq: u64, operations: Vec<Op>) -> Vec<u8> {
    let mut change = ExpandedChange {
        operations,
        actor_id: ActorId::from(actor),
        hash: None,
        seq,
        start_op: start_op.try_into().unwrap(),
        time: 0,
        message: None,
        deps: base.inner.get_heads(),
        extra_bytes: Vec::new(),
        author: None,
    };
    change.deps.sort();
    Change::from(change).raw_bytes().to_vec()
}

fn bytes(value: &str) -> OpType {
    OpType::Put(ScalarValue::Bytes(value.into()))
}

#[test]
fn only_values_and_splices_are_allowed() {
    let document = Document::new(TEXTS);
    let text = ObjectId::Id(OpId::new(1, &genesis_actor()));
    let within = |action, insert| Op {
        action,
        obj: text.clone(),
        key: Key::Seq(ElementId::Head),
        pred: Vec::new().into(),
        insert,
    };
    let character = || OpType::Put(ScalarValue::Str("x".into()));
    let allowed = [root_op("a.b", bytes("x"), vec![]), within(character(), true)];
    for operation in allowed {
        assert!(inspect(&forged(&document, [7; 16], 1, vec![operation]), TEXTS).is_ok());
    }
    let made = OpId::new(1, &genesis_actor());
    let refused = [
        root_op("a.b", OpType::Delete, vec![made.clone()]),
        root_op("a.b", OpType::Make(ObjType::Map), vec![]),
        root_op("a.b", OpType::Increment(1), vec![]),
        root_op("a.b", OpType::Put(ScalarValue::Str("x".into())), vec![]),
        root_op("wishes.fears", bytes("x"), vec![]),
        root_op("", bytes("x"), vec![]),
        within(bytes("x"), true),
        within(OpType::Make(ObjType::Map), true),
        within(OpType::MarkEnd(true), true),
        Op { obj: ObjectId::Id(OpId::new(3, &genesis_actor())), ..within(character(), true) },
        Op { obj: ObjectId::Id(OpId::new(1, &ActorId::from([7; 16]))), ..within(character(), true) },
    ];
    for (n, operation) in refused.into_iter().enumerate() {
        let change = forged(&document, [7; 16], 1, vec![operation]);
        assert!(matches!(inspect(&change, TEXTS), Err(CrdtError::Forbidden(_))), "operation {n}");
        assert!(document.clone().apply(&[&change]).is_err(), "operation {n}");
    }
    let zero = forged(&document, [0; 16], 3, vec![root_op("a.b", bytes("x"), vec![])]);
    assert!(matches!(inspect(&zero, TEXTS), Err(CrdtError::ReservedActor)));
}

/// Authority is judged by the keys that a change names. It must not reach others by naming their operations as the
/// ones it replaces.
#[test]
fn a_change_reaches_no_key_but_those_it_names() {
    let mut a = Document::new(TEXTS);
    edit(&mut a, 1, &[put("medicine.dose", "5 mg"), text("wishes.fears", "Falls")]);
    let (_, dose) = a.inner.get(ROOT, "medicine.dose").unwrap().unwrap();
    let ObjId::Id(counter, author, _) = dose else { panic!("an operation") };
    let victim = OpId::new(counter, &author);
    let fears = ObjectId::Id(OpId::new(2, &genesis_actor()));
    let about = ObjectId::Id(OpId::new(1, &genesis_actor()));
    let letter = OpId::new(counter + 1, &author);
    let delete = |obj: &ObjectId, pred: &OpId| Op {
        action: OpType::Delete,
        obj: obj.clone(),
        key: Key::Seq(ElementId::Id(letter.clone())),
        pred: vec![pred.clone()].into(),
        insert: false,
    };
    let after = |obj: &ObjectId, element: OpId| Op {
        action: OpType::Put(ScalarValue::Str("x".into())),
        obj: obj.clone(),
        key: Key::Seq(ElementId::Id(element)),
        pred: Vec::new().into(),
        insert: true,
    };
    let elsewhere = OpId::new(7, &ActorId::from([8; 16]));
    let made = OpId::new(1, &genesis_actor());
    let attacks = [
        root_op("wishes.colour", bytes("x"), vec![victim.clone()]),
        root_op("wishes.colour", bytes("x"), vec![letter.clone()]),
        root_op("wishes.colour", bytes("x"), vec![made.clone()]),
        root_op("wishes.colour", bytes("x"), vec![elsewhere.clone()]),
        delete(&fears, &victim),
        delete(&about, &letter),
        after(&about, letter.clone()),
        after(&about, victim.clone()),
        after(&about, made),
        after(&about, elsewhere),
        after(&about, OpId::new(next_op(&a) + 1, &ActorId::from([7; 16]))),
    ];
    for (n, attack) in attacks.into_iter().enumerate() {
        let change = forged(&a, [7; 16], 1, vec![attack]);
        let mut b = a.clone();
        assert!(matches!(b.apply(&[&change]), Err(CrdtError::Forbidden(_))), "attack {n}");
        assert!(content(&a) == content(&b), "attack {n}");
    }
    let honest = [
        root_op("medicine.dose", bytes("x"), vec![victim]),
        after(&fears, letter.clone()),
        delete(&fears, &letter),
    ];
    for (n, operation) in honest.into_iter().enumerate() {
        let mut b = a.clone();
        b.apply(&[&forged(&a, [7; 16], 1, vec![operation])]).unwrap();
        assert!(content(&Document::load(&b.save()).unwrap()) == content(&b), "operation {n}");
    }
}

#[test]
fn a_change_that_names_what_it_had_not_seen_is_refused_whatever_came_first() {
    let empty = Document::new(TEXTS);
    let mut a = empty.clone();
    let dose = edit(&mut a, 1, &[put("medicine.dose", "5 mg")]);
    let (_, id) = a.inner.get(ROOT, "medicine.dose").unwrap().unwrap();
    let ObjId::Id(counter, author, _) = id else { panic!("an operation") };
    let guess = root_op("medicine.dose", bytes("x"), vec![OpId::new(counter, &author)]);
    let change = forged(&empty, [7; 16], 1, vec![guess]);
    assert!(matches!(empty.clone().apply(&[&change]), Err(CrdtError::Forbidden(_))));
    assert!(matches!(a.apply(&[&change]), Err(CrdtError::Forbidden(_))));
    assert!(matches!(empty.clone().apply(&[&change, &dose]), Err(CrdtError::Forbidden(_))));
}

/// Past a few changes the whole text is looked through instead of each change. The answers are the same.
#[test]
fn an_edit_of_words_that_many_wrote_reaches_those_and_no_others() {
    let mut a = Document::new(TEXTS);
    let mut told = String::new();
    for n in 0..24_u8 {
        told.push_str(&format!("{n} "));
        edit(
            &mut a,
            1 + n % 3,
            &[text("wishes.about_me", &told), text("wishes.fears", &format!("{told}too"))],
        );
    }
    let mut b = Document::load(&a.save()).unwrap();
    let rewritten = edit(&mut a, 1, &[text("wishes.about_me", "none of it")]);
    let late = edit(&mut b, 2, &[text("wishes.about_me", &format!("{told}and more"))]);
    for changes in [[&rewritten, &late], [&late, &rewritten]] {
        let mut c = Document::load(&b.save()).unwrap();
        changes.iter().for_each(|change| c.apply(&[change]).unwrap());
        a.apply(&[&late]).unwrap();
        assert!(content(&c) == content(&a));
        assert!(c.text("wishes.about_me").contains("and more"));
    }
    let letters = |document: &Document, key| -> Vec<OpId> {
        let (_, object) = document.inner.get(ROOT, key).unwrap().unwrap();
        let ids = document.inner.list_range(object, ..).map(|letter| letter.id());
        ids.filter_map(|id| if let ObjId::Id(n, by, _) = id { Some(OpId::new(n, &by)) } else { None })
            .collect()
    };
    let delete = |letter: &OpId| Op {
        action: OpType::Delete,
        obj: ObjectId::Id(OpId::new(1, &genesis_actor())),
        key: Key::Seq(ElementId::Id(letter.clone())),
        pred: vec![letter.clone()].into(),
        insert: false,
    };
    let mut own: Vec<Op> = letters(&b, "wishes.about_me").iter().map(delete).collect();
    b.clone().apply(&[&forged(&b, [7; 16], 1, own.clone())]).unwrap();
    own.extend(letters(&b, "wishes.fears").last().map(delete));
    let attack = forged(&b, [7; 16], 1, own);
    assert!(matches!(b.apply(&[&attack]), Err(CrdtError::Forbidden(_))));
}

#[test]
fn operations_are_numbered_right_after_those_of_the_past() {
    let mut a = Document::new(TEXTS);
    edit(&mut a, 1, &[text("wishes.fears", &"x".repeat(200))]);
    let next = next_op(&a);
    for start_op in [100, next - 1, next + 1, u64::from(u32::MAX)] {
        let change = forged_at(&a, start_op, [7; 16], 1, vec![root_op("a.b", bytes("x"), vec![])]);
        assert!(matches!(a.apply(&[&change]), Err(CrdtError::Damaged { .. })), "{start_op}");
    }
    a.apply(&[&forged(&a.clone(), [7; 16], 1, vec![root_op("a.b", bytes("x"), vec![])])]).unwrap();
}

#[test]
fn a_few_bytes_that_claim_a_billion_operations_are_refused_at_once() {
    let reason = |column: &[u8]| {
        let length = u8::try_from(column.len()).unwrap();
        // No deps, actor, seq, first operation, time, no message, no other actors, one column: actions.
        let mut body = vec![0, 1, 7, 1, 1, 0, 0, 0, 1, 0x42, length];
        body.extend_from_slice(column);
        let mut change = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1, u8::try_from(body.len()).unwrap()];
        change.extend_from_slice(&body);
        let Err(CrdtError::Damaged { why, .. }) = inspect(&change, TEXTS) else { panic!("a wrong checksum") };
        why
    };
    assert!(!reason(&[0x02, 0x01]).contains("columns"), "two puts get as far as the checksum");
    assert!(reason(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x01]).contains("columns"), "a run");
    assert!(
        reason(&[0x00, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]).contains("columns"),
        "a run of nothing"
    );
    assert!(reason(&[0x80, 0x80, 0x80, 0x80, 0x40, 0x01]).contains("columns"), "a literal run");
}

proptest! {
    #[test]
    fn any_bytes_are_inspected_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(inspect(&bytes, TEXTS).is_err());
    }

    #[test]
    fn a_change_with_one_byte_altered_is_refused(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut a = Document::new(TEXTS);
        let mut change = edit(&mut a, 1, &[put("a.b", "some value"), text("wishes.fears", "Falls")]);
        let at = at.index(change.len());
        change[at] ^= flip;
        prop_assert!(inspect(&change, TEXTS).is_err());
    }

    #[test]
    fn a_damaged_document_never_panics(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut a = Document::new(TEXTS);
        edit(&mut a, 1, &[put("a.b", "some value"), text("wishes.fears", "Falls")]);
        let mut saved = a.save();
        let at = at.index(saved.len());
        saved[at] ^= flip;
        prop_assert!(Document::load(&saved).is_err());
    }

    /// Three authors edit and exchange at random; then everybody gets everything, each in an order of their own.
    #[test]
    fn what_is_remembered_to_stand_is_what_a_fresh_reading_finds(
        steps in proptest::collection::vec((0_usize..2, 0_usize..6, "[a-c]{0,6}", any::<bool>()), 1..30),
    ) {
        const KEYS: [&str; 6] = ["a.b", "item/1/x", "item/2/x", "z", TEXTS[0], TEXTS[1]];
        let mut documents = [Document::new(TEXTS), Document::new(TEXTS)];
        let mut changes: [Vec<Vec<u8>>; 2] = Default::default();
        for (who, key, said, meet) in steps {
            let key = KEYS[key];
            let wish = if TEXTS.contains(&key) { text(key, &said) } else { put(key, &said) };
            let by = actor(u8::try_from(who).unwrap() + 1);
            changes[who].extend(documents[who].edit(&by, Timestamp(0), &[wish]));
            if meet {
                let all: Vec<&[u8]> = changes[1 - who].iter().map(Vec::as_slice).collect();
                documents[who].apply(&all).unwrap();
            }
            // Asked after each step, so that every step has something to bring up to date.
            let fresh = Document::load(&documents[who].save()).unwrap();
            prop_assert!(content(&documents[who]) == content(&fresh));
            prop_assert_eq!(documents[who].items("item"), fresh.items("item"));
            for key in TEXTS {
                prop_assert_eq!(documents[who].text_changes(key), fresh.text_changes(key));
            }
        }
    }

    #[test]
    fn the_same_changes_in_any_order_and_number_are_the_same_document(
        steps in proptest::collection::vec((0_usize..3, 0_u8..5, "[a-c]{0,6}", any::<bool>()), 1..30),
        order in any::<prop::sample::Selector>(),
    ) {
        let mut documents = [Document::new(TEXTS), Document::new(TEXTS), Document::new(TEXTS)];
        let mut changes: Vec<Vec<u8>> = Vec::new();
        for (who, what, word, exchange) in steps {
            let document = &mut documents[who];
            if exchange {
                document.apply(&changes.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
            }
            let wish = if what < 3 { put(&format!("key.{what}"), &word) } else { text(TEXTS[usize::from(what) - 3], &word) };
            match document.edit(&actor(u8::try_from(who).unwrap() + 1), Timestamp(0), &[wish]) {
                Ok(change) => changes.push(change),
                Err(error) => prop_assert_eq!(error, CrdtError::Nothing),
            }
        }
        let mut shuffled: Vec<&[u8]> = changes.iter().map(Vec::as_slice).collect();
        let twice = order.select(0..shuffled.len().max(1));
        shuffled.reverse();
        if let Some(again) = changes.get(twice) {
            shuffled.push(again);
        }
        let mut all: Vec<&[u8]> = changes.iter().map(Vec::as_slice).collect();
        all.rotate_left(twice);
        documents[0].apply(&all).unwrap();
        documents[1].apply(&shuffled).unwrap();
        for change in &changes {
            documents[2].apply(&[change]).unwrap();
        }
        prop_assert!(content(&documents[0]) == content(&documents[1]));
        prop_assert!(content(&documents[0]) == content(&documents[2]));
    }
}
