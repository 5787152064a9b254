//! A damaged vault or mailbox: moved aside, never deleted, and made anew from what can be read and from the relay.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bedside_protocol::entry::{Compartment, Entry};
use bedside_protocol::ids::{EntryId, IdentityId, LogId, Timestamp};
use bedside_protocol::statement::{Statement, Trust};

use super::DriverError;
use super::commit::Moment;
use super::device::Host;
use super::keyring::{Keyring, KeyringError, Slot};
use super::open_vault::{OpenVault, name};
use super::own::Own;
use crate::crypto::content::ContentKey;
use crate::crypto::vault_key::VaultKey;
use crate::ledger::By;
use crate::ledger::replica::{Offered, Replica, SignedEntry};
use crate::store::{
    ContentKeyRow, DatabaseFile, EntryRow, LogRow, LookRow, Mailbox, OutgoingRow, QuarantineRow, Salvaged,
    StatementKind, StatementRow, StoreError, SyncState, Vault, VisitRow, WaitReason, WaitingRow, quarantine,
    salvage,
};

/// Where a vault is made anew before it takes its place.
const REBUILT: &str = "rebuilt";

/// What a repair did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Repair {
    /// Where the damaged files were put; empty when nothing was damaged.
    pub moved_to: Vec<PathBuf>,
    /// Entries that were read and are whole.
    pub entries: u64,
    /// Rows, at most, that could not be read. Those that the relay has come back with the next sync.
    pub lost: u64,
    /// The device's identity could not be read: it has to be enrolled again.
    pub enrol_again: bool,
}

/// Everything that a salvage found.
#[derive(Default)]
struct Found {
    secrets: Vec<(String, zeroize::Zeroizing<Vec<u8>>)>,
    statements: Vec<StatementRow>,
    keys: Vec<(LogId, ContentKeyRow)>,
    entries: BTreeMap<LogId, Vec<EntryRow>>,
    caseload: Vec<(IdentityId, LogId, Timestamp)>,
    visits: Vec<VisitRow>,
    looks: Vec<LookRow>,
}

