//! Days that must go well, told one by one.

use bedside_core::api::{Answer, Leaf, Outcome, Scope, Source};
use bedside_core::engine::{Input, Status};
use bedside_core::store::ReceiptKind;
use bedside_protocol::ids::LogId;
use bedside_protocol::problem::ProblemKind;

use crate::base::{self, ALICE, BOB, CARER, PAT, consent, number, plan_of};
use crate::ops::{Op, leaf};
use crate::relay::Mode;
use crate::world::World;

const SECOND_MS: u64 = 1_000;
const HOUR_MS: i64 = 3_600_000;
const TEN_YEARS_MS: i64 = 10 * 365 * 24 * HOUR_MS;

/// A good day: everybody is enrolled and online.
fn morning() -> World {
    base::begin(4_711, false)
}

fn first_plan(world: &World) -> LogId {
    *world.truth.readers.keys().next().expect("the first plan is there from the beginning")
}

fn write(world: &mut World, seat: usize, word: u64) {
    let log = first_plan(world);
    write_in(world, seat, log, word);
}

fn write_in(world: &mut World, seat: usize, log: LogId, word: u64) {
    let text = world.seats[seat].device.text(&log, "wishes.daily_life").expect("the plan is there");
    let saved = world.edit(seat, log, |draft| draft.set_text("wishes.daily_life", &format!("{text} {word}")));
    assert!(saved, "a nurse can write");
}

fn both_read(world: &World, log: &LogId, words: &[u64]) {
    for seat in [ALICE, BOB] {
        let text = world.seats[seat].device.text(log, "wishes.daily_life").expect("the plan is there");
        for word in words {
            assert!(
                text.contains(&word.to_string()),
                "{} does not read {word}: {text}",
                world.seats[seat].name
            );
        }
    }
}

#[test]
fn a_relay_restored_from_an_old_copy_loses_nothing() {
    for new_epoch in [true, false] {
        let mut world = morning();
        let log = first_plan(&world);
        world.relay.back_up();
        for word in 100..103 {
            write(&mut world, ALICE, word);
            write(&mut world, BOB, word + 10);
            world.run(5 * SECOND_MS);
        }
        world.start_plan(BOB, 1, true);
        world.run(5 * SECOND_MS);
        world.restore(0, new_epoch);
        world.settle_and_check();
        assert!(world.marks.0.contains_key("a comparison"));
        both_read(&world, &log, &[100, 101, 102, 110, 111, 112]);
    }
}

#[test]
fn a_damaged_row_in_the_mailbox_of_a_locked_device_holds_nothing_up_and_is_mended_when_it_is_unlocked() {
    let mut world = morning();
    world.set_online(ALICE, false);
    for word in 400..403 {
        write(&mut world, ALICE, word);
    }
    world.crash(ALICE);
    let mailbox = world.dir.path().join(world.seats[ALICE].name).join("mailbox.db");
    let mailbox = rusqlite::Connection::open(mailbox).expect("the mailbox is a plain file");
    let sql = "UPDATE outgoing SET bytes = zeroblob(length(bytes)) \
               WHERE position = (SELECT min(position) FROM outgoing)";
    assert_eq!(mailbox.execute(sql, []), Ok(1));
    drop(mailbox);
    world.reopen(ALICE, false);
    // This panics when the device goes round in circles.
    world.set_online(ALICE, true);
    world.run(60 * SECOND_MS);
    assert!(world.seats[ALICE].device.is_settled());
    world.unlock(ALICE);
    world.settle_and_check();
    both_read(&world, &first_plan(&world), &[400, 401, 402]);
}

