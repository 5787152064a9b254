//! What is written is read.

use bedside_protocol::ids::{RelayEpoch, Timestamp};
use bedside_protocol::limits::ENTRY_BYTES_MAX;
use bedside_protocol::wire::{Cursor, Range};
use tempfile::TempDir;

use super::*;

fn vault() -> (TempDir, Vault) {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    (dir, vault)
}

#[test]
fn what_is_put_first_goes_out_first_and_in_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let mailbox = Mailbox::open(dir.path()).unwrap();
    mailbox.add(&[mail(1), mail(2), mail(3)]).unwrap();
    mailbox.add_first(&[mail(5), mail(3), mail(4)]).unwrap();
    mailbox.add(&[mail(4), mail(6)]).unwrap();
    let in_line = [mail(4), mail(3), mail(5), mail(1), mail(2), mail(6)];
    assert!(mailbox.batch(1 << 20, 9).unwrap() == in_line, "each before the one put there before it");
}

#[test]
fn looks_are_kept_by_who_looked_until_they_are_in_an_entry_and_read_from_a_damaged_vault() {
    let (dir, vault) = vault();
    let somebody = |number: u8| bedside_protocol::ids::IdentityId::new([number; 32]);
    let look =
        |who, number: u64, what: u8| LookRow { identity: somebody(who), log: log(number), bytes: vec![what] };
    let written = [look(1, 1, 7), look(2, 1, 8), look(1, 1, 9), look(1, 2, 10)];
    let rows = written.clone();
    vault.write(move |tx| rows.iter().try_for_each(|row| tx.put_look(row))).unwrap();
    let bytes = |who| {
        let found = vault.read(|read| read.looks(&somebody(who), &log(1), 9)).unwrap();
        found.into_iter().map(|(position, row)| (position, row.bytes)).collect::<Vec<_>>()
    };
    assert_eq!(bytes(1), [(1, vec![7]), (3, vec![9])]);
    assert_eq!(vault.read(|read| read.looked_at(&somebody(2))).unwrap(), [log(1)]);
    vault.write(|tx| tx.delete_look(1)).unwrap();
    assert_eq!(bytes(1), [(3, vec![9])]);
    vault.close().unwrap();
    let mut found = Vec::new();
    salvage(dir.path(), KEY, |row| {
        if let Salvaged::Look(row) = row {
            found.push(row);
        }
    })
    .unwrap();
    assert!(found == written[1..]);
}

#[test]
fn settings_and_secrets_are_kept_by_name_and_replaced() {
    let (_dir, vault) = vault();
    vault
        .write(|tx| {
            tx.put_meta("a", b"1")?;
            tx.put_meta("a", b"2")?;
            tx.put_secret("seed", b"s1")?;
            tx.put_secret("seed", b"s2")?;
            tx.put_secret("other", b"o")?;
            tx.delete_secret("other")
        })
        .unwrap();
    vault
        .read(|read| {
            assert_eq!(read.meta("a")?.as_deref(), Some(b"2".as_slice()));
            assert_eq!(read.meta("b")?, None);
            assert_eq!(read.secret("seed")?.unwrap().as_slice(), b"s2");
            assert_eq!(read.secret_names()?, ["seed"]);
            Ok(())
        })
        .unwrap();
}

#[test]
fn statements_come_back_in_the_order_they_came_by_kind_by_log_and_unsent() {
    let (_dir, vault) = vault();
    let row = |number, kind, log_number: Option<u64>, sent| StatementRow {
        id: statement_id(number),
        kind,
        log: log_number.map(log),
        bytes: noise(number, 40),
        sent,
    };
    vault
        .write(move |tx| {
            assert!(tx.put_statement(&row(9, StatementKind::Credential, None, true))?);
            assert!(tx.put_statement(&row(3, StatementKind::Credential, None, false))?);
            assert!(tx.put_statement(&row(4, StatementKind::Access, Some(1), false))?);
            assert!(!tx.put_statement(&row(9, StatementKind::Credential, None, true))?);
            Ok(())
        })
        .unwrap();
    let ids = |rows: Vec<StatementRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    vault
        .read(|read| {
            assert_eq!(ids(read.statements(StatementKind::Credential)?), [statement_id(9), statement_id(3)]);
            assert_eq!(ids(read.statements_of(&log(1))?), [statement_id(4)]);
            assert_eq!(ids(read.statements_unsent(10)?), [statement_id(3), statement_id(4)]);
            assert!(read.statement(&statement_id(4))?.unwrap().log == Some(log(1)));
            Ok(())
        })
        .unwrap();
    vault.write(|tx| tx.mark_statements_sent(&[statement_id(3)])).unwrap();
    assert_eq!(vault.read(|read| Ok(ids(read.statements_unsent(10)?))).unwrap(), [statement_id(4)]);
    vault.write(|tx| tx.mark_statements_unsent()).unwrap();
    assert_eq!(vault.read(|read| Ok(read.statements_unsent(10)?.len())).unwrap(), 3);
}

