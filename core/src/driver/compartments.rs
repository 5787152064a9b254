//! The logs beside a plan's main one: which there are, and how one begins.
//!
//! A compartment is begun with the first thing that is written in it, by a device that may both start a log and give others
//! access, because whoever begins it gives its key to everybody who is to read it. Two devices may begin the same one apart:
//! its id follows from the NHS number, so they have begun one, and its readers get both keys.

use bedside_protocol::entry::{Body, Compartment, Entry};
use bedside_protocol::ids::{EntryId, LogId, Principal};
use bedside_protocol::statement::{Capabilities, Role, Trust};

use super::DriverError;
use super::commit::{Moment, Rows};
use super::enrol::access_row;
use super::open_vault::{Books, OpenVault, Place};
use crate::crdt::inspect;
use crate::crypto::content::ContentKey;
use crate::crypto::lookup::LookupKey;
use crate::ledger::replica::Replica;
use crate::plan::leaf::{Answer, Leaf};
use crate::plan::nhs_number::NhsNumber;
use crate::plan::schema::TEXTS;
use crate::ports::Entropy;
use crate::store::{ContentKeyRow, LogRow};

/// The field that holds the NHS number.
pub(crate) const NHS_NUMBER: &str = "identity.nhs_number";

/// What was found out about where an entry's log stands.
pub(crate) enum Placed {
    /// All there is to know.
    Known,
    /// Not yet: this entry of the main log has to come first.
    After(EntryId),
    /// It names a plan that its log is no part of.
    Nowhere,
}

impl OpenVault {
    /// The log of a plan's compartment, to be written in. One that nobody has begun is begun: what that takes is added to
    /// `rows`, and written with them.
    pub(crate) fn compartment(
        &self,
        main: LogId,
        compartment: Compartment,
        at: Moment,
        entropy: &dyn Entropy,
        rows: &mut Rows,
    ) -> Result<LogId, DriverError> {
        let mut books = self.books();
        let known = books.beside(&self.vault, main)?.into_iter().find(|(known, _)| *known == compartment);
        let log = match known {
            Some((_, log)) => log,
            None => self.log_beside(&mut books, main, compartment)?,
        };
        let place = Place { main, compartment };
        let own = Principal::Identity(self.keys.identity);
        if !may_hold(&books.trust, &own, compartment) {
            return Err(DriverError::KeptFromPerson);
        }
        if self.keys_of(log, rows)?.is_empty() {
            let standing = self.standing()?;
            let own = books.trust.credential(&standing.credential);
            let may = own.map(|own| own.capabilities).unwrap_or_default();
            if !may.has(Capabilities::CREATE | Capabilities::SHARE) {
                return Err(DriverError::CannotBegin(compartment));
            }
            let row = LogRow {
                id: log,
                main: Some(main),
                compartment: compartment.number(),
                subscribed: false,
                opened_at: None,
            };
            self.begin_log(&books.trust, row, at, entropy, rows)?;
            books.put_place(log, place);
            self.give_keys(&mut books, log, at, entropy, rows).inspect_err(|_| books.evict(&log))?;
        } else if known.is_none() {
            rows.links.push((log, place));
            books.put_place(log, place);
        }
        Ok(log)
    }

    /// Makes a log's first key and the statement that begins it.
    pub(crate) fn begin_log(
        &self,
        trust: &Trust,
        row: LogRow,
        at: Moment,
        entropy: &dyn Entropy,
        rows: &mut Rows,
    ) -> Result<(), DriverError> {
        let standing = self.standing()?;
        let (reader, sealing_key) = match standing.organisation {
            Some((statement, id)) => {
                let organisation = trust.organisation(&statement).ok_or(DriverError::NotEnrolled)?;
                (Principal::Organisation(id), organisation.sealing_key.clone())
            }
            None => (Principal::Identity(self.keys.identity), self.keys.sealing.public_key()),
        };
        let (log, key) = (row.id, ContentKey::generate(entropy));
        let signing = &self.keys.signing;
        rows.statements.push(access_row(
            &standing,
            trust,
            signing,
            log,
            reader,
            true,
            true,
            &key,
            &sealing_key,
            at,
            entropy,
        )?);
        rows.logs.push(row);
        let key = ContentKeyRow { key_id: key.id(), key: key.as_bytes().to_vec().into(), current: true };
        rows.keys.push((log, key));
        Ok(())
    }