/// Checks vault and mailbox of a device that nobody has open, and makes anew what is damaged. `slot` says whose the PIN is;
/// it may be left out on a device with one identity.
pub fn repair(dir: &Path, host: &Host, slot: Option<Slot>, pin: &str) -> Result<Repair, DriverError> {
    let mut keyring = Keyring::open(dir)?;
    let slot = match (slot, keyring.list().as_slice()) {
        (Some(slot), _) => slot,
        (None, [only]) => only.slot,
        (None, _) => return Err(KeyringError::NoSuchIdentity.into()),
    };
    let keys = keyring.unlock(slot, pin, host.clock.now(), &*host.key_store)?;
    let (own, key) = Own::new(slot, keys);
    let mut report = Repair::default();
    let mailbox = repair_mailbox(dir, host, &mut report)?;
    let vault_is_whole = match Vault::open_with(dir, &key.sqlcipher_literal(), &host.files) {
        Ok(vault) => {
            let sound = is_sound(vault.check())?;
            // What closing a damaged one says is of no use.
            if sound {
                vault.close()?
            } else {
                drop(vault)
            }
            sound
        }
        Err(StoreError::CannotDecrypt | StoreError::Damaged { .. } | StoreError::NotFound { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    if !vault_is_whole {
        rebuild_vault(dir, host, &own, &key, &mailbox, &mut report)?;
    } else if !report.moved_to.is_empty() {
        let vault = Vault::open_with(dir, &key.sqlcipher_literal(), &host.files)?;
        let open = OpenVault::new(vault, own, &*host.entropy)?;
        open.post_again()?;
        open.vault.close()?;
    }
    Ok(report)
}

/// What a check came to. A check that had no room or no turn says nothing about the file; one that could not read it does.
fn is_sound(check: Result<Vec<String>, StoreError>) -> Result<bool, StoreError> {
    match check {
        Ok(findings) => Ok(findings.is_empty()),
        Err(error @ (StoreError::DiskFull { .. } | StoreError::Busy { .. })) => Err(error),
        Err(_) => Ok(false),
    }
}

fn repair_mailbox(dir: &Path, host: &Host, report: &mut Repair) -> Result<Mailbox, DriverError> {
    match Mailbox::open_with(dir, &host.files) {
        Ok(mailbox) if is_sound(mailbox.check())? => return Ok(mailbox),
        // It is put aside as it is; what closing it says is of no use.
        Ok(mailbox) => drop(mailbox),
        Err(StoreError::Damaged { .. } | StoreError::CannotDecrypt) => {}
        Err(error) => return Err(error.into()),
    }
    let relay_url = Mailbox::open_with(dir, &host.files).ok().and_then(|old| old.state().ok()?.relay_url);
    report.moved_to.push(quarantine(dir, DatabaseFile::Mailbox)?);
    let mailbox = Mailbox::open_with(dir, &host.files)?;
    mailbox.set_state(&SyncState { relay_url, ..SyncState::default() })?;
    Ok(mailbox)
}

fn rebuild_vault(
    dir: &Path,
    host: &Host,
    own: &Own,
    key: &VaultKey,
    mailbox: &Mailbox,
    report: &mut Repair,
) -> Result<(), DriverError> {
    let aside = put_aside(dir)?;
    let mut found = Found::default();
    let salvaged = salvage(&aside, &key.sqlcipher_literal(), |row| match row {
        Salvaged::Secret { name, value } => found.secrets.push((name, value)),
        Salvaged::Statement(row) => found.statements.push(row),
        Salvaged::ContentKey { log, row } => found.keys.push((log, row)),
        Salvaged::Entry(row) => found.entries.entry(row.log).or_default().push(row),
        Salvaged::Caseload { identity, log, since } => found.caseload.push((identity, log, since)),
        Salvaged::Visit(row) => found.visits.push(row),
        Salvaged::Look(row) => found.looks.push(row),
    });
    report.lost = salvaged.map_or(1, |salvaged| salvaged.lost);
    report.moved_to.push(aside);
    let fresh = dir.join(REBUILT);
    make_empty(&fresh).map_err(|source| DriverError::Directory { step: "made", source })?;
    let vault = Vault::create_with(&fresh, &key.sqlcipher_literal(), &host.files)?;
    report.enrol_again = restore_secrets(&vault, own, &found)?;
    let trust = restore_statements(&vault, found.statements, &found.secrets)?;
    let (keys, looks) = (found.keys, found.looks);
    vault.write(move |tx| {
        tx.put_meta(name::SYNC_FIRST, b"")?;
        keys.iter().try_for_each(|(log, row)| {
            tx.put_log(&LogRow { id: *log, main: None, compartment: 0, subscribed: false, opened_at: None })?;
            tx.put_content_key(log, row)
        })?;
        looks.iter().try_for_each(|row| tx.put_look(row))
    })?;
    // Main logs first: the others are judged by them.
    let (main, beside): (Vec<_>, Vec<_>) =
        found.entries.into_iter().partition(|(_, rows)| place_of(rows).is_none());
    for (log, rows) in main.into_iter().chain(beside) {
        report.entries += restore_entries(&vault, log, rows, &trust)?;
    }
    let (caseload, visits) = (found.caseload, found.visits);
    // What had been looked at is not restored: better a plan is looked at once more than not at all.
    vault.write(move |tx| {
        caseload.iter().try_for_each(|(identity, log, since)| tx.take_on(identity, log, *since))?;
        visits.iter().try_for_each(|row| tx.put_visit(row).map(drop))
    })?;
    let state = mailbox.state()?;
    mailbox.set_state(&SyncState { cursor: None, recovering: false, ..state.clone() })?;
    let open = OpenVault::new(vault, own.clone(), &*host.entropy)?;
    describe_all(&open, Moment { now: host.clock.now(), relay_time: state.relay_time }, report.enrol_again)?;
    open.vault.close()?;
    // From here on there is a vault again, and a whole one.
    let placed =
        fs::rename(fresh.join("vault.db"), dir.join("vault.db")).and_then(|()| fs::remove_dir_all(&fresh));
    placed.map_err(|source| DriverError::Directory { step: "changed", source })
}

/// Moves the damaged vault aside. When there is none, a repair was interrupted: then it is aside already.
fn put_aside(dir: &Path) -> Result<PathBuf, DriverError> {
    let aside = |number: u32| dir.join(format!("damaged-{number}"));
    let earlier =
        (1..).map(aside).take_while(|path| path.exists()).filter(|path| path.join("vault.db").exists());
    match earlier.last() {
        Some(path) if !dir.join("vault.db").exists() => Ok(path),
        _ => Ok(quarantine(dir, DatabaseFile::Vault)?),
    }
}

fn make_empty(dir: &Path) -> std::io::Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir(dir)
}

/// True when the identity that repairs has to enrol again: something of its own is lost, and it gets new keys. Those of others
/// are sealed under theirs and kept as they are.
fn restore_secrets(vault: &Vault, own: &Own, found: &Found) -> Result<bool, DriverError> {
    let opens = |what: &str| {
        let name = own.name(what);
        let sealed = found.secrets.iter().find(|(found, _)| *found == name);
        sealed.is_some_and(|(_, sealed)| own.key().open(&name, sealed).is_ok())
    };
    let has_root = found.secrets.iter().any(|(name, _)| name == name::ROOT);
    let whole = has_root && [name::SIGNING, name::SEALING, name::CREDENTIAL].into_iter().all(opens);
    let (prefix, notes) = (Own::prefix(own.slot), own.name(name::NOTEBOOK));
    let stays = |name: &str| whole || !name.starts_with(&prefix) || name.starts_with(&notes);
    let kept = found.secrets.iter().filter(|(name, _)| stays(name));
    let kept: Vec<_> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    vault.write(move |tx| kept.iter().try_for_each(|(name, value)| tx.put_secret(name, value)))?;
    Ok(!whole)
}

fn restore_statements(
    vault: &Vault,
    rows: Vec<StatementRow>,
    secrets: &[(String, zeroize::Zeroizing<Vec<u8>>)],
) -> Result<Trust, DriverError> {
    let root = secrets.iter().find(|(name, _)| name == name::ROOT).map(|(_, root)| root.as_slice());
    let root = root.and_then(|root| root.try_into().ok()).unwrap_or([0; 32]);
    let mut trust = Trust::new(root);
    let mut believed = Vec::new();
    for row in rows {
        if trust.accept(&row.bytes).is_ok_and(|(_, statement)| !matches!(statement, Statement::Invite(_))) {
            believed.push(StatementRow { sent: false, ..row });
        }
    }
    vault.write(move |tx| {
        for row in &believed {
            let log = row.log.filter(|_| row.kind == StatementKind::Access);
            if let Some(id) = log
                && tx.log(&id)?.is_none()
            {
                tx.put_log(&LogRow { id, main: None, compartment: 0, subscribed: false, opened_at: None })?;
            }
            tx.put_statement(row)?;
        }
        Ok(())
    })?;
    Ok(trust)
}

/// Verifies entries anew and keeps those that are whole. What builds on one that was lost waits for it, sealed as it came.
/// The device's own, waiting or not, are put in line to be sent again: the relay stores an entry once however often it
/// comes. What can be neither is set aside.
fn restore_entries(
    vault: &Vault,
    log: LogId,
    rows: Vec<EntryRow>,
    trust: &Trust,
) -> Result<u64, DriverError> {
    let keys = vault.read(|read| read.content_keys(&log))?;
    let place = find_place(vault, log, &rows)?;
    let plan = match place.and_then(|place| place.main) {
        Some(main) => {
            let stored = vault.read(|read| read.entries(&main))?;
            Some(Replica::rebuild(main, stored.into_iter().map(|row| row.bytes), None, trust))
        }
        None => None,
    };
    let replica = Replica::of(log, place.map_or(Compartment::Shared, |place| place.compartment));
    let by = By { trust, plan: plan.as_ref().map(Replica::ledger) };
    let Sorted { whole, waiting, refused } = sort_entries(replica, rows, by);
    let (mut outgoing, mut still_waiting, mut aside) = (Vec::new(), Vec::new(), refused);
    for row in whole.iter().filter(|row| row.own) {
        outgoing.extend(seal_again(&keys, row)?.map(|bytes| to_be_sent(row, bytes)));
    }
    for row in waiting {
        match seal_again(&keys, &row)? {
            Some(bytes) => {
                outgoing.extend(row.own.then(|| to_be_sent(&row, bytes.clone())));
                still_waiting.push(waiting_row(&row, bytes));
            }
            None => aside.push(row),
        }
    }
    let count = whole.len() as u64;
    vault.write(move |tx| {
        if let Some(FoundPlace { main: Some(main), compartment }) = place {
            tx.link_log(&log, &main, compartment.number())?;
        }
        whole.iter().try_for_each(|row| tx.put_entry(row).map(drop))?;
        still_waiting.iter().try_for_each(|row| tx.put_waiting(row))?;
        outgoing.iter().try_for_each(|row| tx.put_outgoing(row))?;
        aside.into_iter().try_for_each(|row| {
            let reason = "after a repair it is neither whole nor can it wait".to_owned();
            tx.put_quarantine(&QuarantineRow {
                table_name: "entry".to_owned(),
                bytes: row.bytes,
                reason,
                at: row.received_at,
            })
        })
    })?;
    Ok(count)
}

/// What became of entries that were verified anew.
#[derive(Default)]
struct Sorted {
    whole: Vec<EntryRow>,
    waiting: Vec<EntryRow>,
    refused: Vec<EntryRow>,
}

/// Beside which main log a log stands, if that is here, and as what.
#[derive(Clone, Copy)]
struct FoundPlace {
    main: Option<LogId>,
    compartment: Compartment,
}

fn find_place(vault: &Vault, log: LogId, rows: &[EntryRow]) -> Result<Option<FoundPlace>, DriverError> {
    let Some((compartment, head)) = place_of(rows) else { return Ok(None) };
    let main = vault.read(|read| read.entry(&head))?.map(|row| row.log).filter(|main| *main != log);
    Ok(Some(FoundPlace { main, compartment }))
}

/// What the entries of a log beside a main one say of where it stands.
fn place_of(rows: &[EntryRow]) -> Option<(Compartment, EntryId)> {
    rows.iter().find_map(|row| {
        let entry = Entry::from_bytes(&row.bytes).ok()?;
        let (compartment, heads) = entry.place();
        let head = heads.first().filter(|_| compartment != Compartment::Shared)?;
        Some((compartment, *head))
    })
}

fn sort_entries(mut replica: Replica, rows: Vec<EntryRow>, by: By<'_>) -> Sorted {
    let mut sorted = Sorted { waiting: rows, ..Sorted::default() };
    loop {
        let before = sorted.waiting.len();
        for row in std::mem::take(&mut sorted.waiting) {
            let signed = row.signature.as_slice().try_into().ok();
            let signed = signed.map(|signature| SignedEntry { bytes: row.bytes.clone(), signature });
            match signed.map(|signed| replica.take(&signed, by)) {
                Some(Ok(Offered::Admitted(_))) => sorted.whole.push(row),
                Some(Ok(Offered::Waiting(..))) => sorted.waiting.push(row),
                Some(Err(_)) | None => sorted.refused.push(row),
            }
        }
        if sorted.waiting.len() == before {
            return sorted;
        }
    }
}

/// The bytes by which the relay knows an entry; none when the key that they were made with is lost.
fn seal_again(keys: &[ContentKeyRow], row: &EntryRow) -> Result<Option<Vec<u8>>, DriverError> {
    let Ok(signature) = row.signature.as_slice().try_into() else { return Ok(None) };
    for key in keys {
        let key = ContentKey::from_bytes(&key.key).map_err(DriverError::Crypto)?;
        let sealed = key.seal_entry(&row.log, &row.entry_id, &row.bytes, signature);
        if let Some(sealed) = sealed.ok().filter(|sealed| sealed.id() == row.sealed_id) {
            return Ok(Some(sealed.into_bytes()));
        }
    }
    Ok(None)
}

fn to_be_sent(row: &EntryRow, bytes: Vec<u8>) -> OutgoingRow {
    let &EntryRow { sealed_id, entry_id, log, .. } = row;
    OutgoingRow { sealed_id, entry_id, log, bytes }
}

/// What exactly it waits for is found out when something of its log comes.
fn waiting_row(row: &EntryRow, bytes: Vec<u8>) -> WaitingRow {
    let &EntryRow { sealed_id, log, received_at, .. } = row;
    WaitingRow { sealed_id, log, bytes, reason: WaitReason::Parent, needs: Vec::new(), received_at }
}

/// Makes documents and list rows anew.
fn describe_all(open: &OpenVault, at: Moment, enrol_again: bool) -> Result<(), DriverError> {
    if !enrol_again {
        open.describe_missing(at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bedside_protocol::entry::{Entry, Outcome, Scope};
    use bedside_protocol::statement::Role;

    use super::*;
    use crate::driver::commit::entry_row;
    use crate::testing::SeededEntropy;
    use crate::testing::cast::Cast;

    const LITERAL: &str = "x'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\
                           0f1e2d3c4b5a69788796a5b4c3d2e1f0'";

    #[test]
    fn own_entries_whose_past_was_lost_wait_and_go_out_again() {
        let (log, mut cast) = (LogId::new([5; 32]), Cast::new(1));
        let mut nurse = cast.staff(log, "Amira Khan", Role::Nurse);
        let key = ContentKey::generate(&SeededEntropy::new(2));
        for _ in 0..3 {
            nurse.consent(&cast.trust, Scope::Record, Outcome::Given);
        }
        let rows: Vec<EntryRow> = nurse
            .held
            .iter()
            .map(|signed| {
                let entry = Entry::from_bytes(&signed.bytes).unwrap();
                let id = bedside_protocol::entry::entry_id(&log, &signed.bytes);
                let sealed = key.seal_entry(&log, &id, &signed.bytes, &signed.signature).unwrap().id();
                entry_row(log, id, sealed, &entry, signed.clone(), Timestamp(1), true)
            })
            .collect();
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::create(dir.path(), LITERAL).unwrap();
        let row = ContentKeyRow { key_id: key.id(), key: key.as_bytes().to_vec().into(), current: true };
        vault.write(move |tx| tx.put_content_key(&log, &row)).unwrap();
        // The second was on the page that was lost.
        let [first, third] = [rows[0].clone(), rows[2].clone()];
        let forged = EntryRow { signature: vec![0; 64], ..rows[1].clone() };
        let kept = restore_entries(&vault, log, vec![third, forged, first], &cast.trust).unwrap();
        assert_eq!(kept, 1);
        vault
            .read(|read| {
                let waiting: Vec<_> = read.waiting(None, 9)?.into_iter().map(|row| row.sealed_id).collect();
                assert_eq!(waiting, [rows[2].sealed_id]);
                let mut out: Vec<_> = read.outgoing(None)?.into_iter().map(|row| row.sealed_id).collect();
                out.sort();
                let mut wanted = vec![rows[0].sealed_id, rows[2].sealed_id];
                wanted.sort();
                assert_eq!(out, wanted);
                assert_eq!(read.counts()?.quarantined, 1, "what is not signed by its author is set aside");
                Ok(())
            })
            .unwrap();
    }
}
