//! What signed facts change. A refused statement never fails the request that brought it.

use std::collections::BTreeSet;

use bedside_protocol::ids::{Principal, StatementId, Timestamp};
use bedside_protocol::limits::INVITE_HOURS_MAX;
use bedside_protocol::problem::{Problem, ProblemKind};
use bedside_protocol::statement::{
    Access, Acknowledgement, Credential, Invite, Statement, StatementError, Trust, statement_id,
};

use super::{Work, refuse};
use crate::storage::{DeviceRow, FeedObject, Gives, LogRow, PrincipalRow, StatementKind, Storage, Stored};

/// What became of a statement.
pub(super) type Verdict = Result<(), Problem>;

/// A statement as it came, read and believed.
struct Believed<'a> {
    id: StatementId,
    bytes: &'a [u8],
}

impl<S: Storage> Work<'_, '_, S> {
    /// Verifies a statement and does what it says. `sender` is who brought it, if that is known.
    pub(super) fn statement(&mut self, sender: Option<DeviceRow>, bytes: &[u8]) -> Stored<Verdict> {
        let verdict = self.judge(sender, bytes)?;
        self.relay.tally.statements_refused += u64::from(verdict.is_err());
        Ok(verdict)
    }

    fn judge(&mut self, sender: Option<DeviceRow>, bytes: &[u8]) -> Stored<Verdict> {
        if self.storage().is_stopped(&statement_id(bytes))? {
            let why =
                "two devices answered the invitation that this credential was issued for; ask for a new one";
            return Ok(Err(refuse(ProblemKind::StatementRefused, why)));
        }
        if self.storage().has_statement(&statement_id(bytes))? {
            return Ok(Ok(()));
        }
        let (id, statement) = match self.relay.trust.verify(bytes) {
            Ok(verified) => verified,
            Err(error) => return Ok(Err(refusal(&error))),
        };
        let believed = Believed { id, bytes };
        match statement {
            Statement::Organisation(_) => self.organisation(sender, &believed),
            Statement::Credential(credential) => self.credential(&believed, &credential),
            Statement::Access(access) => self.access(sender, &believed, &access),
            Statement::Acknowledgement(acknowledgement) => {
                self.acknowledgement(sender, &believed, &acknowledgement)
            }
            Statement::Invite(invite) => self.invitation(sender, &believed, &invite),
        }
    }

    fn keep(&mut self, kind: StatementKind, believed: &Believed<'_>) -> Stored<crate::storage::StatementRow> {
        self.relay.tally.statements_stored += 1;
        self.storage().add_statement(&believed.id, kind, believed.bytes)
    }

    /// From now on it vouches for others.
    fn believe(&mut self, believed: &Believed<'_>) -> Verdict {
        self.vouched = true;
        self.relay.trust.restore(believed.bytes).map(drop).map_err(|error| refusal(&error))
    }

    fn organisation(&mut self, sender: Option<DeviceRow>, believed: &Believed<'_>) -> Stored<Verdict> {
        if let Err(problem) = self.believe(believed) {
            return Ok(Err(problem));
        }
        let statement = self.keep(StatementKind::Organisation, believed)?;
        for device in self.storage().devices()? {
            if Some(device) != sender {
                self.enqueue(device, FeedObject::Organisation(statement))?;
            }
        }
        Ok(Ok(()))
    }

    fn credential(&mut self, believed: &Believed<'_>, credential: &Credential) -> Stored<Verdict> {
        let by_a_person = self.relay.trust.credential(&credential.issuer).is_some();
        if by_a_person && !self.is_valid_now(&credential.issuer)? {
            let why = "the credential of its issuer is not valid now; somebody else has to issue it";
            return Ok(Err(refuse(ProblemKind::StatementRefused, why)));
        }
        if let Err(problem) = self.believe(believed) {
            return Ok(Err(problem));
        }
        self.keep(StatementKind::Credential, believed)?;
        let device = self.storage().ensure_device(&credential.device())?;
        let Some((from, until)) = span(&self.relay.trust, &believed.id) else { return Ok(Ok(())) };
        let synced = self.storage().standing(device)?.is_some();
        for principal in self.principals(&believed.id)? {
            let gained = self.storage().add_device_principal(device, principal, from, until)?;
            if gained && synced {
                for statement in self.storage().access_of(principal)? {
                    self.enqueue(device, FeedObject::Access(statement))?;
                }
            }
        }
        Ok(Ok(()))
    }

