//! What an effect does to the device, one function each. They block, and doing one twice changes nothing.

use bedside_protocol::cbor;
use bedside_protocol::ids::{StatementId, Timestamp};
use bedside_protocol::limits::{
    ENROLMENTS_MAX, ENTRY_BYTES_MAX, PUSH_BYTES_MAX, PUSH_ENTRIES_MAX, STATEMENT_BYTES_MAX, STATEMENTS_MAX,
};
use bedside_protocol::wire::{Cursor, Item, LiveEvent, Receipt, Session, SyncAnswer, SyncRequest};
use minicbor::bytes::ByteVec;

use super::DriverError;
use super::device::Device;
use crate::engine::is_final;
use crate::store::{MailReceipt, MailRow, SyncState, Wish};

/// What a request carries besides entries, to be crossed off when it is answered.
#[derive(Clone, Default)]
pub(crate) struct Sent {
    statements: Vec<StatementId>,
    refused_statements: Vec<StatementId>,
    wishes: Vec<i64>,
}

/// How many statements one request carries.
const STATEMENTS: usize = {
    let fit = PUSH_BYTES_MAX / STATEMENT_BYTES_MAX;
    if fit < STATEMENTS_MAX { fit } else { STATEMENTS_MAX }
};

/// How many wishes one request carries: all of them may ask for statements.
const WISHES: usize = STATEMENTS_MAX;

/// Reads what is to be pushed; true when there is more than one request can carry.
///
/// Entries wait until every statement is through: one of them may be what gives the right to push them.
///
/// Who looked since the last contact goes along.
pub(crate) fn collect(device: &Device) -> Result<(SyncRequest, Sent, bool), DriverError> {
    device.send_looks();
    let mailbox = &device.mailbox;
    let statements = mailbox.statements(STATEMENTS)?;
    let all_statements = statements.len() < STATEMENTS;
    // One more than goes out: whether anything is left is not to be counted, as a damaged row counts and never leaves.
    let ahead = (PUSH_BYTES_MAX + ENTRY_BYTES_MAX, PUSH_ENTRIES_MAX + 1);
    let mut entries = if all_statements { mailbox.batch(ahead.0, ahead.1)? } else { Vec::new() };
    let fit = how_many_fit(&entries);
    let more_entries = entries.len() > fit;
    entries.truncate(fit);
    // A log is subscribed to once the relay has heard who may.
    let wishes = if all_statements { mailbox.wishes(WISHES)? } else { Vec::new() };
    let (wishes, more_wishes) = that_fit(wishes);
    let rest = !all_statements || more_entries || more_wishes;
    let mut request = SyncRequest { cursor: mailbox.state()?.cursor, ..SyncRequest::default() };
    let mut sent = Sent::default();
    for (id, bytes) in statements {
        request.statements.push(ByteVec::from(bytes));
        sent.statements.push(id);
    }
    request.entries = entries.into_iter().map(|row| ByteVec::from(row.bytes)).collect();
    for (position, wish) in wishes {
        sent.wishes.push(position);
        match wish {
            Wish::Subscribe(log) => request.subscribe.push(log),
            Wish::Follow(log) => request.follow.push(log),
            Wish::Unsubscribe(log) => request.unsubscribe.push(log),
            Wish::Statement(id) => request.want_statements.push(id),
            Wish::Entry(id) => request.want_entries.push(id),
            Wish::Enrolment(answer) => request.enrolments.push(answer),
        }
    }
    Ok((request, sent, rest))
}

/// The first wishes that one request may carry, and whether there may be more.
fn that_fit(mut wishes: Vec<(i64, Wish)>) -> (Vec<(i64, Wish)>, bool) {
    let mut answers = wishes.iter().enumerate().filter(|(_, (_, wish))| matches!(wish, Wish::Enrolment(_)));
    if let Some((one_too_many, _)) = answers.nth(ENROLMENTS_MAX) {
        wishes.truncate(one_too_many);
        return (wishes, true);
    }
    let full = wishes.len() == WISHES;
    (wishes, full)
}

/// How many of the first entries one request carries; one in any case.
fn how_many_fit(entries: &[MailRow]) -> usize {
    let mut bytes = 0;
    let fits = |row: &&MailRow| {
        bytes += row.bytes.len();
        bytes <= PUSH_BYTES_MAX
    };
    let count = entries.iter().take(PUSH_ENTRIES_MAX).take_while(fits).count();
    count.max(1).min(entries.len())
}

