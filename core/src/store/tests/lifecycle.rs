//! Creating, opening, suspending, and who may do it when.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use bedside_protocol::ids::Timestamp;

use super::*;

#[test]
fn a_vault_is_created_once_and_opens_with_its_key() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Vault::open(dir.path(), KEY), Err(StoreError::NotFound { .. })));
    let vault = Vault::create(dir.path(), KEY).unwrap();
    commit_edit(&vault, 1, 1).unwrap();
    vault.close().unwrap();
    assert!(matches!(Vault::create(dir.path(), KEY), Err(StoreError::Exists { .. })));
    assert!(matches!(Vault::open(dir.path(), OTHER_KEY), Err(StoreError::CannotDecrypt)));
    let vault = Vault::open(dir.path(), KEY).unwrap();
    assert_eq!(parts_of_edit(&vault, 1, 1), [true; 5]);
    assert_eq!(vault.check().unwrap(), Vec::<String>::new());
}

#[test]
fn the_header_is_plain_and_the_rest_tells_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    vault.write(|tx| tx.put_plan(&plan(1, "Featherstonehaugh", "Jo"))).unwrap();
    let holds = |name: &str, text: &[u8]| {
        let bytes = std::fs::read(dir.path().join(name)).unwrap();
        bytes.windows(text.len()).any(|window| window == text)
    };
    assert!(!holds("vault.db-wal", b"Featherstonehaugh"));
    vault.close().unwrap();
    assert!(holds("vault.db", b"SQLite format 3\0"), "iOS looks for it");
    assert!(!holds("vault.db", b"Featherstonehaugh"));
    assert!(!holds("vault.db", b"CREATE TABLE"));
    assert!(!holds("vault.db", &[0x0f, 0x1e, 0x2d, 0x3c, 0x4b]), "the salt is in the key store alone");
}

#[test]
fn a_vault_has_one_handle_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    assert!(matches!(Vault::open(dir.path(), KEY), Err(StoreError::InUse)));
    assert!(matches!(Vault::create(dir.path(), KEY), Err(StoreError::InUse)));
    assert!(matches!(quarantine(dir.path(), DatabaseFile::Vault), Err(StoreError::InUse)));
    drop(vault);
    assert!(Vault::open(dir.path(), KEY).is_ok());
}

