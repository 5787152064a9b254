//! Files that are cut short, flipped, overwritten: a typed error, or rows as they were written; never a panic.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bedside_protocol::ids::{EntryId, Timestamp};
use tempfile::TempDir;

use super::*;

const ENTRIES: u64 = 180;

/// A closed vault with entries of six logs, their keys, statements and secrets.
fn filled() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    vault
        .write(|tx| {
            tx.put_secret("seed", b"seed of an identity")?;
            for number in 0..6 {
                tx.put_content_key(&log(number), &content_key(number, true))?;
                tx.put_plan(&plan(number, "Ash", "Jo"))?;
                tx.put_document(&log(number), &document(number))?;
                tx.take_on(&somebody(), &log(number), Timestamp(7))?;
                tx.put_visit(&visit(0, number, "2026-11-25", Some("10:30")))?;
            }
            (0..ENTRIES).try_for_each(|number| tx.put_entry(&entry(number % 6, number)).map(drop))
        })
        .unwrap();
    vault.close().unwrap();
    dir
}

fn with_file(template: &Path, file: &str, change: impl FnOnce(&mut Vec<u8>)) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(template.join(file)).unwrap();
    change(&mut bytes);
    fs::write(dir.path().join(file), bytes).unwrap();
    dir
}

/// Either a typed error, or what was written; how many of the entries were read.
fn read_all(dir: &Path) -> Result<usize, StoreError> {
    let vault = Vault::open(dir, KEY)?;
    let entries = vault.read(|read| {
        assert!(read.secret("seed")?.is_none_or(|seed| seed.as_slice() == b"seed of an identity"));
        let mut entries = Vec::new();
        for number in 0..6 {
            entries.extend(read.entries(&log(number))?);
            assert!(read.document(&log(number))?.is_none_or(|row| row == document(number)));
            read.plan(&log(number))?;
        }
        read.search("ash", 9)?;
        read.plans_page(None, 9)?;
        Ok(entries)
    })?;
    let written: BTreeMap<EntryId, u64> = (0..ENTRIES).map(|number| (entry_id(number), number)).collect();
    for row in &entries {
        let number = written[&row.entry_id];
        assert!(*row == entry(number % 6, number), "an entry that was never written");
    }
    // Writing into it must not panic either; what it answers is up to the damage.
    let _ = vault.write(|tx| tx.put_entry(&entry(1, ENTRIES + 1)));
    Ok(entries.len())
}

fn is_typed<T>(result: &Result<T, StoreError>) -> bool {
    matches!(
        result,
        Ok(_) | Err(StoreError::Damaged { .. } | StoreError::CannotDecrypt | StoreError::NewerSchema { .. })
    )
}