/// Makes an answer durable: items, receipts and the cursor in one transaction, and crosses off what was sent.
pub(crate) fn store_answer(device: &Device, answer: SyncAnswer, sent: &Sent) -> Result<(), DriverError> {
    for refused in &answer.refused_statements {
        tracing::warn!(statement = %refused.statement, problem = %refused.problem, "a statement was refused");
    }
    let time = answer.time;
    let final_ones = answer.receipts.into_iter().filter(|receipt| is_final(receipt, answer.reset));
    let receipts: Vec<MailReceipt> = final_ones.map(|receipt| mail_receipt(receipt, time)).collect();
    let refused: Vec<StatementId> =
        answer.refused_statements.iter().map(|refused| refused.statement).collect();
    let (refused, accepted) = sent.statements.iter().partition(|id| refused.contains(id));
    let sent = Sent { statements: accepted, refused_statements: refused, wishes: sent.wishes.clone() };
    let statements = answer.statements.into_iter().map(|bytes| Item::Statement(bytes.into()));
    let items: Vec<Item> = statements.chain(answer.items).collect();
    store_page(device, &items, &receipts, &sent, answer.cursor, time, answer.reset)
}

/// Makes a live event durable likewise.
pub(crate) fn store_live(device: &Device, event: &LiveEvent) -> Result<(), DriverError> {
    store_page(device, &event.items, &[], &Sent::default(), event.cursor, event.time, false)
}

fn store_page(
    device: &Device,
    items: &[Item],
    receipts: &[MailReceipt],
    sent: &Sent,
    cursor: Cursor,
    time: Timestamp,
    reset: bool,
) -> Result<(), DriverError> {
    if !items.is_empty() && device.mailbox.is_full()? {
        return Err(DriverError::MailboxFull);
    }
    let items: Vec<Vec<u8>> = items.iter().map(cbor::encode).collect();
    let before = device.mailbox.state()?;
    let state = SyncState {
        cursor: Some(cursor),
        relay_epoch: Some(cursor.epoch),
        relay_time: Some(time),
        device_time: Some(device.now()),
        // With the new cursor, or a crash in between would leave nobody to know that there is something to compare.
        recovering: before.recovering || reset,
        ..before
    };
    let Sent { statements, refused_statements, wishes } = sent;
    Ok(device.mailbox.store(&items, receipts, statements, refused_statements, wishes, &state)?)
}

/// Keeps a session.
pub(crate) fn keep_session(device: &Device, session: &Session) -> Result<(), DriverError> {
    let now = device.now();
    change_state(device, |state| {
        state.token = Some(session.token);
        state.token_until = Some(session.valid_until);
        state.relay_time = Some(session.time);
        state.device_time = Some(now);
    })
}

/// Forgets the session.
pub(crate) fn drop_session(device: &Device) -> Result<(), DriverError> {
    change_state(device, |state| state.token = None)
}

/// Remembers whether a comparison is to be done.
pub(crate) fn set_recovering(device: &Device, recovering: bool) -> Result<(), DriverError> {
    change_state(device, |state| state.recovering = recovering)
}

fn change_state(device: &Device, change: impl FnOnce(&mut SyncState)) -> Result<(), DriverError> {
    let mut state = device.mailbox.state()?;
    change(&mut state);
    Ok(device.mailbox.set_state(&state)?)
}

/// The credential of this device's person with what vouches for it; none while the vault is locked: the relay has them
/// from before.
pub(crate) fn own_statements(device: &Device) -> Result<Vec<Vec<u8>>, DriverError> {
    match device.vault() {
        Ok(open) => open.chain(open.standing()?.credential),
        Err(_) => Ok(Vec::new()),
    }
}

fn mail_receipt(receipt: Receipt, at: Timestamp) -> MailReceipt {
    MailReceipt { sealed_id: receipt.entry, at, refused: receipt.refused.as_ref().map(cbor::encode) }
}

#[cfg(test)]
mod tests {
    use bedside_protocol::ids::{InviteId, LogId};
    use bedside_protocol::wire::EnrolmentAnswer;

    use super::*;

    fn answer(n: i64) -> (i64, Wish) {
        (n, Wish::Enrolment(EnrolmentAnswer { invite: InviteId::new([7; 32]), answer: Vec::new() }))
    }

    fn follow(n: i64) -> (i64, Wish) {
        (n, Wish::Follow(LogId::new([7; 32])))
    }

    #[test]
    fn a_request_carries_a_thousand_wishes_but_no_more_answers_than_a_relay_takes() {
        let counts = |wishes| {
            let (fit, more) = that_fit(wishes);
            (fit.len(), more)
        };
        assert_eq!(counts((0..7).map(follow).collect()), (7, false));
        assert_eq!(counts((0..1_000).map(follow).collect()), (1_000, true));
        assert_eq!(counts((0..100).map(answer).collect()), (100, false));
        assert_eq!(counts((0..101).map(answer).collect()), (100, true));
        let mixed = (0..200).map(|n| if n % 2 == 0 { answer(n) } else { follow(n) });
        assert_eq!(counts(mixed.clone().collect()), (200, false));
        assert_eq!(counts(mixed.chain((200..300).map(answer)).collect()), (200, true));
    }
}
