-- The credential in the answer to an invitation, while its device had not synced yet.
ALTER TABLE invite ADD COLUMN admitted BLOB;

-- Credentials that count no more at this relay: two devices answered the invitation they were issued for.
CREATE TABLE stopped (
    credential BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