    /// The id of a plan's compartment, whether or not anybody has begun it. Only who may look plans up can tell.
    fn log_beside(
        &self,
        books: &mut Books,
        main: LogId,
        compartment: Compartment,
    ) -> Result<LogId, DriverError> {
        let key = self.lookup_key()?;
        let number = number_of(books.replica(&self.vault, main)?, &key, main);
        Ok(key.log_id(compartment, &number.ok_or(DriverError::NoLookupKey)?))
    }

    /// Finds out where the log of an entry stands, when that entry says it is beside a main one.
    pub(crate) fn placed(
        &self,
        books: &mut Books,
        log: LogId,
        entry: &Entry,
        rows: &mut Rows,
    ) -> Result<Placed, DriverError> {
        let (compartment, heads) = entry.place();
        let first = heads.first().filter(|_| compartment != Compartment::Shared);
        let known = books.place(&self.vault, log)?;
        let (first, main) = match (first, self.only_plan(&books.trust)) {
            (_, _) if known.is_some() => return Ok(Placed::Known),
            (None, Some(plan)) if plan != log => return Ok(Placed::Nowhere),
            (None, _) => return Ok(Placed::Known),
            (Some(first), _) => {
                let fresh = rows.entries.iter().find(|row| row.entry_id == *first).map(|row| row.log);
                let stored = || self.vault.read(|read| read.entry(first));
                (first, if fresh.is_some() { fresh } else { stored()?.map(|row| row.log) })
            }
        };
        let Some(main) = main else { return Ok(Placed::After(*first)) };
        if main == log {
            // It says so itself: it is a main log's entry, and none that stands.
            return Ok(Placed::Known);
        }
        let belongs = match self.only_plan(&books.trust) {
            Some(plan) => main == plan,
            None => self.log_beside(books, main, compartment).is_ok_and(|beside| beside == log),
        };
        if !belongs {
            return Ok(Placed::Nowhere);
        }
        let place = Place { main, compartment };
        books.put_place(log, place);
        rows.links.push((log, place));
        Ok(Placed::Known)
    }

    /// The one plan that the credential of this device's person is for.
    pub(crate) fn only_plan(&self, trust: &Trust) -> Option<LogId> {
        let standing = self.standing().ok()?;
        trust.credential(&standing.credential)?.plan
    }
}

/// True when a reader of the plan may hold a compartment: what a person must not see they must not hold.
pub(crate) fn may_hold(trust: &Trust, reader: &Principal, compartment: Compartment) -> bool {
    let kept_from_person = matches!(compartment, Compartment::Professional | Compartment::Restricted);
    match reader {
        Principal::Organisation(_) => true,
        Principal::Identity(id) => {
            let of_reader = trust.credentials().filter(|(_, credential)| credential.identity() == *id);
            let personal = |role| matches!(role, Role::Person | Role::Proxy);
            !kept_from_person || of_reader.into_iter().all(|(_, credential)| !personal(credential.role))
        }
    }
}

/// The NHS number that leads to this plan: what somebody wrote into its identity since is not asked.
fn number_of(replica: &Replica, key: &LookupKey, main: LogId) -> Option<String> {
    let leads_here = |bytes: &[u8]| {
        let Ok(Leaf { answer: Answer::Text(text), .. }) = Leaf::from_bytes(bytes) else { return None };
        let digits = NhsNumber::parse(&text).ok()?.digits();
        (key.log_id(Compartment::Shared, &digits) == main).then_some(digits)
    };
    let now = replica.document().values(NHS_NUMBER);
    now.iter().find_map(|value| leads_here(&value.bytes)).or_else(|| {
        replica.ledger().in_order().into_iter().find_map(|(_, entry, _)| match &entry.body {
            Body::Change(change) => leads_here(inspect(change, TEXTS).ok()?.puts.get(NHS_NUMBER)?),
            _ => None,
        })
    })
}
