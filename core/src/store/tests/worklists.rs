//! Lists of plans: their order, their pages, and what becomes of them.

use bedside_protocol::ids::Timestamp;
use tempfile::TempDir;

use super::*;

fn vault() -> (TempDir, Vault) {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    (dir, vault)
}

fn row(list: List, sort: &str) -> ListRow {
    ListRow { list, sort: sort.into(), why: vec![1] }
}

/// Every row of a list, read two at a time.
fn whole<T>(read: impl Fn(Option<&PageKey>) -> Page<T>) -> Vec<T> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = read(after.as_ref());
        all.extend(page.rows);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

fn somebody_elses(number: u64) -> EntryRow {
    EntryRow { own: false, ..entry(1, number) }
}

#[test]
fn a_list_is_read_in_its_order_page_by_page_up_to_a_place_in_it() {
    let (_dir, vault) = vault();
    vault
        .write(|tx| {
            for number in 0..7_u64 {
                tx.put_plan(&plan(number, "Ash", "Jo"))?;
                let day = format!("2026-11-{:02}", 20 - number / 2);
                tx.put_lists(&log(number), &[row(List::Review, &day), row(List::Held, "x")])?;
            }
            // Another day, and held no longer.
            tx.put_lists(&log(0), &[row(List::Review, "2026-11-01")])
        })
        .unwrap();
    let listed = |list, until: Option<&str>| {
        let rows = whole(|after| vault.read(|read| read.listed(list, until, after, 2)).unwrap());
        rows.into_iter().map(|(row, _)| row.log).collect::<Vec<_>>()
    };
    assert_eq!(listed(List::Review, None), [0, 6, 4, 5, 2, 3, 1].map(log));
    assert_eq!(listed(List::Review, Some("2026-11-18")), [0, 6, 4, 5].map(log));
    assert_eq!(listed(List::Held, None).len(), 6);
    assert!(listed(List::Conflict, None).is_empty());
    let counts =
        vault.read(|read| read.list_counts(&somebody(), " amira khan ", "2026-11-18", "2026-11-19")).unwrap();
    assert_eq!((counts.all, counts.held, counts.reviews, counts.overdue), (7, 6, 6, 2));
}

#[test]
fn a_caseload_is_by_name_and_holds_whom_a_plan_names_as_key_worker() {
    let (_dir, vault) = vault();
    let other = IdentityId::new([9; 32]);
    vault
        .write(move |tx| {
            for (number, family) in [(1, "Zola"), (2, "Ash"), (3, "Moss"), (4, "Birch")] {
                tx.put_plan(&plan(number, family, "Jo"))?;
            }
            tx.take_on(&somebody(), &log(1), Timestamp(5))?;
            tx.take_on(&somebody(), &log(1), Timestamp(6))?;
            tx.take_on(&somebody(), &log(2), Timestamp(7))?;
            tx.take_on(&other, &log(4), Timestamp(7))?;
            tx.put_lists(&log(2), &[row(List::KeyWorker, " amira khan district nurse ")])?;
            tx.put_lists(&log(3), &[row(List::KeyWorker, " amira khan district nurse ")])
        })
        .unwrap();
    let caseload = || {
        let rows =
            whole(|after| vault.read(|read| read.caseload(&somebody(), " amira khan ", after, 2)).unwrap());
        rows.into_iter().map(|(row, since)| (row.log, since)).collect::<Vec<_>>()
    };
    let at = |time| Some(Timestamp(time));
    assert_eq!(caseload(), [(log(2), at(7)), (log(3), None), (log(1), at(5))], "since the first time");
    let counts = vault.read(|read| read.list_counts(&somebody(), " amira khan ", "", "")).unwrap();
    assert_eq!(counts.caseload, 3, "a plan counts once");
    assert!(vault.write(|tx| tx.hand_back(&somebody(), &log(1))).unwrap());
    assert!(!vault.write(|tx| tx.hand_back(&somebody(), &log(1))).unwrap());
    assert_eq!(caseload().len(), 2);
}

#[test]
fn visits_are_by_day_and_time_and_leave_the_list_when_done() {
    let (_dir, vault) = vault();
    let numbers = vault
        .write(|tx| {
            tx.put_plan(&plan(1, "Ash", "Jo"))?;
            let day = "2026-11-25";
            let when = [
                (day, None),
                (day, Some("14:00")),
                (day, Some("09:30")),
                ("2026-11-24", None),
                ("2026-11-26", None),
            ];
            when.into_iter()
                .map(|(day, time)| tx.put_visit(&visit(0, 1, day, time)))
                .collect::<Result<Vec<_>, _>>()
        })
        .unwrap();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    let visits = |which| {
        let rows = whole(|after| vault.read(|read| read.visits(&somebody(), which, after, 2)).unwrap());
        rows.into_iter().map(|(_, visit)| visit.number).collect::<Vec<_>>()
    };
    assert_eq!(visits(Visits::ToDoBy("2026-11-25")), [4, 3, 2, 1], "what was not done yesterday comes first");
    assert_eq!(visits(Visits::ToDo), [4, 3, 2, 1, 5]);
    assert!(vault.write(|tx| tx.set_visit_done(&somebody(), 3, Some(Timestamp(9)))).unwrap());
    assert!(!vault.write(|tx| tx.set_visit_done(&somebody(), 99, None)).unwrap());
    assert_eq!(visits(Visits::ToDoBy("2026-11-25")), [4, 2, 1]);
    assert_eq!(visits(Visits::Of("2026-11-25")), [3, 2, 1], "done or not");
    assert!(vault.write(|tx| tx.delete_visit(&somebody(), 5)).unwrap());
    let next = vault.write(|tx| tx.put_visit(&visit(0, 1, "2026-11-27", None))).unwrap();
    assert_eq!(next, 6, "a number is never used again");
}