#[test]
fn a_plan_with_an_entry_that_cannot_be_read_is_shown_with_an_alert_and_everything_else_goes_on() {
    let mut world = morning();
    let log = first_plan(&world);
    world.start_plan(BOB, 1, true);
    let others = |known: &&LogId| **known != log;
    let other = *world.truth.readers.keys().find(others).expect("a nurse can start a plan");
    world.run(5 * SECOND_MS);
    world.seats[ALICE].device.keep_newer_entry(log, false).expect("it is stored");
    write_in(&mut world, BOB, log, 500);
    write_in(&mut world, BOB, other, 501);
    world.run(5 * SECOND_MS);
    both_read(&world, &log, &[500]);
    both_read(&world, &other, &[501]);
    write_in(&mut world, ALICE, log, 502);
    let app = world.seats[ALICE].device.app();
    let alerts = |log| app.plan(plan_of(&log)).expect("it is shown").alerts;
    assert!(alerts(log).iter().any(|alert| alert.kind == "left-out"));
    assert!(alerts(other).iter().all(|alert| alert.kind != "left-out"));
    // Another entry in the place of one's own would split one's history.
    world.seats[ALICE].device.keep_newer_entry(other, true).expect("it is stored");
    let mut draft = app.draft(plan_of(&other)).expect("it can be begun");
    draft.set_text("wishes.daily_life", "not now").expect("it is a text");
    assert_eq!(draft.commit().expect_err("it is refused").code(), "update-app");
}

#[test]
fn a_member_who_floods_a_plan_with_what_nobody_can_read_fills_a_fixed_room_and_hides_nobody_elses_entries() {
    const SENT: u64 = 1_200;
    const KEPT: usize = 1_000;
    let mut world = morning();
    let log = first_plan(&world);
    let before = world.seats[BOB].device.entries().expect("unlocked")[&log].len();
    let kept_back = world.seats[ALICE].device.build_on_what_is_kept_back(log, SENT).expect("it is sealed");
    world.feed(ALICE, Input::Wake);
    world.run(30 * SECOND_MS);
    let waiting = |world: &World| world.seats[BOB].device.waiting().expect("unlocked").len();
    let warned = |world: &World| {
        let plan = world.seats[BOB].device.app().plan(plan_of(&log)).expect("it is shown");
        plan.alerts.iter().any(|alert| alert.kind == "passed-over")
    };
    assert_eq!((waiting(&world), warned(&world)), (KEPT, true));
    for (seat, word) in [(PAT, 600), (BOB, 601)] {
        write(&mut world, seat, word);
        world.run(30 * SECOND_MS);
        both_read(&world, &log, &[word]);
    }
    assert_eq!((waiting(&world), warned(&world)), (KEPT, true));

    world.crash(BOB);
    world.reopen(BOB, true);
    assert!(warned(&world), "it is not forgotten");
    world.set_online(BOB, true);
    world.seats[ALICE].device.send_as_it_is(&[kept_back]).expect("it is sealed");
    world.feed(ALICE, Input::Wake);
    world.run(60 * SECOND_MS);
    assert_eq!((waiting(&world), warned(&world)), (0, false));
    let all = world.seats[BOB].device.entries().expect("unlocked")[&log].len();
    assert_eq!(all, before + 3 + SENT as usize, "what was left with the relay is fetched once there is room");
}

#[test]
fn a_locked_device_with_a_full_mailbox_stops_fetching_says_so_and_misses_nothing() {
    let mut world = morning();
    world.crash(BOB);
    world.seats[BOB].device.limit_mailbox(128 << 10);
    world.reopen(BOB, false);
    for word in 1_000..1_150 {
        write(&mut world, ALICE, word);
        world.run(SECOND_MS);
    }
    world.run(60 * SECOND_MS);
    let device = &world.seats[BOB].device;
    let Some(Status::StorageFailed { what, .. }) = &device.status else { panic!("{:?}", device.status) };
    assert!(what.contains("unlock this device"), "{what}");
    assert!(device.app().status().expect("it is up").unopened < 150, "no more is fetched");
    world.unlock(BOB);
    world.settle_and_check();
    both_read(&world, &first_plan(&world), &[1_000, 1_149]);
}

#[test]
fn a_relay_that_sends_rubbish_fills_a_fixed_room_and_all_of_it_is_counted() {
    let mut world = morning();
    world.seats[BOB].device.receive_rubbish(1_500).expect("it is stored");
    world.feed(BOB, Input::Unlocked(true));
    let device = &world.seats[BOB].device;
    assert_eq!(device.app().status().expect("it is up").set_aside, Some(1_500));
    assert_eq!(device.set_aside().expect("unlocked"), 1_000);
    write(&mut world, ALICE, 700);
    world.run(30 * SECOND_MS);
    both_read(&world, &first_plan(&world), &[700]);
}

