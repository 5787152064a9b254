//! Cursors, and what waits for a device.
//!
//! Every row of a feed has a number that ascends over the whole relay and a check: 32 random bits drawn by the request
//! that wrote it, and 32 bits of a MAC over them and the number. A cursor names both. So a device's cursor is
//! - what the device acknowledged last, or a row of its feed: then it stands there;
//! - old (the device was restored, or the request was delayed on the way): the device is offered a new position;
//! - a number and a check that this relay gave out and does not have: this database is an old copy. It begins a
//!   new epoch, and every device compares. The MAC is there so that no client can bring this about with made-up numbers.
//!
//! An offered position takes effect when the device uses it. Until then nothing of the device's is dropped, so that a
//! delayed request that is answered to nobody does no harm.

use bedside_protocol::ids::{DeviceId, Timestamp};
use bedside_protocol::problem::{Problem, ProblemKind};
use bedside_protocol::wire::{Cursor, EnrolRequest, Item, LiveEvent};
use ring::hmac;

use super::{Work, refuse};
use crate::limits::LIVE_BYTES_MAX;
use crate::storage::{DeviceRow, FeedObject, FeedRow, Meta, Position, Standing, Storage, Stored};

/// Where a request starts from.
pub(super) struct Place {
    /// What is sent comes after this.
    pub(super) from: Position,
    /// The device's cursor meant nothing; `from` is offered instead.
    pub(super) reset: bool,
}

/// Items after a position.
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    pub(super) end: Position,
    pub(super) more: bool,
    pub(super) bytes: usize,
}

/// Where a live stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveFrom {
    /// The device says that it stands here.
    Claimed(Cursor),
    /// This stream has sent everything up to here; the device may have got further by a sync.
    Sent(Cursor),
}

/// What a live stream sends next; `None` when there is nothing. Without items it says: sync.
pub fn live_page<S: Storage>(
    storage: &S,
    now: Timestamp,
    device: DeviceId,
    from: LiveFrom,
) -> Result<Option<LiveEvent>, Problem> {
    let unknown = || refuse(ProblemKind::Forbidden, "no credential names this device");
    let device = storage.device(&device)?.ok_or_else(unknown)?;
    let meta = storage.meta()?;
    let (LiveFrom::Claimed(cursor) | LiveFrom::Sent(cursor)) = from;
    let sync_instead = Ok(Some(LiveEvent { cursor, items: Vec::new(), time: now }));
    let Some(base) = live_base(storage, &meta, device, from)? else { return sync_instead };
    let page = page(storage, device, base, LIVE_BYTES_MAX)?;
    if page.more || page.bytes > LIVE_BYTES_MAX {
        return sync_instead;
    }
    if page.items.is_empty() {
        return Ok(None);
    }
    let cursor = cursor_at(&meta, page.end);
    Ok(Some(LiveEvent { cursor, items: page.items, time: now }))
}

fn live_base<S: Storage>(
    storage: &S,
    meta: &Meta,
    device: DeviceRow,
    from: LiveFrom,
) -> Stored<Option<Position>> {
    let (LiveFrom::Claimed(cursor) | LiveFrom::Sent(cursor)) = from;
    let Some(standing) = storage.standing(device)?.filter(|_| cursor.epoch == meta.epoch) else {
        return Ok(None);
    };
    let claimed = Position { at: cursor.at, check: cursor.check };
    if claimed == standing.ack {
        return Ok(Some(claimed));
    }
    if matches!(from, LiveFrom::Sent(_)) && claimed.at < standing.ack.at {
        return Ok(Some(standing.ack));
    }
    let row = storage.feed_row(device, cursor.at)?;
    Ok(row.filter(|row| row.position == claimed).map(|row| row.position))
}

pub(super) fn cursor_at(meta: &Meta, position: Position) -> Cursor {
    Cursor { epoch: meta.epoch, at: position.at, check: position.check }
}

/// Items after `from` until they are over `bytes_max`; at least one if there is any.
pub(super) fn page<S: Storage>(
    storage: &S,
    device: DeviceRow,
    from: Position,
    bytes_max: usize,
) -> Stored<Page> {
    const ROWS: usize = 64;
    let mut page = Page { items: Vec::new(), end: from, more: false, bytes: 0 };
    loop {
        let rows = storage.feed_after(device, page.end.at, ROWS)?;
        for row in &rows {
            if let Some(item) = item(storage, row.object)? {
                let bytes = page.bytes + item_bytes(&item);
                if bytes > bytes_max && !page.items.is_empty() {
                    page.more = true;
                    return Ok(page);
                }
                page.bytes = bytes;
                page.items.push(item);
            }
            page.end = row.position;
        }
        if rows.len() < ROWS {
            return Ok(page);
        }
    }
}

fn item<S: Storage>(storage: &S, object: FeedObject) -> Stored<Option<Item>> {
    Ok(match object {
        FeedObject::Entry(row) => Some(Item::Entry(storage.entry_bytes(row)?)),
        FeedObject::Organisation(row) | FeedObject::Access(row) | FeedObject::Acknowledgement(row) => {
            Some(Item::Statement(storage.statement(row)?))
        }
        FeedObject::Enrolment(row) => {
            storage.invite_at(row)?.filter(|invite| !invite.contested).and_then(|invite| {
                let (request, proof) = invite.request?;
                Some(Item::Enrolment(EnrolRequest { invite: invite.id, request, proof }))
            })
        }
        FeedObject::Contested(row) => storage.invite_at(row)?.map(|invite| Item::InviteContested(invite.id)),
        FeedObject::Nothing => None,
    })
}

