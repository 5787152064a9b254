//! Whether an admitted entry stands. Looks only at the entry, its author's credential, and its own past.

use bedside_protocol::entry::{Body, Entry, Outcome, Scope};
use bedside_protocol::ids::{EntryId, IdentityId};
use bedside_protocol::statement::{Capabilities, Credential, Role, Trust};

use super::{HeldReason, Ledger, Verdict, moment};
use crate::crdt::{Actor, ChangeHash, inspect};
use crate::plan::authority::{Target, may_write};
use crate::plan::check::decode_decision;
use crate::plan::schema::{self, Section};

pub(super) fn judge(
    ledger: &Ledger,
    id: &EntryId,
    entry: &Entry,
    credential: &Credential,
    trust: &Trust,
) -> (Verdict, Option<ChangeHash>) {
    match check(ledger, id, entry, credential, trust) {
        Ok(change) => (Verdict::Standing, change),
        Err(reason) => (Verdict::Held(reason), None),
    }
}

fn check(
    ledger: &Ledger,
    id: &EntryId,
    entry: &Entry,
    credential: &Credential,
    trust: &Trust,
) -> Result<Option<ChangeHash>, HeldReason> {
    if ledger.losers.contains(id) {
        return Err(HeldReason::Forked);
    }
    if ledger.broken.contains(id) {
        return Err(HeldReason::Malformed("its change does not fit the document it builds on".into()));
    }
    let author = credential.identity();
    place(ledger, entry, author)?;
    credential_fits(ledger, entry, credential, trust)?;
    match &entry.body {
        Body::Consent(_) => may_consent(credential).map(|()| None),
        Body::Change(change) => {
            basis(ledger, entry, Scope::Record)?;
            check_change(ledger, entry, author, credential, change).map(Some)
        }
        Body::Decision(decision) => {
            basis(ledger, entry, Scope::Record)?;
            let section = Section::from_number(decision.section)
                .ok_or_else(|| HeldReason::Malformed(format!("there is no section {}", decision.section)))?;
            let target = match decision.endorses {
                Some(_) => Target::Endorsement(section),
                None => Target::Decision(section),
            };
            allowed(credential, target)?;
            if let Some(endorsed) = decision.endorses {
                let builds_on_it = ledger.precedes(&endorsed, &entry.parents);
                if !decision.supersedes.is_empty() || !builds_on_it {
                    let why = "an endorsement names a decision in its past and replaces none";
                    return Err(HeldReason::Malformed(why.into()));
                }
            }
            decode_decision(&decision.content).map_err(|error| HeldReason::Malformed(error.to_string()))?;
            Ok(None)
        }
        Body::Grant(_) => {
            basis(ledger, entry, Scope::Share)?;
            if credential.capabilities.has(Capabilities::SHARE) {
                Ok(None)
            } else {
                Err(HeldReason::NotAllowed(format!("a {} cannot give others access", credential.role.name())))
            }
        }
    }
}

fn place(ledger: &Ledger, entry: &Entry, author: IdentityId) -> Result<(), HeldReason> {
    let Some(prev) = entry.prev_id() else { return Ok(()) };
    let follows = ledger.nodes.get(&prev).is_some_and(|node| {
        node.author == author && node.entry.author_seq.checked_add(1) == Some(entry.author_seq)
    });
    if follows && ledger.precedes(&prev, &entry.parents) {
        Ok(())
    } else {
        Err(HeldReason::Malformed("its author's previous entry is not in its past".into()))
    }
}

fn credential_fits(
    ledger: &Ledger,
    entry: &Entry,
    credential: &Credential,
    trust: &Trust,
) -> Result<(), HeldReason> {
    let at = moment(entry);
    let organisation = trust.organisation_of(&entry.credential);
    let issuer = trust.credential(&credential.issuer);
    let issuers_organisation = trust.organisation_of(&credential.issuer);
    let in_time = (credential.valid_from..=credential.valid_until).contains(&at)
        && issuer.is_none_or(|i| (i.valid_from..=i.valid_until).contains(&at))
        && organisation.or(issuers_organisation).is_none_or(|o| (o.valid_from..=o.valid_until).contains(&at));
    let for_this_plan = credential.plan.is_none_or(|plan| plan == ledger.log);
    if in_time && for_this_plan { Ok(()) } else { Err(HeldReason::CredentialInvalid) }
}

fn may_consent(credential: &Credential) -> Result<(), HeldReason> {
    let person = matches!(credential.role, Role::Person | Role::Proxy);
    if person || credential.capabilities.has(Capabilities::WRITE) {
        Ok(())
    } else {
        Err(HeldReason::NotAllowed(format!("a {} cannot record consent", credential.role.name())))
    }
}

fn basis(ledger: &Ledger, entry: &Entry, scope: Scope) -> Result<EntryId, HeldReason> {
    let named = entry.basis.ok_or(HeldReason::NoBasis)?;
    let past = ledger.consents_before(entry);
    let newest = ledger.newest_consents(&past, scope);
    if newest.iter().any(|(_, consent)| consent.outcome == Outcome::Withdrawn) {
        return Err(HeldReason::ConsentWithdrawn);
    }
    if newest.iter().any(|(id, _)| *id == named) { Ok(named) } else { Err(HeldReason::NoBasis) }
}

fn check_change(
    ledger: &Ledger,
    entry: &Entry,
    author: IdentityId,
    credential: &Credential,
    change: &[u8],
) -> Result<ChangeHash, HeldReason> {
    let malformed = |why: String| HeldReason::Malformed(why);
    let info = inspect(change, ledger.texts).map_err(|e| malformed(e.to_string()))?;
    if info.actor != actor_of(&author, ledger) {
        return Err(malformed("the change is by another actor than the entry's author".into()));
    }
    for dependency in &info.deps {
        if ledger.first.has(dependency) {
            continue;
        }
        let brought_by = ledger.changes.get(dependency);
        if !brought_by.is_some_and(|id| ledger.precedes(id, &entry.parents)) {
            return Err(HeldReason::BuildsOnHeld);
        }
    }
    for key in &info.keys {
        match schema::field(key) {
            Some((field, _)) => allowed(credential, Target::Field(field))?,
            // A field of a newer version: kept, and left to those who write anything at all.
            None if credential.capabilities.has(Capabilities::WRITE) => {}
            None => {
                return Err(HeldReason::NotAllowed(
                    "it writes a field that this version does not know".into(),
                ));
            }
        }
    }
    Ok(info.hash)
}

fn allowed(credential: &Credential, target: Target) -> Result<(), HeldReason> {
    may_write(credential.role, credential.capabilities, target)
        .map_err(|refusal| HeldReason::NotAllowed(refusal.to_string()))
}

fn actor_of(author: &IdentityId, ledger: &Ledger) -> Actor {
    super::write::actor(author, &ledger.log)
}
