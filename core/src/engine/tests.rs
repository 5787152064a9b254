use bedside_protocol::ids::{RelayEpoch, SealedId, Timestamp};
use bedside_protocol::problem::ProblemKind;
use bedside_protocol::wire::{
    CompareAnswer, Cursor, Item, LiveEvent, Range, RangeList, Receipt, Session, SyncAnswer,
};
use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp(1_000_000);

fn cursor(at: u64) -> Cursor {
    Cursor { epoch: RelayEpoch::new([1; 16]), at, check: at }
}

fn session() -> Session {
    Session { token: [7; 32], relay_epoch: RelayEpoch::new([1; 16]), time: NOW, valid_until: NOW.plus_ms(1) }
}

fn answer(at: u64, more: bool, reset: bool) -> Input {
    Input::Synced(Box::new(SyncAnswer {
        time: NOW,
        cursor: cursor(at),
        receipts: vec![],
        refused_statements: vec![],
        items: vec![Item::Entry(vec![])],
        statements: vec![],
        more,
        reset,
        session_until: NOW,
    }))
}

fn live(at: u64, items: usize) -> Input {
    let items = (0..items).map(|_| Item::Entry(vec![])).collect();
    Input::Live(Box::new(LiveEvent { cursor: cursor(at), items, time: NOW }))
}

fn collected() -> Input {
    Input::Collected { request: Box::default(), rest: false }
}

fn feed(engine: &mut Engine, input: Input) -> Vec<Effect> {
    engine.handle(NOW, 0, input)
}

fn requests(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Send(_))).count()
}

/// An engine with a session that is in step and has its live stream open.
fn in_step() -> Engine {
    let mut engine = Engine::new(Start { cursor: None, session: true, recovering: false, live: true });
    feed(&mut engine, Input::Unlocked(true));
    assert_eq!(feed(&mut engine, Input::Online(true)).last(), Some(&Effect::Collect));
    feed(&mut engine, collected());
    feed(&mut engine, answer(1, false, false));
    let effects = feed(&mut engine, Input::Stored);
    assert!(effects.contains(&Effect::OpenLive(cursor(1))));
    assert!(engine.is_settled());
    engine
}

#[test]
fn a_device_with_a_session_is_in_step_after_one_round_trip() {
    let mut engine = Engine::new(Start { session: true, ..Start::default() });
    let mut sent = requests(&feed(&mut engine, Input::Online(true)));
    sent += requests(&feed(&mut engine, collected()));
    sent += requests(&feed(&mut engine, answer(5, false, false)));
    let last = feed(&mut engine, Input::Stored);
    sent += requests(&last);
    assert_eq!(sent, 1);
    assert!(last.contains(&Effect::Status(Status::InStep { live: false })));
}

#[test]
fn a_page_is_durable_before_anything_else_happens() {
    let mut engine = Engine::new(Start { session: true, ..Start::default() });
    feed(&mut engine, Input::Online(true));
    feed(&mut engine, collected());
    let effects = feed(&mut engine, answer(5, true, false));
    assert!(matches!(effects.as_slice(), [Effect::Store(_)]), "it waits for the disk");
    assert!(feed(&mut engine, Input::Wake).is_empty());
    assert!(feed(&mut engine, Input::Stored).contains(&Effect::Collect), "then the next page");
}

#[test]
fn without_a_session_it_signs_in_first_and_again_when_the_token_is_refused() {
    let mut engine = Engine::new(Start::default());
    let first = feed(&mut engine, Input::Online(true));
    assert!(first.contains(&Effect::Send(Request::SignIn)));
    assert!(feed(&mut engine, Input::SignedIn(session())).contains(&Effect::Collect));
    feed(&mut engine, collected());
    feed(&mut engine, answer(1, false, false));
    feed(&mut engine, Input::Stored);
    assert!(feed(&mut engine, Input::Wake).contains(&Effect::Collect));
    feed(&mut engine, collected());
    let refused = Failure::Refused(ProblemKind::SignInNeeded.because(""));
    let effects = feed(&mut engine, Input::Failed(refused));
    assert!(effects.contains(&Effect::DropSession) && effects.contains(&Effect::Send(Request::SignIn)));
}