#[test]
fn a_flipped_bit_anywhere_in_the_vault_is_an_error_or_harmless() {
    let template = filled();
    let length = fs::metadata(template.path().join("vault.db")).unwrap().len() as usize;
    let (mut refused, mut read) = (0, 0);
    for offset in (0..112).chain((112..length).step_by(1_021)) {
        let dir = with_file(template.path(), "vault.db", |bytes| bytes[offset] ^= 1 << (offset % 8));
        let result = read_all(dir.path());
        assert!(is_typed(&result), "byte {offset}: {result:?}");
        match result {
            Ok(entries) => {
                assert_eq!(entries as u64, ENTRIES, "byte {offset}: entries missing without a word");
                read += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 50, "{refused} refused, {read} read");
}

#[test]
fn a_vault_cut_short_anywhere_is_refused() {
    let template = filled();
    let length = fs::metadata(template.path().join("vault.db")).unwrap().len() as usize;
    for keep in
        [0, 1, 15, 16, 31, 32, 100, 4_095, 4_096, 4_097].into_iter().chain((8_192..length).step_by(16_001))
    {
        let dir = with_file(template.path(), "vault.db", |bytes| bytes.truncate(keep));
        let result = read_all(dir.path());
        assert!(matches!(result, Err(StoreError::Damaged { .. })), "{keep} bytes: {result:?}");
    }
}

#[test]
fn a_damaged_write_ahead_log_gives_an_earlier_moment_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    (1..=5).for_each(|number| commit_edit(&vault, number, number).unwrap());
    // As a power cut leaves it: the log is there, nothing was moved.
    let image = tempfile::tempdir().unwrap();
    for file in ["vault.db", "vault.db-wal"] {
        fs::copy(dir.path().join(file), image.path().join(file)).unwrap();
    }
    let wal = fs::read(image.path().join("vault.db-wal")).unwrap();
    let damages = (0..wal.len()).step_by(3_001).flat_map(|at| {
        let (mut flipped, mut cut) = (wal.clone(), wal.clone());
        flipped[at] ^= 0x10;
        cut.truncate(at);
        [flipped, cut]
    });
    let mut moments = [0; 6];
    for damaged in damages {
        let dir = with_file(image.path(), "vault.db", |_| {});
        fs::write(dir.path().join("vault.db-wal"), damaged).unwrap();
        let vault = Vault::open(dir.path(), KEY).unwrap();
        let parts: Vec<_> = (1..=5).map(|number| parts_of_edit(&vault, number, number)).collect();
        let whole = parts.iter().take_while(|parts| **parts == [true; 5]).count();
        assert!(parts[whole..].iter().all(|parts| *parts == [false; 5]), "{parts:?}");
        assert_eq!(vault.check().unwrap(), Vec::<String>::new());
        moments[whole] += 1;
    }
    assert!(moments[..5].iter().all(|count| *count > 0), "{moments:?}");
}

#[test]
fn a_vault_is_checked_and_the_damage_named() {
    let template = filled();
    let dir = with_file(template.path(), "vault.db", |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    let vault = Vault::open(dir.path(), KEY).unwrap();
    let findings = vault.check().unwrap();
    assert!(findings.iter().any(|finding| finding.contains("HMAC verification failed")), "{findings:?}");
}

#[test]
fn a_reader_that_met_a_bad_page_does_not_spoil_the_good_ones() {
    let template = filled();
    let length = fs::metadata(template.path().join("vault.db")).unwrap().len() as usize;
    let mut met = 0;
    for page in (length / 8_192)..(length / 4_096) {
        let dir = with_file(template.path(), "vault.db", |bytes| bytes[page * 4_096 + 9] ^= 1);
        // Without its schema nothing of it can be read.
        let Ok(vault) = Vault::open(dir.path(), KEY) else { continue };
        for number in 0..6 {
            met += usize::from(vault.read(|read| read.entries(&log(number))).is_err());
            assert!(vault.read(|read| read.meta("any")).is_ok());
        }
    }
    assert!(met > 0);
}

#[test]
fn a_damaged_vault_is_moved_aside_whole_and_never_over_another() {
    let dir = tempfile::tempdir().unwrap();
    for round in 1..=3 {
        fs::write(dir.path().join("vault.db"), [round; 10]).unwrap();
        fs::write(dir.path().join("vault.db-wal"), [round; 5]).unwrap();
        let aside = quarantine(dir.path(), DatabaseFile::Vault).unwrap();
        assert_eq!(aside, dir.path().join(format!("damaged-{round}")));
    }
    for round in 1..=3_u8 {
        let aside = dir.path().join(format!("damaged-{round}"));
        assert_eq!(fs::read(aside.join("vault.db")).unwrap(), [round; 10]);
        assert_eq!(fs::read(aside.join("vault.db-wal")).unwrap(), [round; 5]);
    }
    assert!(matches!(Vault::open(dir.path(), KEY), Err(StoreError::NotFound { .. })));
}

#[test]
fn an_interrupted_quarantine_does_not_poison_the_next_vault() {
    let dir = tempfile::tempdir().unwrap();
    // The database was moved; the device died before its log was.
    fs::write(dir.path().join("vault.db-wal"), [7; 5_000]).unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    commit_edit(&vault, 1, 1).unwrap();
    drop(vault);
    assert_eq!(parts_of_edit(&Vault::open(dir.path(), KEY).unwrap(), 1, 1), [true; 5]);
    assert_eq!(fs::read(dir.path().join("damaged-1/vault.db-wal")).unwrap(), [7; 5_000]);
}

/// Salvages, holding every row to what was written; how many entries, keys, secrets, and rows that somebody keeps for
/// themself came.
fn salvaged(dir: &Path) -> ([usize; 4], SalvageReport) {
    let (mut entries, mut keys, mut secrets, mut kept) = (BTreeMap::new(), 0, 0, 0);
    let report = salvage(dir, KEY, |found| match found {
        Salvaged::Entry(row) => drop(entries.insert(row.entry_id, row)),
        Salvaged::ContentKey { log: of, row } => {
            assert!((0..6).any(|number| of == log(number) && row == content_key(number, true)));
            keys += 1;
        }
        Salvaged::Secret { name, value } => {
            assert!(name == "seed" && value.as_slice() == b"seed of an identity");
            secrets += 1;
        }
        Salvaged::Caseload { identity, log: of, since } => {
            assert!(
                (0..6).any(|number| of == log(number)) && identity == somebody() && since == Timestamp(7)
            );
            kept += 1;
        }
        Salvaged::Visit(row) => {
            let written = visit(row.number, row.number.cast_unsigned() - 1, "2026-11-25", Some("10:30"));
            assert!(row == written);
            kept += 1;
        }
        Salvaged::Statement(_) | Salvaged::Look(_) => panic!("none was written"),
    })
    .unwrap();
    for number in 0..ENTRIES {
        assert!(entries.get(&entry_id(number)).is_none_or(|row| *row == entry(number % 6, number)));
    }
    ([entries.len(), keys, secrets, kept], report)
}

#[test]
fn everything_is_salvaged_from_a_sound_vault_and_from_one_without_its_first_page() {
    let template = filled();
    let all = [ENTRIES as usize, 6, 1, 12];
    assert_eq!(salvaged(template.path()).0, all);
    for damage in [0..1, 16..32, 0..4_096, 40..50] {
        let dir = with_file(template.path(), "vault.db", |bytes| bytes[damage.clone()].fill(0xee));
        assert!(Vault::open(dir.path(), KEY).is_err());
        let aside = quarantine(dir.path(), DatabaseFile::Vault).unwrap();
        let before = fs::read(aside.join("vault.db")).unwrap();
        let (found, report) = salvaged(&aside);
        assert_eq!((found, report.lost, report.cut_short), (all, 0, false), "{damage:?}");
        assert_eq!(fs::read(aside.join("vault.db")).unwrap(), before, "the evidence is not touched");
        assert_eq!(
            fs::read_dir(&aside).unwrap().filter(|file| file.as_ref().unwrap().path().is_dir()).count(),
            0
        );
    }
    let other = salvage(template.path(), OTHER_KEY, |_| panic!("nothing opens"));
    assert!(matches!(other, Err(StoreError::CannotDecrypt)));
}

#[test]
fn around_a_bad_page_everything_else_is_salvaged() {
    let template = filled();
    let pages = fs::metadata(template.path().join("vault.db")).unwrap().len() as usize / 4_096;
    let mut fewest = usize::MAX;
    for page in 1..pages {
        let dir = with_file(template.path(), "vault.db", |bytes| bytes[page * 4_096 + 100] ^= 1);
        let ([entries, ..], report) = salvaged(dir.path());
        assert!(!report.cut_short);
        if entries as u64 == ENTRIES {
            continue;
        }
        assert!(report.lost > 0, "page {page}: {entries} entries, and nothing said to be lost");
        fewest = fewest.min(if entries > 0 { entries } else { fewest });
    }
    assert!(fewest < ENTRIES as usize, "no page mattered");
    assert!(fewest > ENTRIES as usize * 9 / 10, "one leaf holds few entries, {fewest} were left");
}

#[test]
fn what_was_still_in_the_write_ahead_log_is_salvaged_too() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    vault
        .write(|tx| (0..50).try_for_each(|number| tx.put_entry(&entry(number % 6, number)).map(drop)))
        .unwrap();
    let aside = tempfile::tempdir().unwrap();
    for file in ["vault.db", "vault.db-wal"] {
        fs::copy(dir.path().join(file), aside.path().join(file)).unwrap();
    }
    assert_eq!(salvaged(aside.path()).0[0], 50);
}

/// A closed mailbox with something in every table.
fn filled_mailbox() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mailbox = Mailbox::open(dir.path()).unwrap();
    mailbox.add(&(0..100).map(mail).collect::<Vec<_>>()).unwrap();
    mailbox.add_statements(&(0..20).map(mailed_statement).collect::<Vec<_>>()).unwrap();
    mailbox.store(&page(), &receipts(), &[], &[], &[], &sync_state()).unwrap();
    mailbox.close().unwrap();
    dir
}

