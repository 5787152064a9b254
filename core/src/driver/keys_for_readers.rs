//! A plan that two people started without knowing of each other has two keys, and entries under both. Whoever was given
//! one of them needs the other. Each compartment of a plan has keys of its own, and whoever reads the plan needs those that they
//! may hold.
//!
//! Two devices see to it, so that one may be lost: the one that gave a reader access gives them every further key that
//! turns up, and the one that made a key gives it to every reader whom the plan records. What is owed follows from what
//! the vault holds, and is written in the transaction that brings the key or the record.

use std::collections::{BTreeMap, BTreeSet};

use bedside_protocol::entry::Scope;
use bedside_protocol::ids::{KeyId, LogId, Principal};
use bedside_protocol::statement::{Access, Capabilities, Statement, Trust, parse};

use super::DriverError;
use super::commit::{Moment, Rows};
use super::compartments::may_hold;
use super::enrol::access_row;
use super::open_vault::{Books, OpenVault, Place, Standing};
use crate::crypto::content::ContentKey;
use crate::ports::Entropy;
use crate::store::StatementKind;

/// What this device has given so far.
#[derive(Default)]
struct Given {
    all: BTreeSet<(Principal, KeyId)>,
    readers: BTreeSet<Principal>,
    made: BTreeSet<KeyId>,
}

impl OpenVault {
    /// Adds what this device owes the readers of a log to `rows`.
    pub(crate) fn give_keys(
        &self,
        books: &mut Books,
        log: LogId,
        at: Moment,
        entropy: &dyn Entropy,
        rows: &mut Rows,
    ) -> Result<(), DriverError> {
        let place = books.place(&self.vault, log)?;
        let keys = self.keys_of(log, rows)?;
        let Ok(standing) = self.standing() else { return Ok(()) };
        let may = books.trust.credential(&standing.credential).map(|own| own.capabilities);
        // The one key of a main log was given with the access to it.
        let enough = if place.is_none() { 2 } else { 1 };
        if keys.len() < enough || !may.is_some_and(|may| may.has(Capabilities::SHARE)) {
            return Ok(());
        }
        let given = self.given(log, &standing, rows)?;
        let (recorded, given_the_plan) = match place {
            None => {
                let ledger = books.replica(&self.vault, log)?.ledger();
                (ledger.grants().into_iter().map(|(_, grant)| grant.reader).collect(), given.readers.clone())
            }
            Some(place) => self.readers_beside(books, place, &standing, rows)?,
        };
        let owed_by_maker = recorded.iter().flat_map(|reader| given.made.iter().map(|key| (*reader, *key)));
        let owed_by_giver = given_the_plan.iter().flat_map(|reader| keys.keys().map(|key| (*reader, *key)));
        let owed: BTreeSet<_> =
            owed_by_maker.chain(owed_by_giver).filter(|owed| !given.all.contains(owed)).collect();
        let own = self.principals();
        for (reader, key) in owed.into_iter().filter(|(reader, _)| !own.contains(reader)) {
            let (Some(key), Some(sealing_key)) = (keys.get(&key), sealing_key_of(&books.trust, &reader))
            else {
                continue;
            };
            rows.statements.push(access_row(
                &standing,
                &books.trust,
                &self.keys.signing,
                log,
                reader,
                true,
                false,
                key,
                sealing_key,
                at,
                entropy,
            )?);
        }
        Ok(())
    }

    /// Who is to hold a compartment: whom the main log records as readers, who began it, and whom this device gave it. While
    /// consent to share does not stand, only the person and those who began the plan.
    fn readers_beside(
        &self,
        books: &mut Books,
        place: Place,
        standing: &Standing,
        rows: &Rows,
    ) -> Result<(BTreeSet<Principal>, BTreeSet<Principal>), DriverError> {
        let mut given = self.given(place.main, standing, rows)?.readers;
        let (main, trust) = books.replica_and_trust(&self.vault, place.main)?;
        let owners = main.ledger().owners(trust);
        let mut recorded: BTreeSet<Principal> =
            main.ledger().grants().into_iter().map(|(_, grant)| grant.reader).collect();
        let shared = main.ledger().basis(Scope::Share).is_some();
        let stays = |reader: &Principal| {
            let open_to_all = shared || owners.contains(reader) || matches!(reader, Principal::Identity(_));
            open_to_all && may_hold(trust, reader, place.compartment)
        };
        recorded.extend(&owners);
        recorded.retain(&stays);
        given.retain(&stays);
        Ok((recorded, given))
    }

    pub(super) fn keys_of(
        &self,
        log: LogId,
        rows: &Rows,
    ) -> Result<BTreeMap<KeyId, ContentKey>, DriverError> {
        let stored = self.vault.read(|read| read.content_keys(&log))?;
        let new = rows.keys.iter().filter(|(of, _)| *of == log).map(|(_, row)| row);
        stored
            .iter()
            .chain(new)
            .map(|row| Ok((row.key_id, ContentKey::from_bytes(&row.key).map_err(DriverError::Crypto)?)))
            .collect()
    }

    fn given(&self, log: LogId, standing: &Standing, rows: &Rows) -> Result<Given, DriverError> {
        let mut given = Given::default();
        let stored = self.vault.read(|read| read.statements_of(&log))?;
        let new = rows.statements.iter().filter(|row| row.log == Some(log));
        for row in stored.iter().chain(new) {
            if row.kind != StatementKind::Access {
                continue;
            }
            let Ok(Statement::Access(access)) = parse(&row.bytes).map(|read| read.statement) else {
                continue;
            };
            let Access { granter, reader, founding, key, .. } = access;
            if granter != standing.credential {
                continue;
            }
            given.all.insert((reader, key));
            if founding {
                given.made.insert(key);
            } else {
                given.readers.insert(reader);
            }
        }
        Ok(given)
    }
}

fn sealing_key_of<'a>(trust: &'a Trust, reader: &Principal) -> Option<&'a [u8]> {
    match reader {
        Principal::Organisation(id) => {
            let newest =
                trust.organisations().map(|(_, o)| o).filter(|o| o.id == *id).max_by_key(|o| o.epoch);
            newest.map(|o| o.sealing_key.as_slice())
        }
        Principal::Identity(id) => {
            let newest = trust
                .credentials()
                .map(|(_, c)| c)
                .filter(|c| c.identity() == *id)
                .max_by_key(|c| c.valid_from);
            newest.map(|c| c.sealing_key.as_slice())
        }
    }
}