#[test]
fn a_relay_that_refuses_every_session_it_gives_is_asked_less_and_less() {
    let refused = || Input::Failed(Failure::Refused(ProblemKind::SignInNeeded.because("")));
    let mut engine = Engine::new(Start { session: true, ..Start::default() });
    feed(&mut engine, Input::Online(true));
    feed(&mut engine, collected());
    let mut effects = feed(&mut engine, refused());
    assert!(effects.contains(&Effect::Send(Request::SignIn)), "the old session may have run out");
    let mut waits = Vec::new();
    for _ in 0..8 {
        feed(&mut engine, Input::SignedIn(session()));
        feed(&mut engine, collected());
        effects = feed(&mut engine, refused());
        assert_eq!(requests(&effects), 0, "it is left alone for a while");
        let [.., Effect::WakeAt(at), Effect::Status(Status::Retrying { .. })] = effects.as_slice() else {
            panic!("it says that it will try again: {effects:?}")
        };
        waits.push(at.since(NOW));
        assert!(feed(&mut engine, Input::Due).contains(&Effect::Send(Request::SignIn)));
    }
    assert!(waits.is_sorted() && waits[7] > 8 * waits[0], "and for longer each time: {waits:?}");
}

#[test]
fn a_relay_that_fails_is_left_alone_and_not_hammered_by_edits() {
    let mut engine = Engine::new(Start { session: true, ..Start::default() });
    feed(&mut engine, Input::Online(true));
    feed(&mut engine, collected());
    let effects = feed(&mut engine, Input::Failed(Failure::Unreachable));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::WakeAt(at) if *at > NOW)));
    for _ in 0..100 {
        assert!(feed(&mut engine, Input::Wake).is_empty());
    }
    assert!(feed(&mut engine, Input::Due).contains(&Effect::Collect));
}

#[test]
fn a_relay_that_says_when_to_come_back_is_believed() {
    let mut engine = Engine::new(Start { session: true, ..Start::default() });
    feed(&mut engine, Input::Online(true));
    feed(&mut engine, collected());
    let mut problem = ProblemKind::SlowDown.because("");
    problem.retry_after_ms = Some(120_000);
    let effects = feed(&mut engine, Input::Failed(Failure::Refused(problem)));
    assert!(effects.contains(&Effect::WakeAt(NOW.plus_ms(120_000))));
}

#[test]
fn a_live_event_is_stored_and_an_edit_goes_out_at_once() {
    let mut engine = in_step();
    assert!(matches!(feed(&mut engine, live(2, 1)).as_slice(), [Effect::StoreLive(_)]));
    assert!(feed(&mut engine, Input::Stored).contains(&Effect::Open));
    assert!(feed(&mut engine, Input::Wake).contains(&Effect::Collect));
}

#[test]
fn a_live_event_that_comes_during_a_request_is_fetched_by_another() {
    let mut engine = in_step();
    feed(&mut engine, Input::Wake);
    feed(&mut engine, collected());
    assert!(feed(&mut engine, live(3, 1)).is_empty());
    feed(&mut engine, answer(2, false, false));
    assert!(feed(&mut engine, Input::Stored).contains(&Effect::Collect), "nothing is skipped");
}