#[test]
fn one_content_key_of_a_log_is_current_and_the_older_ones_stay() {
    let (_dir, vault) = vault();
    vault
        .write(|tx| {
            tx.put_content_key(&log(1), &content_key(1, true))?;
            tx.put_content_key(&log(1), &content_key(2, true))?;
            tx.put_content_key(&log(2), &content_key(3, true))
        })
        .unwrap();
    let keys = vault.read(|read| read.content_keys(&log(1))).unwrap();
    assert!(keys == [content_key(1, false), content_key(2, true)]);
}

#[test]
fn entries_come_back_in_the_order_they_came_and_once() {
    let (_dir, vault) = vault();
    vault
        .write(|tx| {
            for number in [5, 3, 8] {
                assert!(tx.put_entry(&entry(1, number))?);
            }
            assert!(!tx.put_entry(&entry(1, 3))?);
            tx.put_entry(&EntryRow { author_seq: u64::MAX, ..entry(2, 4) }).map(drop)
        })
        .unwrap();
    vault
        .read(|read| {
            assert!(read.entries(&log(1))? == [entry(1, 5), entry(1, 3), entry(1, 8)]);
            assert_eq!(read.entry(&entry_id(4))?.unwrap().author_seq, u64::MAX);
            assert_eq!(read.entry_of(&sealed_id(8))?, Some(entry_id(8)));
            assert!(read.has_sealed(&sealed_id(8))? && !read.has_sealed(&sealed_id(9))?);
            Ok(())
        })
        .unwrap();
}

#[test]
fn an_entry_sealed_under_two_keys_is_one_entry_known_by_both_names() {
    let (_dir, vault) = vault();
    let again = EntryRow { sealed_id: sealed_id(77), ..entry(1, 1) };
    vault
        .write(move |tx| {
            assert!(tx.put_entry(&entry(1, 1))?);
            assert!(!tx.put_entry(&again)?);
            assert!(!tx.put_entry(&again)?);
            assert_eq!(tx.entries(&log(1))?.len(), 1);
            assert_eq!(tx.entry_of(&sealed_id(77))?, Some(entry_id(1)));
            assert!(tx.has_sealed(&sealed_id(77))?);
            let (low, high) = Range::ALL.bounds();
            assert_eq!(tx.sealed_ids_in(&low, &high)?.len(), 2);
            Ok(())
        })
        .unwrap();
}

#[test]
fn sealed_ids_are_listed_by_range_whether_they_wait_or_not() {
    let (_dir, vault) = vault();
    let waits = |number| WaitingRow {
        sealed_id: sealed_id(number),
        log: log(1),
        bytes: noise(number, 50),
        reason: WaitReason::Parent,
        needs: entry_id(2).as_bytes().to_vec(),
        received_at: Timestamp(7),
    };
    vault
        .write(move |tx| {
            (0..50).try_for_each(|number| tx.put_entry(&entry(1, number)).map(drop))?;
            (50..60).try_for_each(|number| tx.put_waiting(&waits(number)))
        })
        .unwrap();
    let all: Vec<_> = (0..60).map(sealed_id).collect();
    for range in Range::ALL.split().unwrap() {
        let (low, high) = range.bounds();
        let mut expected: Vec<_> = all.iter().copied().filter(|id| range.contains(id)).collect();
        expected.sort();
        assert_eq!(vault.read(|read| read.sealed_ids_in(&low, &high)).unwrap(), expected);
    }
}

#[test]
fn a_credential_is_missed_by_every_log_that_waits_for_it_however_many_there_are() {
    let (_dir, vault) = vault();
    let id = |number: u16| {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&number.to_be_bytes());
        id
    };
    let found = vault
        .write(move |tx| {
            for number in 0..1_100 {
                let log = LogId::new(id(number));
                tx.put_log(&LogRow {
                    id: log,
                    main: None,
                    compartment: 0,
                    subscribed: true,
                    opened_at: None,
                })?;
                tx.put_waiting(&WaitingRow {
                    sealed_id: SealedId::new(id(number)),
                    log,
                    bytes: vec![1],
                    reason: WaitReason::Credential,
                    needs: vec![3; 32],
                    received_at: Timestamp(7),
                })?;
            }
            tx.logs_waiting_for(&[3; 32])
        })
        .unwrap();
    assert_eq!(found.len(), 1_100);
}