    /// True when the credential, and everything that it rests on, is valid by the relay's clock.
    fn is_valid_now(&self, credential: &StatementId) -> Stored<bool> {
        let span = span(&self.relay.trust, credential);
        let lasts = span.is_some_and(|(from, until)| from <= self.now && self.now <= until);
        Ok(lasts && !self.storage().is_stopped(credential)?)
    }

    /// Ends at once what a credential gave. What else its device holds stays; it signs in again.
    pub(super) fn stop(&mut self, id: &StatementId) -> Stored<()> {
        self.storage().stop_credential(id)?;
        let trust = &self.relay.trust;
        let Some(stopped) = trust.credential(id).map(Credential::device) else { return Ok(()) };
        let Some(device) = self.storage().device(&stopped)? else { return Ok(()) };
        self.storage().forget_authority(device)?;
        for (other, _) in trust.credentials().filter(|(_, held)| held.device() == stopped) {
            if let Some((from, until)) = span(trust, other)
                && !self.storage().is_stopped(other)?
            {
                for principal in self.principals(other)? {
                    self.storage().add_device_principal(device, principal, from, until)?;
                }
            }
        }
        if self.storage().principals_of(device)?.is_empty() {
            self.storage().unsubscribe_all(device)?;
            self.storage().drop_feed(device, self.relay.meta.seq)?;
        }
        Ok(())
    }

    /// For whom the holder of a credential acts: themselves, and the organisation that issued it.
    fn principals(&self, credential: &StatementId) -> Stored<BTreeSet<PrincipalRow>> {
        let trust = &self.relay.trust;
        let identity = trust.credential(credential).map(|c| Principal::Identity(c.identity()));
        let organisation = trust.organisation_of(credential).map(|o| Principal::Organisation(o.id));
        identity.iter().chain(&organisation).map(|p| self.storage().ensure_principal(p)).collect()
    }

    fn access(
        &mut self,
        sender: Option<DeviceRow>,
        believed: &Believed<'_>,
        access: &Access,
    ) -> Stored<Verdict> {
        if let Err(why) = self.may_give(sender, access)? {
            return Ok(Err(refuse(ProblemKind::StatementRefused, why)));
        }
        let is_there = self.storage().log(&access.log)?.is_some();
        let gives = Gives { read: !access.founding || !is_there, append: access.append || access.founding };
        let log = self.storage().ensure_log(&access.log)?;
        let reader = self.storage().ensure_principal(&access.reader)?;
        let devices = self.storage().devices_of(reader)?;
        let waiting = if gives.read { self.waiting_to_read(log, &devices)? } else { Vec::new() };
        let statement = self.keep(StatementKind::Access, believed)?;
        self.storage().add_access(log, reader, statement, gives)?;
        for device in devices {
            // Who brings access that somebody else gave them asked for the log before this counted, and was passed over.
            if Some(device) != sender || !access.founding {
                self.enqueue(device, FeedObject::Access(statement))?;
            }
        }
        for device in waiting {
            for entry in self.storage().entries_of(log)? {
                self.enqueue(device, FeedObject::Entry(entry))?;
            }
        }
        Ok(Ok(()))
    }

    /// Which of these subscribed to a log that they may not read yet.
    fn waiting_to_read(&self, log: LogRow, devices: &[DeviceRow]) -> Stored<Vec<DeviceRow>> {
        let mut waiting = Vec::new();
        for device in devices {
            if self.storage().is_subscribed(*device, log)?
                && !self.storage().device_rights(log, *device, self.now)?.read
            {
                waiting.push(*device);
            }
        }
        Ok(waiting)
    }