/// Runs a story again and again, with a device killed after 0, 1, 2 ... effects, until the story ends first.
fn killed_at_every_effect(seat: usize, story: impl Fn(&mut World)) {
    for effects in 0.. {
        let mut world = morning();
        world.kill = Some((seat, effects));
        story(&mut world);
        world.run(60 * SECOND_MS);
        let survived = world.kill.take().is_some();
        world.settle_and_check();
        if survived {
            assert!(effects > 3, "the story has hardly any effects");
            return;
        }
    }
}

#[test]
fn a_device_killed_at_every_effect_of_a_sync_loses_nothing_and_duplicates_nothing() {
    killed_at_every_effect(ALICE, |world| {
        let kill = world.kill.take();
        world.set_online(ALICE, false);
        write(world, ALICE, 200);
        write(world, BOB, 201);
        world.run(5 * SECOND_MS);
        world.kill = kill;
        world.set_online(ALICE, true);
    });
}

#[test]
fn a_device_killed_at_every_effect_of_a_comparison_loses_nothing_and_duplicates_nothing() {
    killed_at_every_effect(ALICE, |world| {
        let kill = world.kill.take();
        world.relay.back_up();
        write(world, ALICE, 300);
        world.run(5 * SECOND_MS);
        // Nobody else has it.
        world.set_online(ALICE, false);
        world.restore(0, true);
        world.kill = kill;
        world.set_online(ALICE, true);
    });
}

#[test]
fn what_only_its_author_has_comes_back_to_a_restored_relay_whenever_the_author_was_killed() {
    killed_at_every_effect(ALICE, |world| {
        let kill = world.kill.take();
        world.relay.back_up();
        world.set_online(BOB, false);
        for seat in [base::ADMIN, PAT] {
            world.set_online(seat, false);
        }
        write(world, ALICE, 310);
        world.run(5 * SECOND_MS);
        world.set_online(ALICE, false);
        world.restore(0, false);
        world.kill = kill;
        world.set_online(ALICE, true);
    });
}

#[test]
fn a_reader_who_comes_back_to_a_restored_relay_before_the_sharer_still_hears_of_what_follows() {
    let mut world = morning();
    world.relay.back_up();
    let first = first_plan(&world);
    world.start_plan(ALICE, 1, true);
    let log = world.plans_of(ALICE).into_iter().find(|log| *log != first).expect("it was started");
    let plan = world.plans_of(ALICE).iter().position(|of| *of == log).expect("it was started");
    world.share(ALICE, plan);
    world.run(20 * SECOND_MS);
    assert!(world.seats[CARER].entries.contains_key(&log), "the carer has the plan");
    for seat in base::RIVERSIDE {
        world.set_online(seat, false);
    }
    world.restore(0, true);
    world.run(120 * SECOND_MS);
    world.set_online(ALICE, true);
    world.run(60 * SECOND_MS);
    write_in(&mut world, ALICE, log, 350);
    world.settle_and_check();
    let text = world.seats[CARER].device.text(&log, "wishes.daily_life").expect("the plan is there");
    assert!(text.contains("350"), "the carer reads what was written after the sharer came back");
}

#[test]
fn a_hundred_and_thirty_plans_are_followed_again_after_the_relay_lost_all_of_them() {
    const PLANS: std::ops::Range<usize> = 10..140;
    let mut world = morning();
    world.relay.back_up();
    world.set_online(BOB, false);
    world.set_online(base::ADMIN, false);
    for plan in PLANS {
        world.start_plan(ALICE, plan, false);
    }
    world.run(60 * SECOND_MS);
    world.restore(0, true);
    world.run(60 * SECOND_MS);
    world.set_online(BOB, true);
    world.run(60 * SECOND_MS);
    let logs = world.plans_of(BOB);
    assert!(logs.len() > PLANS.len(), "Bob got every plan from the relay that had lost them");
    for log in &logs {
        world.edit(BOB, *log, |draft| draft.set("home.medicines_kept", &leaf(2)));
    }
    world.settle_and_check();
}