#[test]
fn a_waiting_entry_is_found_by_what_it_needs_and_released_when_it_is_taken_in() {
    let (_dir, vault) = vault();
    let row = WaitingRow {
        sealed_id: sealed_id(5),
        log: log(1),
        bytes: noise(5, 50),
        reason: WaitReason::Key,
        needs: vec![1; 8],
        received_at: Timestamp(7),
    };
    let later = WaitingRow { reason: WaitReason::Parent, needs: vec![2; 32], ..row.clone() };
    vault
        .write(move |tx| {
            tx.put_waiting(&row)?;
            assert!(tx.logs_waiting_for(&[1; 8])? == [log(1)]);
            tx.put_waiting(&later)?;
            assert!(tx.logs_waiting_for(&[1; 8])?.is_empty());
            assert!(tx.waiting(Some(&log(1)), 9)? == tx.waiting(None, 9)?);
            assert!(tx.waiting(None, 9)? == [later]);
            assert!(tx.put_entry(&entry(1, 5))?);
            assert!(tx.waiting(None, 9)?.is_empty());
            Ok(())
        })
        .unwrap();
}

#[test]
fn plans_are_paged_by_name_without_missing_or_repeating_one() {
    let (_dir, vault) = vault();
    vault
        .write(|tx| {
            // Many namesakes, so that pages end in the middle of them.
            (0..250)
                .try_for_each(|n| tx.put_plan(&plan(n, ["Ash", "ash", "Ásh", "Birch"][n as usize % 4], "Jo")))
        })
        .unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = vault.read(|read| read.plans_page(after.as_ref(), 7)).unwrap();
        seen.extend(page.rows.iter().map(|row| row.log));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 250);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 250);
}

