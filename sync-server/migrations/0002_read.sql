-- Who begins a log that is there already may add to it and not read it, until somebody who has it gives access.
ALTER TABLE log_access ADD COLUMN read INTEGER NOT NULL DEFAULT 1;