#[test]
fn another_process_that_holds_the_lock_is_told_from_damage() {
    let dir = tempfile::tempdir().unwrap();
    Vault::create(dir.path(), KEY).unwrap().close().unwrap();
    // A process of its own: a lock that only guards against this process would not stop it.
    let mut other = std::process::Command::new("flock")
        .arg(dir.path().join("vault.lock"))
        .args(["sh", "-c", "echo locked; read line"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("flock(1) comes with util-linux");
    let mut line = String::new();
    let mut out = std::io::BufReader::new(other.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    assert_eq!(line, "locked\n");
    assert!(matches!(Vault::open(dir.path(), KEY), Err(StoreError::InUse)));
    drop(other.stdin.take());
    other.wait().unwrap();
    assert!(Vault::open(dir.path(), KEY).is_ok());
}

#[test]
fn suspending_releases_every_lock_and_file() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    let mailbox = Mailbox::open(dir.path()).unwrap();
    mailbox.add(&[mail(1)]).unwrap();
    commit_edit(&vault, 1, 1).unwrap();
    assert_eq!(parts_of_edit(&vault, 1, 1), [true; 5]);
    vault.suspend().unwrap();
    mailbox.suspend().unwrap();
    assert!(!dir.path().join("vault.db-wal").exists() && !dir.path().join("mailbox.db-wal").exists());
    #[cfg(target_os = "linux")]
    {
        let open = std::fs::read_dir("/proc/self/fd").unwrap();
        let ours = open.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
        assert_eq!(ours.filter(|file| file.starts_with(dir.path())).count(), 0);
    }
    let second = Vault::open(dir.path(), KEY).unwrap();
    assert!(matches!(vault.resume(), Err(StoreError::InUse)));
    second.close().unwrap();
    vault.resume().unwrap();
    mailbox.resume().unwrap();
    assert_eq!(parts_of_edit(&vault, 1, 1), [true; 5]);
    assert!(mailbox.batch(999, 9).unwrap() == [mail(1)]);
}

#[test]
fn a_suspended_store_says_so_and_suspending_twice_is_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    let mailbox = Mailbox::open(dir.path()).unwrap();
    vault.resume().unwrap();
    for _ in 0..2 {
        vault.suspend().unwrap();
        mailbox.suspend().unwrap();
    }
    assert!(matches!(vault.write(|_| Ok(())), Err(StoreError::Suspended)));
    assert!(matches!(vault.read(|_| Ok(())), Err(StoreError::Suspended)));
    assert!(matches!(vault.check(), Err(StoreError::Suspended)));
    assert!(matches!(mailbox.state(), Err(StoreError::Suspended)));
    assert!(matches!(mailbox.add(&[]), Err(StoreError::Suspended)));
}

#[test]
fn suspending_waits_for_what_has_begun_and_loses_none_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(Vault::create(dir.path(), KEY).unwrap());
    let (began, has_begun) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let writer = thread::spawn({
        let vault = vault.clone();
        move || {
            vault.write(move |tx| {
                began.send(()).unwrap();
                may_go.recv().unwrap();
                tx.put_meta("written", b"yes")
            })
        }
    });
    has_begun.recv().unwrap();
    let (read_began, read_has_begun) = mpsc::channel();
    let (read_go, read_may_go) = mpsc::channel::<()>();
    let reader = thread::spawn({
        let vault = vault.clone();
        move || {
            vault.read(|read| {
                read_began.send(()).unwrap();
                read_may_go.recv().unwrap();
                read.meta("written")
            })
        }
    });
    read_has_begun.recv().unwrap();
    let suspended = thread::spawn({
        let vault = vault.clone();
        move || vault.suspend()
    });
    // The door closes at once for newcomers, while those inside finish.
    while !matches!(vault.read(|_| Ok(())), Err(StoreError::Suspended)) {
        thread::yield_now();
    }
    assert!(!suspended.is_finished());
    read_go.send(()).unwrap();
    assert_eq!(reader.join().unwrap().unwrap(), None, "it reads the moment at which it began");
    go.send(()).unwrap();
    writer.join().unwrap().unwrap();
    suspended.join().unwrap().unwrap();
    vault.resume().unwrap();
    assert_eq!(vault.read(|read| read.meta("written")).unwrap().as_deref(), Some(b"yes".as_slice()));
}

#[test]
fn a_closure_that_fails_or_panics_leaves_nothing_and_the_vault_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    let failed: Result<(), _> = vault.write(|tx| {
        tx.put_entry(&entry(1, 1))?;
        Err(StoreError::GivenUp { step: "test" })
    });
    assert!(matches!(failed, Err(StoreError::GivenUp { .. })));
    let panicked: Result<(), _> = vault.write(|tx| {
        tx.put_entry(&entry(1, 2))?;
        panic!("on purpose");
    });
    assert!(matches!(panicked, Err(StoreError::Panicked)));
    let reader = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        vault.read(|_| -> Result<(), _> { panic!("on purpose") })
    }));
    assert!(reader.is_err());
    assert_eq!(vault.read(|read| read.counts()).unwrap(), Counts::default());
    commit_edit(&vault, 1, 3).unwrap();
    assert_eq!(parts_of_edit(&vault, 1, 3), [true; 5]);
    vault.suspend().unwrap();
}

