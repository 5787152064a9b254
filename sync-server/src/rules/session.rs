//! Signing in. A device proves that it holds its transport key; its credentials say for whom it acts.
//!
//! Challenges are not stored: each is a time, a nonce, and a MAC over both and the key it was drawn for.

use bedside_protocol::ids::{DeviceId, Timestamp};
use bedside_protocol::problem::{Problem, ProblemKind};
use bedside_protocol::signing::{hash, verify};
use bedside_protocol::statement::{Statement, device_id, parse};
use bedside_protocol::wire::{Hello, Prove, Session, SessionAnswer, challenge_message};
use ring::hmac;

use super::{Relay, Rng, Work, refuse, too_many};
use crate::limits::{CHALLENGE_MS, INVITE_KEPT_MS, SESSION_STATEMENTS_MAX, TOKEN_MS, TOKENS_PER_DEVICE_MAX};
use crate::storage::Storage;

/// The device that a token stands for, if its session lasts and one of its credentials is valid.
pub fn authenticate<S: Storage>(storage: &S, now: Timestamp, token: &[u8]) -> Result<DeviceId, Problem> {
    let needed = |why: &str| refuse(ProblemKind::SignInNeeded, why);
    if token.len() != 32 {
        return Err(needed("a token is 32 bytes in hexadecimal"));
    }
    let (device, until) =
        storage.token(&hash(token))?.ok_or_else(|| needed("unknown token: sign in again"))?;
    if until <= now {
        return Err(needed("the session has ended: sign in again"));
    }
    if !storage.is_valid(device, now)? {
        return Err(refuse(ProblemKind::Forbidden, "no credential of this device is valid now"));
    }
    Ok(storage.device_id(device)?)
}

impl<S: Storage> Relay<S> {
    pub(super) fn hello(
        &self,
        now: Timestamp,
        rng: &mut Rng<'_>,
        hello: &Hello,
    ) -> Result<SessionAnswer, Problem> {
        if hello.version < bedside_protocol::VERSION {
            return Err(refuse(
                ProblemKind::UpdateNeeded,
                "this relay speaks protocol version 1; update the app",
            ));
        }
        let mut challenge = [0; 32];
        challenge[..8].copy_from_slice(&now.0.to_be_bytes());
        rng(&mut challenge[8..16]);
        let mac = self.challenge_mac(&challenge, &hello.transport_key);
        challenge[16..].copy_from_slice(&mac);
        Ok(SessionAnswer::Challenge(challenge))
    }

    fn challenge_mac(&self, challenge: &[u8; 32], transport_key: &[u8; 32]) -> [u8; 16] {
        let message = [b"challenge".as_slice(), &challenge[..16], transport_key].concat();
        let mut mac = [0; 16];
        mac.copy_from_slice(&hmac::sign(&self.key, &message).as_ref()[..16]);
        mac
    }

    pub(super) fn check_proof(&self, now: Timestamp, prove: &Prove) -> Result<(), Problem> {
        too_many("statements", prove.statements.len(), SESSION_STATEMENTS_MAX)?;
        let drawn = prove.challenge.first_chunk().map_or(0, |time| u64::from_be_bytes(*time));
        let mac = self.challenge_mac(&prove.challenge, &prove.transport_key);
        let ours = mac.iter().zip(&prove.challenge[16..]).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0;
        let age = now.since(Timestamp(drawn)).max(Timestamp(drawn).since(now));
        if !ours || age > CHALLENGE_MS {
            return Err(refuse(ProblemKind::SignInNeeded, "the challenge has run out: ask for another"));
        }
        let message = challenge_message(&prove.challenge, &prove.transport_key);
        if !verify(&prove.transport_key, &message, &prove.signature) {
            return Err(refuse(ProblemKind::Forbidden, "the signature does not fit the transport key"));
        }
        Ok(())
    }
}

impl<S: Storage> Work<'_, '_, S> {
    /// Takes the credentials and begins a session. What was accepted stays, even when no session comes of it.
    pub(super) fn sign_in(&mut self, prove: &Prove) -> Result<Result<SessionAnswer, Problem>, Problem> {
        let id = device_id(&prove.transport_key);
        let device = self.storage().device(&id)?;
        let mut refusal = None;
        for bytes in &prove.statements {
            if let Err(problem) = self.vouch(device, bytes)? {
                refusal.get_or_insert(problem);
            }
        }
        let forbidden = |why: String| Ok(Err(refuse(ProblemKind::Forbidden, why)));
        let Some(device) = self.storage().device(&id)? else {
            let why = refusal.map_or_else(|| "bring its credential".to_owned(), |problem| problem.detail);
            return forbidden(format!("no credential names this device: {why}"));
        };
        if !self.storage().is_valid(device, self.now)? {
            let why = refusal.map_or_else(String::new, |problem| format!(": {}", problem.detail));
            return forbidden(format!("no credential of this device is valid now{why}"));
        }
        let mut token = [0; 32];
        (self.rng)(&mut token);
        let now = self.now;
        let valid_until = now.plus_ms(TOKEN_MS);
        self.storage().add_token(&hash(&token), device, valid_until, TOKENS_PER_DEVICE_MAX)?;
        self.storage().forget_ended(now, Timestamp(now.0.saturating_sub(INVITE_KEPT_MS)))?;
        let session = Session { token, relay_epoch: self.relay.meta.epoch, time: now, valid_until };
        Ok(Ok(SessionAnswer::Session(session)))
    }

    fn vouch(
        &mut self,
        device: Option<crate::storage::DeviceRow>,
        bytes: &[u8],
    ) -> Result<Result<(), Problem>, Problem> {
        let vouches = parse(bytes)
            .is_ok_and(|u| matches!(u.statement, Statement::Organisation(_) | Statement::Credential(_)));
        if !vouches {
            return Ok(Err(refuse(
                ProblemKind::StatementRefused,
                "only organisations and credentials sign in",
            )));
        }
        Ok(self.statement(device, bytes)?)
    }
}
