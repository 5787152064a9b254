-- What each table and column means stands in docs/data-model.md; a test compares the two.

CREATE TABLE outgoing (
    position  INTEGER PRIMARY KEY,
    sealed_id BLOB NOT NULL UNIQUE CHECK (length(sealed_id) = 32),
    bytes     BLOB NOT NULL
) STRICT;

CREATE TABLE outgoing_statement (
    position     INTEGER PRIMARY KEY,
    statement_id BLOB NOT NULL UNIQUE CHECK (length(statement_id) = 32),
    bytes        BLOB NOT NULL,
    refusals     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE incoming (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id       BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
    bytes    BLOB NOT NULL
) STRICT;

CREATE TABLE wish (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id       BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
    bytes    BLOB NOT NULL
) STRICT;

CREATE TABLE receipt (
    sealed_id BLOB NOT NULL PRIMARY KEY CHECK (length(sealed_id) = 32),
    at        INTEGER NOT NULL,
    refused   BLOB,
    sum       BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE state (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    cursor      BLOB,
    token       BLOB,
    token_until INTEGER,
    relay_epoch BLOB CHECK (length(relay_epoch) = 16),
    relay_time  INTEGER,
    device_time INTEGER,
    relay_url   TEXT,
    recovering  INTEGER NOT NULL DEFAULT 0 CHECK (recovering IN (0, 1)),
    sum         BLOB
) STRICT;
INSERT INTO state (one) VALUES (1);
