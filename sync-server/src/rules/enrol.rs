//! Passing a new device's request to the one who invited it, and the answer back.
//!
//! An invitation is a secret on a screen or on paper. Whoever copies it can answer too; the relay sees that two different
//! devices did, and stops both: also a credential that one of them was given already.

use bedside_protocol::cbor;
use bedside_protocol::ids::StatementId;
use bedside_protocol::problem::{Problem, ProblemKind};
use bedside_protocol::statement::{Statement, Unverified, parse};
use bedside_protocol::wire::{EnrolAnswer, EnrolRequest, EnrolmentAnswer};
use minicbor::Decode;
use minicbor::bytes::ByteVec;

use super::{Work, refuse};
use crate::limits::{ENROL_ANSWER_BYTES_MAX, ENROL_REQUEST_BYTES_MAX};
use crate::storage::{DeviceRow, FeedObject, InviteState, Storage, Stored};

pub(super) fn check_limits(request: &EnrolRequest) -> Result<(), Problem> {
    if request.request.len() <= ENROL_REQUEST_BYTES_MAX {
        return Ok(());
    }
    let why = format!("an enrolment request has at most {ENROL_REQUEST_BYTES_MAX} bytes");
    Err(refuse(ProblemKind::TooLarge, why))
}

impl<S: Storage> Work<'_, '_, S> {
    pub(super) fn enrol(&mut self, request: EnrolRequest) -> Result<Result<EnrolAnswer, Problem>, Problem> {
        let Some(mut invite) = self.storage().invite(&request.invite)? else {
            return Ok(Err(refuse(ProblemKind::NotFound, "there is no such invitation; ask for a new one")));
        };
        let expired = self.now > invite.valid_until;
        let offered = (request.request, request.proof);
        let same = invite.request.as_ref().map(|first| *first == offered);
        Ok(match (same, invite.answer.take()) {
            _ if invite.contested => Err(contested()),
            // An answer that was lost on the way is given again.
            (Some(true), Some(answer)) => Ok(EnrolAnswer::Issued(answer)),
            _ if expired => {
                Err(refuse(ProblemKind::InviteExpired, "the invitation has run out; ask for a new one"))
            }
            (Some(true), None) => Ok(EnrolAnswer::Waiting),
            (Some(false), _) => {
                self.contest(invite)?;
                Err(contested())
            }
            (None, _) => {
                invite.request = Some(offered);
                self.storage().update_invite(&invite)?;
                self.enqueue(invite.issuer, FeedObject::Enrolment(invite.row))?;
                Ok(EnrolAnswer::Waiting)
            }
        })
    }

    fn contest(&mut self, mut invite: InviteState) -> Stored<()> {
        invite.contested = true;
        invite.answer = None;
        self.storage().update_invite(&invite)?;
        if let Some(credential) = invite.admitted {
            self.stop(&credential)?;
        }
        self.enqueue(invite.issuer, FeedObject::Contested(invite.row))
    }

    /// The credential that an answer brings. Not that of a device which has synced before: else an issuer could stop a
    /// colleague by putting the colleague's credential into an answer and contesting it themselves.
    fn admitted(&self, answer: &[u8]) -> Stored<Option<StatementId>> {
        let Some(unverified) = credential_in(answer) else { return Ok(None) };
        let Statement::Credential(credential) = unverified.statement else { return Ok(None) };
        let synced = match self.storage().device(&credential.device())? {
            Some(device) => self.storage().standing(device)?.is_some(),
            None => false,
        };
        Ok((!synced).then_some(unverified.id))
    }

    /// Keeps the issuer's answer for the new device. The first answer stays.
    pub(super) fn answer_enrolment(&mut self, device: DeviceRow, answer: EnrolmentAnswer) -> Stored<()> {
        let invite = self.storage().invite(&answer.invite)?.filter(|invite| {
            invite.issuer == device
                && invite.request.is_some()
                && !invite.contested
                && answer.answer.len() <= ENROL_ANSWER_BYTES_MAX
        });
        match invite {
            Some(mut invite) if invite.answer.is_none() => {
                invite.admitted = self.admitted(&answer.answer)?;
                invite.answer = Some(answer.answer);
                self.storage().update_invite(&invite)?;
            }
            Some(_) => {}
            None => self.relay.tally.enrolments_ignored += 1,
        }
        Ok(())
    }
}

/// As much of an issuer's answer as is read here.
#[derive(Decode)]
#[cbor(map)]
struct IssuerAnswer {
    #[cbor(n(0), with = "minicbor::bytes")]
    issued: Vec<u8>,
}

#[derive(Decode)]
#[cbor(map)]
struct Issued {
    /// Each after those that vouch for it; the last is the new credential.
    #[n(0)]
    statements: Vec<ByteVec>,
}

fn credential_in(answer: &[u8]) -> Option<Unverified> {
    let answer: IssuerAnswer = cbor::decode(answer).ok()?;
    let issued: Issued = cbor::decode(&answer.issued).ok()?;
    parse(issued.statements.last()?).ok()
}

fn contested() -> Problem {
    let why = "two devices answered this invitation; both are stopped, ask for a new one in person";
    refuse(ProblemKind::InviteContested, why)
}
