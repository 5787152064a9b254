//! A damaged vault or mailbox: moved aside, never deleted, and made anew from what can be read and from the relay.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bedside_protocol::entry::Entry;
use bedside_protocol::ids::LogId;
use bedside_protocol::statement::{Statement, Trust};

use super::DriverError;
use super::commit::{Moment, Rows, describe};
use super::device::Host;
use super::keyring::Keyring;
use super::open_vault::{OpenVault, name};
use crate::crypto::content::ContentKey;
use crate::crypto::keys::{SealingKey, SigningKey};
use crate::crypto::vault_key::VaultKey;
use crate::ledger::replica::{Offered, Replica, SignedEntry};
use crate::store::{
    DatabaseFile, EntryRow, LogRow, Mailbox, OutgoingRow, Salvaged, StatementKind, StatementRow, StoreError,
    SyncState, Vault, quarantine, salvage,
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
    keys: Vec<(LogId, crate::store::ContentKeyRow)>,
    entries: BTreeMap<LogId, Vec<EntryRow>>,
}

/// Checks vault and mailbox of a device that nobody has open, and makes anew what is damaged.
pub fn repair(dir: &Path, host: &Host, pin: &str) -> Result<Repair, DriverError> {
    let key = Keyring::open(dir)?.unlock(pin, host.clock.now(), &*host.key_store)?;
    let mut report = Repair::default();
    let mailbox = repair_mailbox(dir, host, &mut report)?;
    let vault_is_whole = match Vault::open_with(dir, &key.sqlcipher_literal(), &host.files) {
        Ok(vault) => {
            // Without an identity it is one whose making was interrupted.
            let sound = is_sound(vault.check())?
                && vault.read(|read| read.secret(name::SEALING)).is_ok_and(|secret| secret.is_some());
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
        rebuild_vault(dir, host, &key, &mailbox, &mut report)?;
    } else if !report.moved_to.is_empty() {
        let open = OpenVault::new(Vault::open_with(dir, &key.sqlcipher_literal(), &host.files)?)?;
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
    });
    report.lost = salvaged.map_or(1, |salvaged| salvaged.lost);
    report.moved_to.push(aside);
    let fresh = dir.join(REBUILT);
    make_empty(&fresh).map_err(|source| DriverError::Directory { step: "made", source })?;
    let vault = Vault::create_with(&fresh, &key.sqlcipher_literal(), &host.files)?;
    report.enrol_again = restore_identity(&vault, host, &mut found)?;
    let trust = restore_statements(&vault, found.statements, &found.secrets)?;
    let keys = found.keys;
    vault.write(move |tx| {
        tx.put_meta(name::SYNC_FIRST, b"")?;
        keys.iter().try_for_each(|(log, row)| {
            tx.put_log(&LogRow { id: *log, main: None, compartment: 0, subscribed: false, opened_at: None })?;
            tx.put_content_key(log, row)
        })
    })?;
    for (log, rows) in found.entries {
        report.entries += restore_entries(&vault, log, rows, &trust)?;
    }
    let state = mailbox.state()?;
    mailbox.set_state(&SyncState { cursor: None, recovering: false, ..state.clone() })?;
    describe_all(vault, Moment { now: host.clock.now(), relay_time: state.relay_time }, report.enrol_again)?;
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

/// True when there was no identity to restore and the device got a new one.
fn restore_identity(vault: &Vault, host: &Host, found: &mut Found) -> Result<bool, DriverError> {
    let has = |wanted: &str| found.secrets.iter().any(|(name, _)| name == wanted);
    let whole = [name::SIGNING, name::SEALING, name::CREDENTIAL, name::ROOT].into_iter().all(has);
    let secrets: Vec<_> = if whole {
        found.secrets.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    } else {
        let (signing, sealing) = (SigningKey::generate(&*host.entropy), SealingKey::generate(&*host.entropy));
        vec![
            (name::SIGNING.to_owned(), signing.seed().to_vec().into()),
            (name::SEALING.to_owned(), sealing.to_bytes()),
        ]
    };
    vault.write(move |tx| secrets.iter().try_for_each(|(name, value)| tx.put_secret(name, value)))?;
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

/// Verifies entries anew, keeps those that are whole, and puts the device's own in line to be sent again: the relay stores
/// an entry once however often it comes.
fn restore_entries(
    vault: &Vault,
    log: LogId,
    rows: Vec<EntryRow>,
    trust: &Trust,
) -> Result<u64, DriverError> {
    let mut replica = Replica::new(log);
    let keys = vault.read(|read| read.content_keys(&log))?;
    let mut whole = Vec::new();
    let mut pending = rows;
    loop {
        let before = pending.len();
        let mut left = Vec::new();
        for row in pending {
            let Ok(signature) = row.signature.as_slice().try_into() else { continue };
            match replica.offer(&SignedEntry { bytes: row.bytes.clone(), signature }, trust) {
                Ok(Offered::Admitted(_)) => whole.push((row, signature)),
                Ok(Offered::Waiting(..)) => left.push(row),
                Err(_) => {}
            }
        }
        if left.is_empty() || left.len() == before {
            break;
        }
        pending = left;
    }
    let mut outgoing = Vec::new();
    for (row, signature) in whole.iter().filter(|(row, _)| row.own && Entry::from_bytes(&row.bytes).is_ok()) {
        for key in &keys {
            let key = ContentKey::from_bytes(&key.key).map_err(DriverError::Crypto)?;
            let Ok(sealed) = key.seal_entry(&log, &row.entry_id, &row.bytes, signature) else { continue };
            if sealed.id() == row.sealed_id {
                let (sealed_id, entry_id) = (row.sealed_id, row.entry_id);
                outgoing.push(OutgoingRow { sealed_id, entry_id, log, bytes: sealed.into_bytes() });
            }
        }
    }
    let count = whole.len() as u64;
    vault.write(move |tx| {
        whole.iter().try_for_each(|(row, _)| tx.put_entry(row).map(drop))?;
        outgoing.iter().try_for_each(|row| tx.put_outgoing(row))
    })?;
    Ok(count)
}

/// Makes documents and list rows anew.
fn describe_all(vault: Vault, at: Moment, enrol_again: bool) -> Result<(), DriverError> {
    let open = OpenVault::new(vault)?;
    if !enrol_again {
        for log in open.vault.read(|read| read.logs())? {
            let mut rows = Rows::default();
            let has_entries = !open.vault.read(|read| read.entries(&log.id))?.is_empty();
            if has_entries {
                describe(&mut open.books(), &open.vault, log.id, at, &mut rows)?;
                open.vault.write(move |tx| rows.write(tx))?;
            }
        }
    }
    Ok(open.vault.close()?)
}