#[test]
fn a_locked_device_pushes_and_pulls_and_unlocking_opens_what_came() {
    let mut world = morning();
    let log = first_plan(&world);
    world.set_online(ALICE, false);
    write(&mut world, ALICE, 400);
    world.lock(ALICE);
    write(&mut world, BOB, 401);
    world.run(5 * SECOND_MS);
    world.set_online(ALICE, true);
    world.run(20 * SECOND_MS);
    let text = world.seats[BOB].device.text(&log, "wishes.daily_life").expect("the plan is there");
    assert!(text.contains("400"), "what waited went out while the device was locked");
    let status = world.seats[ALICE].device.app().status().expect("a locked device has a status");
    assert!(status.unsent == 0 && status.unopened > 0 && !status.unlocked);
    world.unlock(ALICE);
    both_read(&world, &log, &[400, 401]);
    world.settle_and_check();
}

#[test]
fn a_clock_ten_years_ahead_that_is_put_right_again_harms_nothing() {
    let mut world = morning();
    let log = first_plan(&world);
    world.seats[ALICE].ahead = TEN_YEARS_MS;
    write(&mut world, ALICE, 500);
    world.relay.mode = Mode::Refusing(ProblemKind::Unavailable);
    write(&mut world, ALICE, 501);
    world.run(60 * SECOND_MS);
    world.seats[ALICE].ahead = -HOUR_MS;
    write(&mut world, ALICE, 502);
    world.relay.mode = Mode::Honest;
    world.run(120 * SECOND_MS);
    both_read(&world, &log, &[500, 501, 502]);
    world.settle_and_check();
    let held = world.seats[BOB].device.held(&log).expect("the plan is there");
    assert!(held.is_empty(), "an entry was held for the time on a wrong clock");
}

#[test]
fn two_nurses_start_the_same_plan_offline_and_it_is_one_plan() {
    let mut world = morning();
    world.perform(&Op::StartTwice { number: 1 });
    let log =
        world.plans_of(ALICE).into_iter().find(|log| *log != first_plan(&world)).expect("it was started");
    assert!(world.seats[BOB].entries.contains_key(&log), "the same number is the same plan");
    write_in(&mut world, ALICE, log, 600);
    write_in(&mut world, BOB, log, 601);
    world.set_online(ALICE, true);
    world.set_online(BOB, true);
    world.settle_and_check();
    both_read(&world, &log, &[600, 601]);
}

#[test]
fn a_plan_that_was_started_twice_is_read_whole_by_whom_one_of_the_two_shared_it_with() {
    for (sharer, other) in [(ALICE, BOB), (BOB, ALICE)] {
        for lost in [None, Some(sharer)] {
            let mut world = morning();
            world.perform(&Op::StartTwice { number: 1 });
            let first = first_plan(&world);
            let log = world.plans_of(ALICE).into_iter().find(|log| *log != first).expect("it was started");
            write_in(&mut world, other, log, 700);
            let shared = world.plans_of(sharer).iter().position(|of| *of == log).expect("it is there");
            world.share(sharer, shared);
            world.set_online(sharer, true);
            world.run(20 * SECOND_MS);
            if let Some(lost) = lost {
                world.perform(&Op::Lose { seat: lost });
            }
            world.set_online(other, true);
            world.run(20 * SECOND_MS);
            write_in(&mut world, other, log, 701);
            world.settle_and_check();
            let text = world.seats[CARER].device.text(&log, "wishes.daily_life").expect("the plan is there");
            assert!(text.contains("700") && text.contains("701"), "the carer reads what {other} wrote");
        }
    }
}

#[test]
fn one_bad_item_blocks_nothing() {
    let mut world = morning();
    let log = first_plan(&world);
    world.set_online(BOB, false);
    for word in 800..805 {
        write(&mut world, ALICE, word);
        world.run(2 * SECOND_MS);
    }
    world.relay.mode = Mode::Adding;
    world.set_online(BOB, true);
    world.run(20 * SECOND_MS);
    both_read(&world, &log, &[800, 801, 802, 803, 804]);
    let status = world.seats[BOB].device.app().status().expect("an open device has a status");
    assert!(status.set_aside.is_some_and(|count| count >= 2), "what is no entry is put aside and counted");
    world.settle_and_check();
}