    /// An old statement holds when somebody who may share the log brings it again, so that a relay that lost everything
    /// learns it. Otherwise its signer's authority has to last.
    fn may_give(&self, sender: Option<DeviceRow>, access: &Access) -> Stored<Result<(), &'static str>> {
        let log = self.storage().log(&access.log)?;
        if let (Some(log), Some(sender)) = (log, sender)
            && self.storage().device_rights(log, sender, self.now)?.share
        {
            return Ok(Ok(()));
        }
        if !self.is_valid_now(&access.granter)? {
            return Ok(Err("the granter's credential is not valid now; somebody else has to give access"));
        }
        if access.founding {
            return Ok(Ok(()));
        }
        if let Some(log) = log {
            for principal in self.principals(&access.granter)? {
                if self.storage().principal_rights(log, principal)?.share {
                    return Ok(Ok(()));
                }
            }
        }
        Ok(Err("the granter may not give access to this log; send their own access first"))
    }

    fn acknowledgement(
        &mut self,
        sender: Option<DeviceRow>,
        believed: &Believed<'_>,
        acknowledgement: &Acknowledgement,
    ) -> Stored<Verdict> {
        let no_access =
            || Ok(Err(refuse(ProblemKind::StatementRefused, "the reader has no access to this log")));
        let plan =
            self.relay.trust.credential(&acknowledgement.reader).and_then(|credential| credential.plan);
        let Some(log) = self.storage().log(&acknowledgement.log)? else { return no_access() };
        if plan.is_some_and(|plan| plan != acknowledgement.log) {
            let why = "the reader's credential is for another plan";
            return Ok(Err(refuse(ProblemKind::StatementRefused, why)));
        }
        let mut reads = false;
        for principal in self.principals(&acknowledgement.reader)? {
            reads |= self.storage().principal_rights(log, principal)?.read;
        }
        if !reads {
            return no_access();
        }
        let mut known = false;
        let mut authors = BTreeSet::new();
        for id in &acknowledgement.entries {
            let Some(entry) = self.storage().entry(id)? else { continue };
            if entry.log != log {
                let why = "it names an entry of another log";
                return Ok(Err(refuse(ProblemKind::StatementRefused, why)));
            }
            known = true;
            authors.insert(entry.pushed_by);
        }
        // Not kept while it is about nothing that is here, so that it counts when it is brought again.
        if known {
            let statement = self.keep(StatementKind::Acknowledgement, believed)?;
            for device in authors.into_iter().filter(|device| Some(*device) != sender) {
                self.enqueue(device, FeedObject::Acknowledgement(statement))?;
            }
        }
        Ok(Ok(()))
    }

    fn invitation(
        &mut self,
        sender: Option<DeviceRow>,
        believed: &Believed<'_>,
        invite: &Invite,
    ) -> Stored<Verdict> {
        let Some(sender) = sender else {
            return Ok(Err(refuse(ProblemKind::StatementRefused, "an invitation comes by sync")));
        };
        if self.storage().invite(&invite.id)?.is_some() {
            return Ok(Err(refuse(ProblemKind::StatementRefused, "another invitation has this id")));
        }
        let longest: Timestamp = self.now.plus_ms(INVITE_HOURS_MAX * 60 * 60 * 1_000);
        self.keep(StatementKind::Invite, believed)?;
        self.storage().add_invite(&invite.id, sender, invite.valid_until.min(longest))?;
        Ok(Ok(()))
    }
}

/// When the holder of a credential may act: while it, its issuer and their organisation are all valid. `None` is never.
fn span(trust: &Trust, credential: &StatementId) -> Option<(Timestamp, Timestamp)> {
    let held = trust.credential(credential)?;
    let (from, until) = match trust.organisation(&held.issuer) {
        Some(organisation) => (organisation.valid_from, organisation.valid_until),
        None => span(trust, &held.issuer)?,
    };
    let (from, until) = (from.max(held.valid_from), until.min(held.valid_until));
    (from <= until).then_some((from, until))
}

fn refusal(error: &StatementError) -> Problem {
    let detail = match error {
        StatementError::MissingIssuer(id) => format!("the statement of its signer is missing: {id}"),
        StatementError::Payload(cause) => format!("{error}: {cause}"),
        _ => error.to_string(),
    };
    let kind = match error {
        StatementError::TooLarge(_) => ProblemKind::TooLarge,
        _ => ProblemKind::StatementRefused,
    };
    refuse(kind, detail)
}