#[test]
fn news_is_what_others_wrote_after_somebody_looked_whatever_the_clocks_say() {
    let (_dir, vault) = vault();
    let news = || {
        let rows =
            whole(|after| vault.read(|read| read.changed_since_looked(&somebody(), after, 2)).unwrap());
        rows.into_iter().map(|(row, at)| (row.log, at.0)).collect::<Vec<_>>()
    };
    let comes = |row: EntryRow| {
        vault
            .write(move |tx| {
                tx.put_entry(&row)?;
                tx.note_news(&row.log)
            })
            .unwrap();
    };
    let looks = |number| {
        vault
            .write(move |tx| {
                let last = tx.last_position(&log(number))?;
                tx.set_looked(&somebody(), &log(number), last, Timestamp(1))
            })
            .unwrap();
    };
    vault.write(|tx| (1..=3).try_for_each(|number| tx.put_plan(&plan(number, "Ash", "Jo")))).unwrap();
    comes(somebody_elses(1));
    assert!(news().is_empty(), "she has never opened it");
    looks(1);
    comes(entry(1, 2));
    assert!(news().is_empty(), "her own words are no news");
    comes(EntryRow { received_at: Timestamp(0), ..somebody_elses(3) });
    assert_eq!(news(), [(log(1), 0)], "the clock was put back in between");
    looks(1);
    assert!(news().is_empty());
    vault.write(|tx| tx.take_on(&somebody(), &log(2), Timestamp(1))).unwrap();
    comes(EntryRow { log: log(2), ..somebody_elses(4) });
    comes(EntryRow { log: log(2), ..somebody_elses(6) });
    comes(somebody_elses(5));
    assert_eq!(news(), [(log(2), 1_006), (log(1), 1_005)], "the newest first; one that was never opened");
    let compartment =
        LogRow { id: log(9), main: Some(log(3)), compartment: 1, subscribed: true, opened_at: None };
    vault.write(move |tx| tx.put_log(&compartment)).unwrap();
    looks(3);
    vault
        .write(|tx| {
            tx.put_entry(&EntryRow { log: log(9), ..somebody_elses(7) })?;
            tx.note_news(&log(3))
        })
        .unwrap();
    assert_eq!(news()[0], (log(3), 1_007), "in another compartment of the plan");
    looks(3);
    assert_eq!(news().len(), 2);
}

#[test]
fn a_purged_plan_leaves_every_list() {
    let (_dir, vault) = vault();
    vault
        .write(|tx| {
            tx.put_plan(&plan(1, "Ash", "Jo"))?;
            tx.put_lists(&log(1), &[row(List::Held, "")])?;
            tx.take_on(&somebody(), &log(1), Timestamp(1))?;
            tx.put_visit(&visit(0, 1, "2026-11-25", None))?;
            tx.purge_log(&log(1))
        })
        .unwrap();
    let counts =
        vault.read(|read| read.list_counts(&somebody(), " amira khan ", "2026-11-25", "2026-11-25")).unwrap();
    assert_eq!(counts, ListCounts::default());
    assert_eq!(vault.read(|read| read.taken_on(&somebody())).unwrap(), 0);
    assert_eq!(vault.check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_vault_of_the_first_version_is_brought_up_to_date_and_says_that_its_lists_have_to_be_made_anew() {
    static FIRST: file::Kind =
        file::VAULT.followed_by(&[include_str!("../../../migrations/vault/0001_init.sql")]);
    let dir = tempfile::tempdir().unwrap();
    let first = file::Database::new(&FIRST, dir.path(), &OpenOptions::default());
    first.create(Some(KEY)).unwrap();
    let connection = first.open(Some(KEY)).unwrap();
    connection
        .execute_batch(
            "INSERT INTO log (id) VALUES (zeroblob(32));
             INSERT INTO entry (log, entry_id, sealed_id, credential, author_seq, received_at, own, signature, bytes)
             VALUES (1, zeroblob(32), zeroblob(32), zeroblob(32), 1, 1, 1, x'', x'');
             INSERT INTO plan (log, sort, nhs_number, family, given, born, place, cpr, alerts, in_conflict, held,
             changed_at, summary) VALUES (1, '', '', 'Ash', '', '', '', '', 0, 0, 0, 0, x'');",
        )
        .unwrap();
    connection.close().unwrap();
    let vault = Vault::open(dir.path(), KEY).unwrap();
    assert!(vault.read(|read| read.lacks_derived()).unwrap());
    let missing = vault.read(|read| read.logs_without_plan()).unwrap();
    assert_eq!(missing, [LogId::new([0; 32])]);
    assert_eq!(
        vault.read(|read| read.entries(&missing[0])).unwrap().len(),
        1,
        "nothing that was written is lost"
    );
    vault.write(|tx| tx.derived_is_whole()).unwrap();
    assert!(!vault.read(|read| read.lacks_derived()).unwrap());
    let empty = tempfile::tempdir().unwrap();
    let empty = Vault::create(empty.path(), KEY).unwrap();
    assert!(!empty.read(|read| read.lacks_derived()).unwrap(), "a new vault lacks nothing");
}