fn page() -> Vec<Vec<u8>> {
    (200..260).map(|number| noise(number, 300)).collect()
}

fn receipts() -> Vec<MailReceipt> {
    let receipt = |number| MailReceipt {
        sealed_id: sealed_id(number),
        at: Timestamp(number),
        refused: (number % 3 == 0).then(|| noise(number, 9)),
    };
    (0..30).map(receipt).collect()
}

fn sync_state() -> SyncState {
    SyncState {
        relay_url: Some("https://relay.example".into()),
        token: Some([5; 32]),
        ..SyncState::default()
    }
}

fn read_mailbox(dir: &Path) -> Result<(), StoreError> {
    let mailbox = Mailbox::open(dir)?;
    let mails: Vec<_> = (0..100).map(mail).collect();
    assert!(mailbox.batch(usize::MAX, 999)?.iter().all(|row| mails.contains(row)));
    let statements: Vec<_> = (0..20).map(mailed_statement).collect();
    assert!(mailbox.statements(999)?.iter().all(|row| statements.contains(row)));
    let (page, receipts) = (page(), receipts());
    assert!(mailbox.take(i64::MIN, 999)?.iter().all(|row| page.contains(&row.bytes)));
    assert!(mailbox.receipts(999)?.iter().all(|row| receipts.contains(row)));
    assert!(mailbox.state()? == sync_state());
    let _ = mailbox.check()?;
    mailbox.settle(&receipts)?;
    mailbox.add(&mails)
}

