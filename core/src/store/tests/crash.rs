//! Every write path, made to fail at its first, second, third ... operation; the power cut; the disk full.
//!
//! Whatever fails: of one commit everything is there afterwards or nothing, what was acknowledged is there, and the
//! database is sound.

use std::path::Path;

use bedside_protocol::ids::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::testing::vfs::{FAULTS, Fault, FaultVfs, Repeat};

fn options(vfs: FaultVfs) -> OpenOptions {
    OpenOptions { vfs: Some(vfs.name().into()), ..OpenOptions::default() }
}

/// A profile directory with a vault that holds edit 1, for copying.
fn template() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), KEY).unwrap();
    commit_edit(&vault, 1, 1).unwrap();
    vault.close().unwrap();
    let mailbox = Mailbox::open(dir.path()).unwrap();
    mailbox.add(&[mail(1)]).unwrap();
    mailbox.close().unwrap();
    dir
}

fn copy_of(template: &Path) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(template).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), dir.path().join(file.file_name())).unwrap();
    }
    dir
}

/// Calls `attempt` with each fault at the operation after the next 0, `step`, 2 * `step` ... until it is not reached.
fn at_every_operation(step: usize, mut attempt: impl FnMut(FaultVfs, &dyn Fn())) {
    let vfs = FaultVfs::register();
    for (fault, repeat) in FAULTS {
        let mut reached = 0;
        for after in (0..).step_by(step) {
            attempt(vfs, &|| vfs.fail_after(after, fault, repeat));
            let fired = vfs.fired();
            vfs.heal();
            if !fired {
                break;
            }
            reached += 1;
        }
        assert!(reached > 2, "{fault:?} {repeat:?} met {reached} operations: the path is not over this VFS");
    }
}

#[test]
fn a_commit_is_whole_or_absent_whichever_operation_fails() {
    let template = template();
    at_every_operation(1, |vfs, arm| {
        let dir = copy_of(template.path());
        let vault = Vault::open_with(dir.path(), KEY, &options(vfs)).unwrap();
        arm();
        let acknowledged = commit_edit(&vault, 2, 2).is_ok();
        if !vfs.fired() {
            assert!(acknowledged, "nothing failed but the commit");
        }
        drop(vault);
        vfs.heal();
        let vault = Vault::open_with(dir.path(), KEY, &options(vfs)).unwrap();
        assert_eq!(parts_of_edit(&vault, 1, 1), [true; 5], "an older commit");
        let parts = parts_of_edit(&vault, 2, 2);
        assert!(parts == [true; 5] || (parts == [false; 5] && !acknowledged), "{parts:?} {acknowledged}");
        assert_eq!(vault.check().unwrap(), Vec::<String>::new());
    });
}

#[test]
fn a_vault_goes_on_in_the_same_process_after_one_operation_failed() {
    let template = template();
    at_every_operation(3, |vfs, arm| {
        let dir = copy_of(template.path());
        let vault = Vault::open_with(dir.path(), KEY, &options(vfs)).unwrap();
        arm();
        let acknowledged = commit_edit(&vault, 2, 2).is_ok();
        vfs.heal();
        assert_eq!(parts_of_edit(&vault, 2, 2), [acknowledged; 5], "what failed is not seen");
        commit_edit(&vault, 2, 2).unwrap();
        commit_edit(&vault, 3, 3).unwrap();
        assert_eq!(vault.check().unwrap(), Vec::<String>::new());
        vault.suspend().unwrap();
        vault.resume().unwrap();
        assert_eq!(
            (parts_of_edit(&vault, 2, 2), parts_of_edit(&vault, 3, 3)),
            (vec![true; 5], vec![true; 5])
        );
    });
}