#[test]
fn what_does_not_fit_into_one_request_follows_at_once_unless_the_relay_takes_nothing() {
    let receipt = |refused: Option<ProblemKind>| Receipt {
        entry: SealedId::new([1; 32]),
        refused: refused.map(|kind| kind.because("")),
    };
    let goes_on = |receipts: Vec<Receipt>| {
        let mut engine = Engine::new(Start { session: true, ..Start::default() });
        feed(&mut engine, Input::Online(true));
        feed(&mut engine, Input::Collected { request: Box::default(), rest: true });
        let Input::Synced(page) = answer(2, false, false) else { unreachable!() };
        feed(&mut engine, Input::Synced(Box::new(SyncAnswer { receipts, ..*page })));
        feed(&mut engine, Input::Stored).contains(&Effect::Collect)
    };
    assert!(goes_on(vec![]), "statements went first");
    assert!(goes_on(vec![receipt(None), receipt(Some(ProblemKind::SlowDown))]));
    assert!(goes_on(vec![receipt(Some(ProblemKind::Forbidden))]));
    assert!(!goes_on(vec![receipt(Some(ProblemKind::OverQuota))]));
}

#[test]
fn a_relay_that_lost_its_place_is_compared_with() {
    let mut engine = in_step();
    feed(&mut engine, Input::Wake);
    feed(&mut engine, collected());
    feed(&mut engine, answer(9, false, true));
    let effects = feed(&mut engine, Input::Stored);
    assert!(effects.contains(&Effect::Recovering(true)) && effects.contains(&Effect::Republish));
    assert!(feed(&mut engine, Input::Stored).contains(&Effect::Collect));
    feed(&mut engine, collected());
    feed(&mut engine, answer(10, false, false));
    assert!(feed(&mut engine, Input::Stored).contains(&Effect::Sums(vec![Range::ALL])));
    let held = [SealedId::new([3; 32])];
    let sum = Range::ALL.sum(&held);
    assert_eq!(requests(&feed(&mut engine, Input::Sums(vec![sum]))), 1);
    let listed = vec![RangeList { range: Range::ALL, entries: vec![] }];
    let effects = feed(&mut engine, Input::Compared(CompareAnswer { listed, split: vec![] }));
    let Some(Effect::Settle(found)) = effects.last() else { panic!("{effects:?}") };
    let missing = found.against(|_| Ok::<_, std::convert::Infallible>(held.to_vec())).unwrap();
    assert_eq!(missing.there, held);
    let effects = feed(&mut engine, Input::Stored);
    assert!(effects.contains(&Effect::Recovering(false)) && effects.contains(&Effect::Collect));
}

#[test]
fn while_locked_a_comparison_waits_for_the_unlock() {
    let mut engine = Engine::new(Start { session: true, ..Start::default() });
    feed(&mut engine, Input::Online(true));
    feed(&mut engine, collected());
    feed(&mut engine, answer(9, false, true));
    assert!(!feed(&mut engine, Input::Stored).contains(&Effect::Republish));
    assert!(engine.is_settled());
    assert!(feed(&mut engine, Input::Unlocked(true)).contains(&Effect::Collect));
    feed(&mut engine, collected());
    feed(&mut engine, answer(9, false, false));
    assert!(feed(&mut engine, Input::Stored).contains(&Effect::Republish));
}

#[test]
fn a_full_disk_is_told_and_tried_again() {
    let mut engine = Engine::new(Start { session: true, ..Start::default() });
    feed(&mut engine, Input::Online(true));
    feed(&mut engine, collected());
    feed(&mut engine, answer(5, false, false));
    let effects = feed(&mut engine, Input::StoreFailed(StoreFailure::DiskFull));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Status(Status::DiskFull { .. }))));
    assert!(feed(&mut engine, Input::Due).contains(&Effect::Collect));
}

#[test]
fn storage_that_fails_in_another_way_is_not_said_to_be_full() {
    let mut engine = Engine::new(Start { session: true, ..Start::default() });
    feed(&mut engine, Input::Online(true));
    let effects = feed(&mut engine, Input::StoreFailed(StoreFailure::Other("cannot read".into())));
    let told = |effect: &Effect| matches!(effect, Effect::Status(Status::StorageFailed { what, .. }) if what == "cannot read");
    assert!(effects.iter().any(told), "{effects:?}");
    assert!(feed(&mut engine, Input::Due).contains(&Effect::Collect));
}

fn any_input() -> impl Strategy<Value = u8> {
    0_u8..18
}