#[test]
fn sent_and_seen_are_said_when_they_are_true() {
    let mut world = morning();
    let before = (world.claims_of(ALICE, ReceiptKind::Sent), world.claims_of(ALICE, ReceiptKind::Seen));
    for seat in [base::ADMIN, BOB, PAT] {
        world.set_online(seat, false);
    }
    write(&mut world, ALICE, 900);
    world.run(10 * SECOND_MS);
    let after = (world.claims_of(ALICE, ReceiptKind::Sent), world.claims_of(ALICE, ReceiptKind::Seen));
    assert_eq!(after, (before.0 + 1, before.1), "the relay has it, and nobody else");
    world.set_online(BOB, true);
    world.run(20 * SECOND_MS);
    assert_eq!(world.claims_of(ALICE, ReceiptKind::Seen), before.1 + 1, "and now Bob has it");
    world.settle_and_check();
}

#[test]
fn a_new_plan_reaches_the_relay_though_a_hundred_acknowledgements_are_in_line_before_it() {
    const PLANS: std::ops::Range<usize> = 10..140;
    let mut world = morning();
    let first = first_plan(&world);
    for plan in PLANS {
        world.start_plan(BOB, plan, false);
    }
    world.run(60 * SECOND_MS);
    world.lock(ALICE);
    let plans: Vec<LogId> = world.plans_of(BOB).into_iter().filter(|log| *log != first).collect();
    for log in &plans {
        world.edit(BOB, *log, |draft| draft.set("home.medicines_kept", &leaf(1)));
    }
    world.run(60 * SECOND_MS);
    world.set_online(ALICE, false);
    world.unlock(ALICE);
    world.start_plan(ALICE, 1, false);
    let sent = world.claims_of(ALICE, ReceiptKind::Sent);
    world.set_online(ALICE, true);
    world.run(20 * SECOND_MS);
    assert!(world.plans_of(ALICE).len() > PLANS.len(), "all of Bob's plans are here too");
    assert_eq!(world.claims_of(ALICE, ReceiptKind::Refused), 0, "nothing is wrong with the new plan");
    assert_eq!(world.claims_of(ALICE, ReceiptKind::Sent), sent + 2, "and it was sent, at once");
}

#[test]
fn more_than_one_request_can_carry_goes_out_in_one_go() {
    let mut world = morning();
    world.set_online(ALICE, false);
    let log = first_plan(&world);
    for word in 0..24_u64 {
        let text: String = (0..9_000).map(|n| format!("{:06} ", n * 31 + word * 7_919)).collect();
        let text = Leaf::new(Answer::text(&text).expect("it is not empty"), Source::Person);
        assert!(world.edit(ALICE, log, |draft| draft.set("home.documents_kept", &text)));
    }
    world.set_online(ALICE, true);
    world.run(30 * SECOND_MS);
    let status = world.seats[ALICE].device.app().status().expect("an open device has a status");
    assert_eq!(status.unsent, 0, "all of it is sent, not only what fits into one request");
    world.settle_and_check();
}

#[test]
fn a_relay_that_cannot_store_is_not_hammered() {
    let mut world = morning();
    world.relay.mode = Mode::Refusing(ProblemKind::OverQuota);
    write(&mut world, ALICE, 1_000);
    world.run(600 * SECOND_MS);
    let requests = world.requests;
    world.run(600 * SECOND_MS);
    assert!(world.requests - requests < 10 * 6 * 3, "{} requests in ten minutes", world.requests - requests);
    world.settle_and_check();
}

#[test]
fn consent_withdrawn_by_one_while_another_writes_leaves_both_in_the_record() {
    let mut world = morning();
    let log = first_plan(&world);
    world.set_online(BOB, false);
    write(&mut world, BOB, 1_100);
    let withdrawn = world.save(PAT, |app| {
        let saved = app.record_consent(plan_of(&log), Scope::Record, consent(Outcome::Withdrawn))?;
        Ok(Some(saved.entries))
    });
    assert!(withdrawn, "a person withdraws their consent on their own device");
    world.run(5 * SECOND_MS);
    let refused = !world.edit(ALICE, log, |draft| draft.set_text("wishes.about_me", "too late"));
    assert!(refused, "nobody who knows of it writes any more");
    world.set_online(BOB, true);
    world.feed(BOB, Input::Wake);
    world.settle_and_check();
    both_read(&world, &log, &[1_100]);
}

#[test]
fn the_numbers_of_the_plans_are_valid() {
    assert_eq!(number(0), "9990000018", "weights 10 to 2, modulo 11");
}