#[test]
fn a_power_cut_at_any_operation_loses_no_acknowledged_commit() {
    const SURVIVORS: [u64; 3] = [0, u64::MAX, 0xfedc_ba98_7654_3210];
    let template = template();
    let vfs = FaultVfs::register();
    let mut outcomes = [0, 0];
    for attempt in 0_usize.. {
        let dir = copy_of(template.path());
        let vault = Vault::open_with(dir.path(), KEY, &options(vfs)).unwrap();
        commit_edit(&vault, 2, 2).unwrap();
        vfs.fail_after(attempt as u64 / 3, Fault::Torn, Repeat::Forever);
        let acknowledged = commit_edit(&vault, 3, 3).is_ok();
        let fired = vfs.fired();
        // The device is off: closing writes nothing.
        vfs.fail_after(0, Fault::Io, Repeat::Forever);
        drop(vault);
        vfs.heal();
        vfs.cut_power(SURVIVORS[attempt % 3]).unwrap();
        let vault = Vault::open_with(dir.path(), KEY, &options(vfs)).unwrap();
        assert_eq!(parts_of_edit(&vault, 2, 2), [true; 5], "acknowledged before");
        let parts = parts_of_edit(&vault, 3, 3);
        assert!(parts == [true; 5] || (parts == [false; 5] && !acknowledged), "{parts:?} {acknowledged}");
        outcomes[usize::from(parts[0])] += 1;
        assert_eq!(vault.check().unwrap(), Vec::<String>::new());
        if !fired {
            break;
        }
    }
    assert!(outcomes.iter().all(|count| *count > 0), "{outcomes:?}");
}

#[test]
fn moving_the_log_into_the_file_can_be_cut_anywhere() {
    let template = template();
    at_every_operation(1, |vfs, arm| {
        let dir = copy_of(template.path());
        let vault = Vault::open_with(dir.path(), KEY, &options(vfs)).unwrap();
        commit_edit(&vault, 2, 2).unwrap();
        arm();
        let suspended = vault.suspend();
        assert!(suspended.is_ok() || vfs.fired());
        assert!(matches!(vault.read(|_| Ok(())), Err(StoreError::Suspended)), "closed whatever failed");
        vfs.heal();
        vfs.cut_power(0).unwrap();
        vault.resume().unwrap();
        assert_eq!(parts_of_edit(&vault, 2, 2), [true; 5]);
        assert_eq!(vault.check().unwrap(), Vec::<String>::new());
    });
}

#[test]
fn a_large_commit_that_checkpoints_by_itself_is_whole_or_absent() {
    let template = template();
    const fn large(number: u64) -> [u8; 130_000] {
        [number as u8; 130_000]
    }
    at_every_operation(401, |vfs, arm| {
        let dir = copy_of(template.path());
        let vault = Vault::open_with(dir.path(), KEY, &options(vfs)).unwrap();
        arm();
        // More than the thousand pages at which SQLite empties the log.
        let acknowledged =
            vault.write(|tx| (0..40).try_for_each(|n| tx.put_meta(&n.to_string(), &large(n)))).is_ok();
        drop(vault);
        vfs.heal();
        vfs.cut_power(u64::MAX).unwrap();
        let vault = Vault::open_with(dir.path(), KEY, &options(vfs)).unwrap();
        let there = (0..40).filter(|n| {
            let value = vault.read(|read| read.meta(&n.to_string())).unwrap();
            value.is_some_and(|value| value == large(*n))
        });
        let there = there.count();
        assert!(there == 40 || (there == 0 && !acknowledged), "{there} of 40");
        assert_eq!(parts_of_edit(&vault, 1, 1), [true; 5]);
    });
}

#[test]
fn creating_leaves_no_vault_or_a_whole_one() {
    at_every_operation(11, |vfs, arm| {
        let dir = tempfile::tempdir().unwrap();
        arm();
        let created = Vault::create_with(dir.path(), KEY, &options(vfs)).is_ok();
        vfs.heal();
        vfs.cut_power(0).unwrap();
        let vault = match Vault::open_with(dir.path(), KEY, &options(vfs)) {
            Err(StoreError::NotFound { .. }) if !created => {
                Vault::create_with(dir.path(), KEY, &options(vfs)).unwrap()
            }
            other => other.unwrap(),
        };
        commit_edit(&vault, 1, 1).unwrap();
        assert_eq!(vault.check().unwrap(), Vec::<String>::new());
    });
}

