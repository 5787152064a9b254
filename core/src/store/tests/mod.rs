//! Tests of the store: stories here, then crashes, damage, and the documentation.

mod crash;
mod damage;
mod documented;
mod lifecycle;
#[cfg(target_os = "linux")]
mod memory;
mod stories;
mod worklists;

use bedside_protocol::ids::{EntryId, IdentityId, KeyId, LogId, SealedId, StatementId, Timestamp};
use bedside_protocol::signing::{hash, sha256};
use zeroize::Zeroizing;

use super::*;

/// A raw key literal like those the key store holds.
pub(super) const KEY: &str = "x'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\
                              0f1e2d3c4b5a69788796a5b4c3d2e1f0'";

/// The same salt, another key.
pub(super) const OTHER_KEY: &str = "x'ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\
                                    0f1e2d3c4b5a69788796a5b4c3d2e1f0'";

fn id(kind: &str, number: u64) -> [u8; 32] {
    sha256(&[kind.as_bytes(), &number.to_be_bytes()])
}

pub(super) fn log(number: u64) -> LogId {
    LogId::new(id("log", number))
}

pub(super) fn entry_id(number: u64) -> EntryId {
    EntryId::new(id("entry", number))
}

pub(super) fn sealed_id(number: u64) -> SealedId {
    SealedId::new(id("sealed", number))
}

pub(super) fn statement_id(number: u64) -> StatementId {
    StatementId::new(id("statement", number))
}

/// Bytes that differ from number to number and compress badly.
pub(super) fn noise(number: u64, length: usize) -> Vec<u8> {
    (0..).flat_map(|block| id("noise", number << 20 | block)).take(length).collect()
}

pub(super) fn entry(log_number: u64, number: u64) -> EntryRow {
    EntryRow {
        log: log(log_number),
        entry_id: entry_id(number),
        sealed_id: sealed_id(number),
        credential: statement_id(1),
        author_seq: number,
        bytes: noise(number, 300),
        signature: noise(number + 1, 64),
        received_at: Timestamp(1_000 + number),
        own: true,
    }
}

pub(super) fn outgoing(log_number: u64, number: u64) -> OutgoingRow {
    OutgoingRow {
        sealed_id: sealed_id(number),
        entry_id: entry_id(number),
        log: log(log_number),
        bytes: noise(number + 2, 400),
    }
}

/// A sealed entry for the mailbox, which holds it to its id.
pub(super) fn mail(number: u64) -> MailRow {
    let bytes = noise(number, 100);
    MailRow { sealed_id: SealedId::new(hash(&bytes)), bytes }
}

pub(super) fn mailed_statement(number: u64) -> (StatementId, Vec<u8>) {
    let bytes = noise(number, 120);
    (StatementId::new(hash(&bytes)), bytes)
}

pub(super) fn document(number: u64) -> DocumentRow {
    DocumentRow { bytes: noise(number + 3, 2_500), state: noise(number + 4, 700) }
}

pub(super) fn content_key(number: u64, current: bool) -> ContentKeyRow {
    let key_id = KeyId::from_slice(&id("key id", number)[..8]).unwrap();
    ContentKeyRow { key_id, key: Zeroizing::new(noise(number, 32)), current }
}

pub(super) fn plan(log_number: u64, family: &str, given: &str) -> PlanRow {
    PlanRow {
        log: log(log_number),
        nhs_number: format!("{:010}", 9_000_000_000 + log_number),
        family: family.into(),
        given: given.into(),
        born: "1940-01-01".into(),
        place: "Elm House".into(),
        cpr: "CPR not recommended".into(),
        alerts: 1,
        in_conflict: false,
        held: 0,
        changed_at: Timestamp(log_number),
        opened_at: None,
        summary: noise(log_number, 120),
    }
}

pub(super) fn somebody() -> IdentityId {
    IdentityId::new(id("identity", 1))
}

pub(super) fn visit(number: i64, log_number: u64, day: &str, time: Option<&str>) -> VisitRow {
    VisitRow {
        number,
        identity: somebody(),
        log: log(log_number),
        day: day.into(),
        time: time.map(str::to_owned),
        note: "dressing".into(),
        done_at: None,
    }
}

/// One edit as the core commits it: entry, document, plan summary with its search row, and the outgoing copy.
pub(super) fn commit_edit(vault: &Vault, log_number: u64, number: u64) -> Result<(), StoreError> {
    vault.write(move |tx| {
        tx.put_entry(&entry(log_number, number))?;
        tx.put_document(&log(log_number), &document(number))?;
        let mut row = plan(log_number, &format!("Family{number}"), "Given");
        row.changed_at = Timestamp(number);
        tx.put_plan(&row)?;
        tx.put_outgoing(&outgoing(log_number, number))
    })
}

/// Which of the five rows of [`commit_edit`] are there.
pub(super) fn parts_of_edit(vault: &Vault, log_number: u64, number: u64) -> Vec<bool> {
    vault
        .read(|read| {
            let plan = read.plan(&log(log_number))?;
            let found = read.search(&format!("family{number}"), 1)?;
            Ok(vec![
                read.entry(&entry_id(number))?.is_some(),
                read.document(&log(log_number))?.is_some_and(|row| row == document(number)),
                plan.is_some_and(|row| row.changed_at == Timestamp(number)),
                !found.is_empty(),
                read.outgoing(None)?.iter().any(|row| row.sealed_id == sealed_id(number)),
            ])
        })
        .unwrap()
}