#[test]
fn a_flipped_bit_anywhere_in_the_mailbox_is_an_error_or_a_row_that_is_passed_over() {
    let template = filled_mailbox();
    let length = fs::metadata(template.path().join("mailbox.db")).unwrap().len() as usize;
    for offset in (0..112).chain((112..length).step_by(89)) {
        let dir = with_file(template.path(), "mailbox.db", |bytes| bytes[offset] ^= 1 << (offset % 8));
        match read_mailbox(dir.path()) {
            // A damaged index may contradict its table.
            Ok(())
            | Err(
                StoreError::Damaged { .. } | StoreError::NewerSchema { .. } | StoreError::Conflict { .. },
            ) => {}
            Err(other) => panic!("byte {offset}: {other:?}"),
        }
    }
    for keep in [0, 50, 4_095, 4_096, 5_000, length / 2, length - 1] {
        let dir = with_file(template.path(), "mailbox.db", |bytes| bytes.truncate(keep));
        assert!(matches!(read_mailbox(dir.path()), Err(StoreError::Damaged { .. })), "{keep}");
    }
}

#[test]
fn a_damaged_entry_in_the_mailbox_blocks_no_other_and_is_mended_from_the_vault() {
    let template = filled_mailbox();
    let victim = mail(40).bytes;
    let dir = with_file(template.path(), "mailbox.db", |bytes| {
        let at = bytes.windows(victim.len()).position(|window| window == victim).unwrap();
        bytes[at + 10] ^= 1;
    });
    let mailbox = Mailbox::open(dir.path()).unwrap();
    assert_eq!(mailbox.batch(usize::MAX, 999).unwrap().len(), 99);
    assert_eq!(mailbox.check().unwrap(), ["1 damaged rows in outgoing"]);
    mailbox.add(&[mail(40)]).unwrap();
    let rows = mailbox.batch(usize::MAX, 999).unwrap();
    assert!(rows.len() == 100 && rows[40] == mail(40), "in its old place");
    assert_eq!(mailbox.check().unwrap(), Vec::<String>::new());
}
