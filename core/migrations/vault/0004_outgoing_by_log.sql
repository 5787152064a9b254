-- How much of a plan is not sent yet is counted at every save and every look: not by reading the whole outbox.
CREATE INDEX outgoing_by_log ON outgoing (log);