#[test]
fn lists_by_change_and_by_opening_begin_with_the_newest() {
    let (_dir, vault) = vault();
    vault
        .write(|tx| {
            (1..=5).try_for_each(|n| tx.put_plan(&plan(n, "Ash", "Jo")))?;
            tx.set_opened(&log(2), Timestamp(50))?;
            tx.set_opened(&log(4), Timestamp(40))?;
            // A new summary does not forget when the plan was opened.
            tx.put_plan(&plan(2, "Ash", "Joanna"))
        })
        .unwrap();
    let logs = |rows: Vec<PlanRow>| rows.into_iter().map(|row| row.log).collect::<Vec<_>>();
    vault
        .read(|read| {
            assert_eq!(logs(read.plans_opened(9)?), [log(2), log(4)]);
            assert_eq!(read.plan(&log(2))?.unwrap().opened_at, Some(Timestamp(50)));
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_plan_is_found_as_somebody_types_among_two_thousand() {
    let (_dir, vault) = vault();
    let families = ["Okonkwo", "O'Brien", "Müller", "Smith", "Smithson", "García López", "Nguyen", "Ash"];
    let givens = ["Ada", "Bea", "Chidi", "Dora", "Élodie"];
    vault
        .write(move |tx| {
            (0..2_000_u64).try_for_each(|n| {
                let (family, given) = (families[n as usize % 8], givens[n as usize / 8 % 5]);
                let place = if n == 1_234 { "Willow Ward" } else { "Elm House" };
                tx.put_plan(&PlanRow { place: place.into(), ..plan(n, family, given) })
            })
        })
        .unwrap();
    let searched = |text: &str| vault.read(|read| read.search(text, 50)).unwrap();
    let found = |text: &str| searched(text).into_iter().filter(|hit| !hit.similar).collect::<Vec<_>>();
    let names = |text: &str| {
        let mut names: Vec<_> =
            found(text).iter().map(|hit| format!("{} {}", hit.plan.family, hit.plan.given)).collect();
        names.dedup();
        names
    };
    assert_eq!(names("smiths chi"), ["Smithson Chidi"], "every word, by its beginning");
    assert_eq!(names("chi smiths"), names("smiths chi"), "in any order");
    assert_eq!(names("muller elo"), ["Müller Élodie"], "without accents");
    assert_eq!(names("o'b ada"), ["O'Brien Ada"], "with an apostrophe");
    assert_eq!(names("lopez bea"), ["García López Bea"], "by the second family name");
    assert_eq!(found("900000123").len(), 10, "by the first digits of the NHS number");
    assert_eq!(found("900 000 1234").len(), 1, "as the number is printed");
    assert_eq!(found("will").len(), 1, "by place");
    assert_eq!(found("s").len(), 50, "never more than a page");
    let similar = |text: &str| {
        let hits = searched(text);
        assert!(hits.iter().is_sorted_by_key(|hit| hit.similar), "what is similar comes last");
        let mut names: Vec<_> =
            hits.iter().filter(|hit| hit.similar).map(|hit| hit.plan.family.clone()).collect();
        names.dedup();
        names
    };
    assert_eq!(similar("okonwko"), ["Okonkwo"], "two letters swapped");
    assert_eq!(similar("chidi nguyn"), ["Nguyen"], "one missing, given name first");
    assert_eq!(similar("mueller"), ["Müller"], "one too many");
    assert_eq!(similar("snithson"), ["Smithson"], "a wrong one");
    assert_eq!(similar("smithsom will"), [""; 0], "nobody of that name lives there");
    assert_eq!(similar("snithson elm"), ["Smithson"], "with the place");
    assert_eq!(similar("smih"), ["Smith"], "while it is typed");
    assert_eq!(searched("okonwko").len(), 20, "not more than twenty guesses");
    assert!(found("okonwko").is_empty());
    assert_eq!((found("1234").len(), searched("1234").len()), (0, 1), "digits within the number");
    assert!(searched("9000010234").is_empty(), "no number is forgiven");
    for text in [
        "",
        " ",
        "\"",
        "*",
        "AND",
        "nhs_number:",
        "NEAR(a b",
        "^",
        "zzz",
        "\0",
        "smith -chidi",
        "a OR b",
        "{x}",
    ] {
        let _ = found(text);
    }
    vault
        .write(|tx| {
            tx.put_plan(&plan(1_234, "Zephyr", "Zoe"))?;
            assert_eq!(tx.search("zeph", 9)?.len(), 1);
            assert!(tx.search("willow", 9)?.is_empty(), "the old words are forgotten");
            Ok(())
        })
        .unwrap();
    assert_eq!(vault.check().unwrap(), Vec::<String>::new());
}

#[test]
fn what_is_derived_can_be_dropped_and_nothing_else_goes_with_it() {
    let (_dir, vault) = vault();
    commit_edit(&vault, 1, 1).unwrap();
    vault
        .write(|tx| {
            tx.put_view(&log(1), 0, &ViewRow { at: Timestamp(1), bytes: vec![1] })?;
            tx.put_content_key(&log(1), &content_key(1, true))?;
            tx.delete_derived()?;
            assert!(tx.view(&log(1), 0)?.is_none());
            assert!(tx.search("family1", 1)?.is_empty());
            Ok(())
        })
        .unwrap();
    assert_eq!(parts_of_edit(&vault, 1, 1), [true, false, false, false, true]);
    assert_eq!(vault.read(|read| Ok(read.content_keys(&log(1))?.len())).unwrap(), 1);
    commit_edit(&vault, 1, 2).unwrap();
    assert_eq!(parts_of_edit(&vault, 1, 2), [true; 5], "it can be built again");
}

#[test]
fn an_entry_leaves_the_outbox_with_a_receipt_and_only_once() {
    let (_dir, vault) = vault();
    commit_edit(&vault, 1, 1).unwrap();
    commit_edit(&vault, 1, 2).unwrap();
    let sent = MailReceipt { sealed_id: sealed_id(1), at: Timestamp(10), refused: None };
    let refused = MailReceipt { sealed_id: sealed_id(2), at: Timestamp(11), refused: Some(vec![1]) };
    vault
        .write(move |tx| {
            assert_eq!(tx.settle(&sent)?, Some(entry_id(1)));
            assert_eq!(tx.settle(&sent)?, None);
            assert_eq!(tx.settle(&refused)?, Some(entry_id(2)));
            tx.put_receipt(&ReceiptRow {
                entry_id: entry_id(1),
                kind: ReceiptKind::Seen,
                by: statement_id(5).as_bytes().to_vec(),
                at: Timestamp(12),
                detail: None,
            })
        })
        .unwrap();
    vault
        .read(|read| {
            let kinds: Vec<_> =
                read.receipts_of(&log(1))?.iter().map(|row| (row.entry_id, row.kind)).collect();
            let expected = [
                (entry_id(1), ReceiptKind::Sent),
                (entry_id(1), ReceiptKind::Seen),
                (entry_id(2), ReceiptKind::Refused),
            ];
            assert_eq!(kinds, expected);
            assert_eq!(read.receipts(&entry_id(2))?[0].detail, Some(vec![1]));
            let counts = read.counts()?;
            let expected = Counts { plans: 1, entries: 2, refused: 1, ..Counts::default() };
            assert_eq!(counts, expected);
            Ok(())
        })
        .unwrap();
}

#[test]
fn positions_in_the_outbox_are_never_used_again_and_what_is_queued_again_is_last_in_line() {
    let (_dir, vault) = vault();
    (1..=2).for_each(|number| commit_edit(&vault, 1, number).unwrap());
    let after = |position| vault.read(|read| read.outgoing_after(position, 9)).unwrap();
    let [(first, one), (last, _)] = after(i64::MIN).try_into().ok().unwrap();
    let OutgoingRow { sealed_id: of_one, bytes, .. } = outgoing(1, 1);
    assert!(one == MailRow { sealed_id: of_one, bytes } && first < last);
    assert!(after(last).is_empty());
    vault.write(move |tx| tx.put_outgoing(&outgoing(1, 1))).unwrap();
    let [(again, row)] = after(last).try_into().ok().unwrap();
    assert!(row == one);
    for number in 1..=2 {
        let sent = MailReceipt { sealed_id: sealed_id(number), at: Timestamp(10), refused: None };
        vault.write(move |tx| tx.settle(&sent)).unwrap();
    }
    commit_edit(&vault, 1, 3).unwrap();
    assert!(after(again).len() == 1);
}

#[test]
fn a_log_is_removed_with_its_keys_but_not_before_its_entries_are_sent() {
    let (_dir, vault) = vault();
    commit_edit(&vault, 1, 1).unwrap();
    commit_edit(&vault, 2, 2).unwrap();
    vault
        .write(|tx| {
            tx.put_content_key(&log(1), &content_key(1, true))?;
            tx.set_subscribed(&log(1), true)
        })
        .unwrap();
    let refused = vault.write(|tx| tx.purge_log(&log(1)));
    assert!(matches!(refused, Err(StoreError::GivenUp { .. })));
    assert_eq!(parts_of_edit(&vault, 1, 1), [true; 5]);
    vault
        .write(|tx| {
            tx.settle(&MailReceipt { sealed_id: sealed_id(1), at: Timestamp(1), refused: None })?;
            tx.purge_log(&log(1))
        })
        .unwrap();
    assert_eq!(parts_of_edit(&vault, 1, 1), [false; 5]);
    assert_eq!(parts_of_edit(&vault, 2, 2), [true; 5]);
    vault
        .read(|read| {
            assert!(read.content_keys(&log(1))?.is_empty());
            assert!(!read.log(&log(1))?.unwrap().subscribed);
            Ok(())
        })
        .unwrap();
    assert_eq!(vault.check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_plan_s_compartments_are_found_from_its_main_log() {
    let (_dir, vault) = vault();
    let row = |number, main: Option<u64>, compartment| LogRow {
        id: log(number),
        main: main.map(log),
        compartment,
        subscribed: true,
        opened_at: None,
    };
    vault
        .write(move |tx| {
            // Met before its main log.
            tx.put_log(&row(2, Some(1), 1))?;
            tx.put_log(&row(1, None, 0))?;
            tx.put_log(&row(3, Some(1), 2))
        })
        .unwrap();
    vault
        .read(|read| {
            assert_eq!(read.compartments(&log(1))?, [row(2, Some(1), 1), row(3, Some(1), 2)]);
            assert_eq!(read.logs()?.len(), 3);
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_cannot_be_read_is_set_aside_and_counted() {
    let (_dir, vault) = vault();
    let row = QuarantineRow {
        table_name: "document".into(),
        bytes: vec![0xff],
        reason: "not automerge".into(),
        at: Timestamp(3),
    };
    let same = row.clone();
    vault.write(move |tx| tx.put_quarantine(&row)).unwrap();
    vault
        .read(|read| {
            assert!(read.quarantined(9)? == [same]);
            assert_eq!(read.counts()?.quarantined, 1);
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_mailbox_sends_in_order_within_its_limits_and_never_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mailbox = Mailbox::open(dir.path()).unwrap();
    assert!(mailbox.batch(250, 9).unwrap().is_empty());
    mailbox.add(&[mail(1), mail(2), mail(3), mail(1)]).unwrap();
    assert!(mailbox.batch(250, 9).unwrap() == [mail(1), mail(2)]);
    assert!(mailbox.batch(1, 9).unwrap() == [mail(1)], "one at least");
    assert!(mailbox.batch(9_999, 1).unwrap() == [mail(1)]);
    let receipt = MailReceipt { sealed_id: mail(1).sealed_id, at: Timestamp(5), refused: None };
    mailbox.settle(std::slice::from_ref(&receipt)).unwrap();
    assert_eq!(mailbox.outgoing_ids().unwrap(), [mail(2).sealed_id, mail(3).sealed_id]);
    assert!(mailbox.receipts(9).unwrap() == [receipt.clone()]);
    let newer = MailReceipt { at: Timestamp(6), ..receipt.clone() };
    mailbox.settle(std::slice::from_ref(&newer)).unwrap();
    mailbox.remove_receipts(&[receipt]).unwrap();
    assert!(mailbox.receipts(9).unwrap() == [newer.clone()], "an answer that came meanwhile stays");
    mailbox.remove_receipts(&[newer]).unwrap();
    assert!(mailbox.receipts(9).unwrap().is_empty());
    assert_eq!(mailbox.check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_page_that_is_answered_twice_is_kept_once_with_its_cursor() {
    let dir = tempfile::tempdir().unwrap();
    let mailbox = Mailbox::open(dir.path()).unwrap();
    assert!(mailbox.state().unwrap() == SyncState::default());
    let epoch = RelayEpoch::new([7; 16]);
    let state = SyncState {
        cursor: Some(Cursor { epoch, at: u64::MAX, check: 3 }),
        token: Some([9; 32]),
        token_until: Some(Timestamp(100)),
        relay_epoch: Some(epoch),
        relay_time: Some(Timestamp(50)),
        device_time: Some(Timestamp(49)),
        relay_url: Some("https://relay.example".into()),
        recovering: true,
    };
    let page = [noise(1, 30), noise(2, 30)];
    let receipt = MailReceipt { sealed_id: sealed_id(1), at: Timestamp(5), refused: Some(vec![2]) };
    mailbox.store(&page, std::slice::from_ref(&receipt), &[], &[], &[], &state).unwrap();
    mailbox.store(&page, &[receipt], &[], &[], &[], &state).unwrap();
    assert!(mailbox.state().unwrap() == state);
    let items = mailbox.take(i64::MIN, 9).unwrap();
    assert!(items.iter().map(|row| &row.bytes).eq(&page));
    assert_eq!(mailbox.receipts(9).unwrap().len(), 1);
    mailbox.remove(&[items[0].position]).unwrap();
    assert_eq!(mailbox.take(i64::MIN, 9).unwrap()[0].bytes, page[1]);
    assert_eq!(mailbox.check().unwrap(), Vec::<String>::new());
}

#[test]
fn however_much_came_it_is_taken_in_pieces_that_fit_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let mailbox = Mailbox::open(dir.path()).unwrap();
    let page: Vec<_> = (0..9_u8).map(|number| vec![number; ENTRY_BYTES_MAX]).collect();
    mailbox.store(&page, &[], &[], &[], &[], &SyncState::default()).unwrap();
    let mut pieces = Vec::new();
    loop {
        let piece = mailbox.take(i64::MIN, 500).unwrap();
        if piece.is_empty() {
            break;
        }
        mailbox.remove(&piece.iter().map(|row| row.position).collect::<Vec<_>>()).unwrap();
        pieces.push(piece.len());
    }
    assert_eq!(pieces, [4, 4, 1], "a page holds four of the largest entries");
}

#[test]
fn statements_wait_in_the_mailbox_until_the_relay_has_answered_them() {
    let dir = tempfile::tempdir().unwrap();
    let mailbox = Mailbox::open(dir.path()).unwrap();
    let (one, two) = (mailed_statement(1), mailed_statement(2));
    mailbox.add_statements(&[two.clone(), one.clone(), two.clone()]).unwrap();
    assert_eq!(mailbox.statements(9).unwrap(), [two.clone(), one.clone()]);
    mailbox.remove_statements(&[two.0]).unwrap();
    assert_eq!(mailbox.statements(9).unwrap(), [one]);
}