fn item_bytes(item: &Item) -> usize {
    const FRAME: usize = 8;
    FRAME
        + match item {
            Item::Entry(bytes) | Item::Statement(bytes) => bytes.len(),
            Item::Enrolment(request) => request.request.len() + 80,
            Item::InviteContested(_) => 40,
        }
}

impl<S: Storage> Work<'_, '_, S> {
    /// Finds where the device stands and drops what it acknowledges.
    pub(super) fn place(&mut self, device: DeviceRow, cursor: Option<Cursor>) -> Stored<Place> {
        let standing = self.storage().standing(device)?;
        let (cursor, standing) = match (cursor, standing) {
            (None, _) => return Ok(Place { from: self.start(device)?, reset: false }),
            (Some(_), None) => {
                self.relay.tally.resets += 1;
                return Ok(Place { from: self.start(device)?, reset: true });
            }
            (Some(cursor), Some(standing)) => (cursor, standing),
        };
        let claimed = Position { at: cursor.at, check: cursor.check };
        let offered = standing.reset.filter(|reset| reset.at > standing.ack.at);
        if cursor.epoch == self.relay.meta.epoch {
            if claimed == standing.ack {
                return Ok(Place { from: claimed, reset: false });
            }
            if self.storage().feed_row(device, claimed.at)?.is_some_and(|row| row.position == claimed) {
                self.storage().drop_feed(device, claimed.at)?;
                self.storage().set_standing(device, Standing { ack: claimed, ..standing })?;
                return Ok(Place { from: claimed, reset: false });
            }
            if offered == Some(claimed) {
                self.begin_again(device, claimed)?;
                return Ok(Place { from: claimed, reset: false });
            }
            if claimed.at > standing.ack.at && self.gave_out(claimed) {
                self.relay.tally.epochs_drawn += 1;
                self.relay.draw_epoch(self.rng)?;
            }
        }
        self.relay.tally.resets += 1;
        let from = match offered {
            Some(offered) => offered,
            None => self.next_position(),
        };
        self.storage().set_standing(device, Standing { reset: Some(from), ..standing })?;
        Ok(Place { from, reset: true })
    }

    /// A device's first sync, or its first after it was rebuilt: what it may read waits for it, nothing else does.
    fn start(&mut self, device: DeviceRow) -> Stored<Position> {
        let from = self.next_position();
        self.storage().unsubscribe_all(device)?;
        self.storage().drop_feed(device, from.at)?;
        self.storage().set_standing(device, Standing { ack: from, reset: None })?;
        self.enqueue_statements(device)?;
        for invite in self.storage().requested_invites(device)? {
            if invite.contested {
                self.enqueue(device, FeedObject::Contested(invite.row))?;
            } else if invite.answer.is_none() {
                self.enqueue(device, FeedObject::Enrolment(invite.row))?;
            }
        }
        Ok(from)
    }

    /// A device takes up the position it was offered. Entries are found by comparing; the rest is sent again.
    fn begin_again(&mut self, device: DeviceRow, from: Position) -> Stored<()> {
        let mut waiting = Vec::new();
        let mut at = 0;
        loop {
            let rows = self.storage().feed_after(device, at, 256)?;
            let Some(last) = rows.last() else { break };
            at = last.position.at;
            waiting.extend(rows.into_iter().filter(|row| row.position.at <= from.at));
            if at > from.at {
                break;
            }
        }
        self.storage().unsubscribe_all(device)?;
        self.storage().drop_feed(device, from.at)?;
        self.storage().set_standing(device, Standing { ack: from, reset: None })?;
        self.enqueue_statements(device)?;
        for row in waiting {
            match row.object {
                FeedObject::Acknowledgement(_) | FeedObject::Enrolment(_) | FeedObject::Contested(_) => {
                    self.enqueue(device, row.object)?;
                }
                FeedObject::Entry(_)
                | FeedObject::Organisation(_)
                | FeedObject::Access(_)
                | FeedObject::Nothing => {}
            }
        }
        Ok(())
    }

    /// What a device that begins has to know: the organisations, and what its principals have access to.
    fn enqueue_statements(&mut self, device: DeviceRow) -> Stored<()> {
        for statement in self.storage().organisations()? {
            self.enqueue(device, FeedObject::Organisation(statement))?;
        }
        for principal in self.storage().principals_of(device)? {
            for statement in self.storage().access_of(principal)? {
                self.enqueue(device, FeedObject::Access(statement))?;
            }
        }
        Ok(())
    }

    /// Adds to a device's feed and remembers to wake it.
    pub(super) fn enqueue(&mut self, device: DeviceRow, object: FeedObject) -> Stored<()> {
        let position = self.next_position();
        self.woken.insert(device);
        self.storage().add_feed(device, FeedRow { position, object })
    }

    fn next_position(&mut self) -> Position {
        let nonce = *self.nonce.get_or_insert_with(|| {
            let mut nonce = [0; 4];
            (self.rng)(&mut nonce);
            u32::from_be_bytes(nonce)
        });
        self.relay.meta.seq += 1;
        let at = self.relay.meta.seq;
        Position { at, check: self.check(at, nonce) }
    }

    fn check(&self, at: u64, nonce: u32) -> u64 {
        let message = [b"cursor".as_slice(), &at.to_be_bytes(), &nonce.to_be_bytes()].concat();
        let mac = hmac::sign(&self.relay.key, &message);
        let mac = mac.as_ref().first_chunk().map_or(0, |mac| u32::from_be_bytes(*mac));
        u64::from(nonce) << 32 | u64::from(mac)
    }

    fn gave_out(&self, position: Position) -> bool {
        let nonce = u32::try_from(position.check >> 32).expect("the upper half of 64 bits is 32 bits");
        self.check(position.at, nonce) == position.check
    }
}