#[test]
fn a_full_disk_is_said_and_loses_nothing_and_is_over_when_there_is_room() {
    let template = template();
    let vfs = FaultVfs::register();
    let dir = copy_of(template.path());
    let vault = Vault::open_with(dir.path(), KEY, &options(vfs)).unwrap();
    let mailbox = Mailbox::open_with(dir.path(), &options(vfs)).unwrap();
    vfs.fail_after(0, Fault::DiskFull, Repeat::Forever);
    for _ in 0..3 {
        assert!(matches!(commit_edit(&vault, 2, 2), Err(StoreError::DiskFull { .. })));
        assert!(matches!(mailbox.add(&[mail(2)]), Err(StoreError::DiskFull { .. })));
    }
    assert_eq!(parts_of_edit(&vault, 1, 1), [true; 5], "reading goes on");
    assert!(mailbox.batch(999, 9).unwrap() == [mail(1)]);
    vfs.heal();
    commit_edit(&vault, 2, 2).unwrap();
    mailbox.add(&[mail(2)]).unwrap();
    assert_eq!(parts_of_edit(&vault, 2, 2), [true; 5]);
    assert!(mailbox.batch(999, 9).unwrap() == [mail(1), mail(2)]);
    assert_eq!((vault.check().unwrap(), mailbox.check().unwrap()), (vec![], vec![]));
}

/// What the mailbox holds.
#[derive(PartialEq)]
struct Content {
    outgoing: Vec<MailRow>,
    incoming: Vec<Vec<u8>>,
    receipts: Vec<MailReceipt>,
    state: SyncState,
}

fn content(mailbox: &Mailbox) -> Content {
    Content {
        outgoing: mailbox.batch(usize::MAX, 99).unwrap(),
        incoming: mailbox.take(i64::MIN, 99).unwrap().into_iter().map(|row| row.bytes).collect(),
        receipts: mailbox.receipts(99).unwrap(),
        state: mailbox.state().unwrap(),
    }
}

type Act<'a> = &'a dyn Fn(&Mailbox) -> Result<(), StoreError>;

#[test]
fn every_write_of_the_mailbox_is_whole_or_absent_whichever_operation_fails() {
    let receipt = MailReceipt { sealed_id: mail(1).sealed_id, at: Timestamp(5), refused: Some(vec![1]) };
    let state = SyncState { relay_time: Some(Timestamp(7)), ..SyncState::default() };
    let page = [noise(1, 200), noise(2, 6_000)];
    let acts: [Act<'_>; 4] = [
        &|mailbox| mailbox.add(&[mail(2), mail(3)]),
        &|mailbox| mailbox.settle(std::slice::from_ref(&receipt)),
        &|mailbox| mailbox.store(&page, std::slice::from_ref(&receipt), &[], &[], &[], &state),
        &|mailbox| mailbox.set_state(&state),
    ];
    let template = template();
    for act in acts {
        let (before, after) = {
            let dir = copy_of(template.path());
            let mailbox = Mailbox::open(dir.path()).unwrap();
            let before = content(&mailbox);
            act(&mailbox).unwrap();
            (before, content(&mailbox))
        };
        at_every_operation(1, |vfs, arm| {
            let dir = copy_of(template.path());
            let mailbox = Mailbox::open_with(dir.path(), &options(vfs)).unwrap();
            arm();
            let acknowledged = act(&mailbox).is_ok();
            drop(mailbox);
            vfs.heal();
            vfs.cut_power(0x0f0f_0f0f_0f0f_0f0f).unwrap();
            let mailbox = Mailbox::open_with(dir.path(), &options(vfs)).unwrap();
            let now = content(&mailbox);
            assert!(now == after || (now == before && !acknowledged));
            assert_eq!(mailbox.check().unwrap(), Vec::<String>::new());
        });
    }
}