fn input(code: u8) -> Input {
    match code {
        0 => Input::Online(true),
        1 => Input::Online(false),
        2 => Input::Wake,
        3 => Input::Unlocked(true),
        4 => Input::Unlocked(false),
        5 => Input::Due,
        6 => Input::Collected { request: Box::default(), rest: true },
        7 => Input::SignedIn(session()),
        8 => answer(3, false, false),
        9 => answer(4, true, false),
        10 => answer(5, false, true),
        11 => Input::Sums(vec![Range::ALL.sum(&[])]),
        12 => Input::Compared(CompareAnswer { listed: vec![], split: vec![] }),
        13 => Input::Failed(Failure::Garbage),
        14 => Input::Stored,
        15 => Input::StoreFailed(StoreFailure::DiskFull),
        16 => live(6, 2),
        _ => Input::LiveEnded(None),
    }
}

proptest! {
    #[test]
    fn whatever_comes_in_whatever_order_the_engine_still_gets_in_step(inputs in proptest::collection::vec(any_input(), 0..60)) {
        let mut engine = Engine::new(Start { session: true, live: true, ..Start::default() });
        for code in inputs {
            engine.handle(NOW, u64::from(code), input(code));
        }
        // The network comes back and everything asked for is answered well.
        let mut queue = std::collections::VecDeque::from([Input::Online(false), Input::Unlocked(true), Input::Online(true), Input::Due]);
        let mut in_step = false;
        let mut budget = 200;
        // An answer to a request that is still under way from before.
        for stale in [Input::Failed(Failure::Unreachable), Input::StoreFailed(StoreFailure::DiskFull), Input::Due, Input::Online(true)] {
            queue.push_back(stale);
        }
        while let Some(next) = queue.pop_front() {
            budget -= 1;
            prop_assert!(budget > 0, "it never comes to rest");
            for effect in engine.handle(NOW, 1, next) {
                match effect {
                    Effect::Collect => queue.push_back(collected()),
                    Effect::Send(Request::SignIn) => queue.push_back(Input::SignedIn(session())),
                    Effect::Send(Request::Sync(_)) => queue.push_back(answer(8, false, false)),
                    Effect::Send(Request::Compare(_)) => queue.push_back(Input::Compared(CompareAnswer { listed: vec![], split: vec![] })),
                    Effect::Store(_) | Effect::StoreLive(_) | Effect::Republish | Effect::Settle(_) => queue.push_back(Input::Stored),
                    Effect::Sums(ranges) => queue.push_back(Input::Sums(ranges.into_iter().map(|range| range.sum(&[])).collect())),
                    Effect::Status(status) => in_step = matches!(status, Status::InStep { .. }),
                    _ => {}
                }
            }
        }
        prop_assert!(in_step && engine.is_settled());
    }
}

#[test]
fn a_relay_that_says_more_and_sends_nothing_is_left_alone() {
    let mut engine = Engine::new(Start { session: true, ..Start::default() });
    feed(&mut engine, Input::Online(true));
    feed(&mut engine, collected());
    let Input::Synced(mut nothing) = answer(5, true, false) else { panic!("it is an answer") };
    nothing.items.clear();
    let effects = feed(&mut engine, Input::Synced(nothing));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::WakeAt(at) if *at > NOW)), "{effects:?}");
    assert_eq!(requests(&effects), 0);
}

#[test]
fn a_relay_that_resets_again_and_again_is_left_alone() {
    let mut engine = Engine::new(Start { session: true, ..Start::default() });
    feed(&mut engine, Input::Unlocked(true));
    feed(&mut engine, Input::Online(true));
    let mut rounds = 0;
    while !matches!(engine.phase, Phase::Waiting) {
        rounds += 1;
        assert!(rounds < 20, "it goes on for ever");
        feed(&mut engine, collected());
        feed(&mut engine, answer(5, false, true));
        feed(&mut engine, Input::Stored);
        feed(&mut engine, Input::Stored);
    }
}
