//! After the relay lost its place: sums over what the vault holds, and what came of comparing them.

use bedside_protocol::ids::LogId;
use bedside_protocol::sealed::SealedEntry;
use bedside_protocol::wire::{Range, RangeSum};

use super::DriverError;
use super::open_vault::OpenVault;
use crate::crypto::content::ContentKey;
use crate::engine::compare::Differences;
use crate::store::{MailRow, Mailbox, OutgoingRow, ReceiptKind, Wish};

impl OpenVault {
    /// Sums up what the vault holds in these ranges.
    pub(crate) fn sums(&self, ranges: &[Range]) -> Result<Vec<RangeSum>, DriverError> {
        let sums = self.vault.read(|read| {
            ranges
                .iter()
                .map(|range| {
                    let (low, high) = range.bounds();
                    Ok(range.sum(&read.sealed_ids_in(&low, &high)?))
                })
                .collect()
        })?;
        Ok(sums)
    }

    /// Queues what the relay lacks for pushing, sealed again to the same bytes, and asks for what this device lacks.
    pub(crate) fn settle(&self, found: &Differences, mailbox: &Mailbox) -> Result<(), DriverError> {
        let missing = self.vault.read(|read| {
            found.against(|range| {
                let (low, high) = range.bounds();
                read.sealed_ids_in(&low, &high)
            })
        })?;
        for batch in missing.there.chunks(200) {
            let mut mail = Vec::with_capacity(batch.len());
            for id in batch {
                mail.extend(
                    self.seal_again(id)?.map(|sealed| MailRow { sealed_id: *id, bytes: sealed.into_bytes() }),
                );
            }
            mailbox.add(&mail)?;
        }
        mailbox.wish(&missing.here.iter().map(|id| Wish::Entry(*id)).collect::<Vec<_>>())?;
        Ok(())
    }

    /// The entries of a log that the relay refused, to be sent again.
    pub(crate) fn refused_of(&self, log: &LogId) -> Result<Vec<OutgoingRow>, DriverError> {
        let receipts = self.vault.read(|read| read.receipts_of(log))?;
        let mut again = Vec::new();
        for receipt in receipts.into_iter().filter(|receipt| receipt.kind == ReceiptKind::Refused) {
            let Some(row) = self.vault.read(|read| read.entry(&receipt.entry_id))? else { continue };
            again.extend(self.seal_again(&row.sealed_id)?.map(|sealed| OutgoingRow {
                sealed_id: row.sealed_id,
                entry_id: row.entry_id,
                log: *log,
                bytes: sealed.into_bytes(),
            }));
        }
        Ok(again)
    }

    fn seal_again(&self, id: &bedside_protocol::ids::SealedId) -> Result<Option<SealedEntry>, DriverError> {
        let Some(row) = self.vault.read(|read| read.entry_by_sealed(id))? else { return Ok(None) };
        let Ok(signature) = row.signature.as_slice().try_into() else { return Ok(None) };
        for key in self.vault.read(|read| read.content_keys(&row.log))? {
            let key = ContentKey::from_bytes(&key.key).map_err(DriverError::Crypto)?;
            let sealed = key
                .seal_entry(&row.log, &row.entry_id, &row.bytes, signature)
                .map_err(DriverError::Crypto)?;
            if sealed.id() == *id {
                return Ok(Some(sealed));
            }
        }
        Ok(None)
    }
}