#[test]
fn calling_the_vault_from_inside_its_own_transaction_is_refused_and_not_a_deadlock() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(Vault::create(dir.path(), KEY).unwrap());
    let inner = vault.clone();
    vault
        .write(move |_| {
            assert!(matches!(inner.write(|_| Ok(())), Err(StoreError::Nested)));
            assert!(matches!(inner.suspend(), Err(StoreError::Nested)));
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_nobody_waits_for_is_written_before_what_is_written_after_it_and_before_suspending() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    for round in 0..50_u8 {
        let later = move |tx: &VaultTx<'_>| tx.put_meta("last", &[round, 1]);
        vault.write_later(later, |done| done.unwrap()).unwrap();
        let before = vault.write(move |tx| {
            let before = tx.meta("last")?;
            tx.put_meta("last", &[round, 2])?;
            Ok(before)
        });
        assert_eq!(before.unwrap(), Some(vec![round, 1]));
    }
    vault.write_later(|tx| tx.put_meta("last", b"of all"), |done| done.unwrap()).unwrap();
    vault.suspend().unwrap();
    vault.resume().unwrap();
    assert_eq!(vault.read(|read| read.meta("last")).unwrap().as_deref(), Some(b"of all".as_slice()));
}

#[test]
fn readers_see_whole_commits_while_a_writer_writes() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    thread::scope(|scope| {
        let readers: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    let mut last = 0;
                    while last < 60 {
                        let counts = vault.read(|read| read.counts()).unwrap();
                        assert_eq!(counts.entries, counts.outgoing, "half a commit");
                        assert!(counts.entries >= last, "a commit disappeared");
                        last = counts.entries;
                    }
                })
            })
            .collect();
        (1..=60).for_each(|number| commit_edit(&vault, 1, number).unwrap());
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

#[test]
fn a_vault_from_a_newer_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    Vault::create(dir.path(), KEY).unwrap().close().unwrap();
    Mailbox::open(dir.path()).unwrap().close().unwrap();
    let options = OpenOptions::default();
    for (kind, key) in [(&file::VAULT, Some(KEY)), (&file::MAILBOX, None)] {
        let connection = file::Database::new(kind, dir.path(), &options).open(key).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
    }
    let refused = Vault::open(dir.path(), KEY);
    let now = Vault::schema_version();
    assert!(matches!(refused, Err(StoreError::NewerSchema { found: 99, known }) if known == now));
    assert!(matches!(Mailbox::open(dir.path()), Err(StoreError::NewerSchema { found: 99, known: 1 })));
}

#[test]
fn a_failed_migration_leaves_the_file_as_it_was() {
    static NEXT: file::Kind = file::VAULT.followed_by(&[
        include_str!("../../../migrations/vault/0001_init.sql"),
        include_str!("../../../migrations/vault/0002_worklists.sql"),
        include_str!("../../../migrations/vault/0003_look.sql"),
        include_str!("../../../migrations/vault/0004_outgoing_by_log.sql"),
        include_str!("../../../migrations/vault/0005_no_order_of_change.sql"),
        "CREATE TABLE extra (a INTEGER); INSERT INTO nowhere VALUES (1);",
    ]);
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    commit_edit(&vault, 1, 1).unwrap();
    vault.close().unwrap();
    let failed = file::Database::new(&NEXT, dir.path(), &OpenOptions::default()).open(Some(KEY));
    assert!(matches!(failed, Err(StoreError::Migrate { from: 5, to: 6, .. })));
    let vault = Vault::open(dir.path(), KEY).unwrap();
    assert_eq!(parts_of_edit(&vault, 1, 1), [true; 5]);
}

#[test]
fn two_processes_that_both_find_no_mailbox_share_one() {
    let dir = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        for number in 0..8 {
            let dir = dir.path();
            scope.spawn(move || Mailbox::open(dir).unwrap().add(&[mail(number)]).unwrap());
        }
    });
    assert_eq!(Mailbox::open(dir.path()).unwrap().outgoing_ids().unwrap().len(), 8);
}

#[test]
fn an_unfinished_new_database_is_no_obstacle() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("vault.db.new"), b"half").unwrap();
    std::fs::write(dir.path().join("vault.db.new-wal"), b"half").unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    commit_edit(&vault, 1, 1).unwrap();
    drop(vault);
    assert!(!dir.path().join("vault.db.new").exists());
}

#[test]
fn times_beyond_what_sqlite_holds_become_the_end_of_time() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    vault.write(|tx| tx.set_opened(&log(1), Timestamp(u64::MAX))).unwrap();
    let opened_at = vault.read(|read| Ok(read.log(&log(1))?.unwrap().opened_at)).unwrap();
    assert_eq!(opened_at, Some(Timestamp(i64::MAX as u64)));
}
