-- What each table and column means stands in docs/data-model.md; a test compares the two.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secret (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE statement (
    position INTEGER PRIMARY KEY,
    id       BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
    kind     INTEGER NOT NULL,
    log      INTEGER REFERENCES log (number),
    bytes    BLOB NOT NULL,
    sent     INTEGER NOT NULL CHECK (sent IN (0, 1))
) STRICT;
CREATE INDEX statement_by_kind ON statement (kind);
CREATE INDEX statement_by_log ON statement (log) WHERE log IS NOT NULL;
CREATE INDEX statement_unsent ON statement (position) WHERE sent = 0;

CREATE TABLE log (
    number      INTEGER PRIMARY KEY,
    id          BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
    main        INTEGER REFERENCES log (number),
    compartment INTEGER NOT NULL DEFAULT 0,
    subscribed  INTEGER NOT NULL DEFAULT 0 CHECK (subscribed IN (0, 1)),
    opened_at   INTEGER
) STRICT;
CREATE INDEX log_by_main ON log (main) WHERE main IS NOT NULL;
CREATE INDEX log_unsubscribed ON log (number) WHERE subscribed = 0;
CREATE INDEX log_by_opened ON log (opened_at) WHERE opened_at IS NOT NULL;

CREATE TABLE content_key (
    log     INTEGER NOT NULL REFERENCES log (number),
    key_id  BLOB NOT NULL CHECK (length(key_id) = 8),
    key     BLOB NOT NULL CHECK (length(key) = 32),
    current INTEGER NOT NULL CHECK (current IN (0, 1)),
    PRIMARY KEY (log, key_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE entry (
    position    INTEGER PRIMARY KEY,
    log         INTEGER NOT NULL REFERENCES log (number),
    entry_id    BLOB NOT NULL UNIQUE CHECK (length(entry_id) = 32),
    sealed_id   BLOB NOT NULL UNIQUE CHECK (length(sealed_id) = 32),
    credential  BLOB NOT NULL CHECK (length(credential) = 32),
    author_seq  INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    own         INTEGER NOT NULL CHECK (own IN (0, 1)),
    signature   BLOB NOT NULL,
    bytes       BLOB NOT NULL
) STRICT;
CREATE INDEX entry_by_log ON entry (log);

CREATE TABLE also_sealed (
    sealed_id BLOB NOT NULL PRIMARY KEY CHECK (length(sealed_id) = 32),
    position  INTEGER NOT NULL REFERENCES entry (position)
) STRICT, WITHOUT ROWID;
CREATE INDEX also_sealed_by_position ON also_sealed (position);

CREATE TABLE waiting (
    position    INTEGER PRIMARY KEY,
    sealed_id   BLOB NOT NULL UNIQUE CHECK (length(sealed_id) = 32),
    log         INTEGER NOT NULL REFERENCES log (number),
    reason      INTEGER NOT NULL,
    needs       BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    bytes       BLOB NOT NULL
) STRICT;
CREATE INDEX waiting_by_log ON waiting (log);
CREATE INDEX waiting_by_needs ON waiting (needs);

CREATE TABLE outgoing (
    position  INTEGER PRIMARY KEY AUTOINCREMENT,
    sealed_id BLOB NOT NULL UNIQUE CHECK (length(sealed_id) = 32),
    entry_id  BLOB NOT NULL CHECK (length(entry_id) = 32),
    log       INTEGER NOT NULL REFERENCES log (number),
    bytes     BLOB NOT NULL
) STRICT;

CREATE TABLE receipt (
    entry_id BLOB NOT NULL CHECK (length(entry_id) = 32),
    kind     INTEGER NOT NULL,
    by       BLOB NOT NULL,
    at       INTEGER NOT NULL,
    detail   BLOB,
    PRIMARY KEY (entry_id, kind, by)
) STRICT, WITHOUT ROWID;
CREATE INDEX receipt_refused ON receipt (entry_id) WHERE kind = 2;

CREATE TABLE quarantine (
    number     INTEGER PRIMARY KEY,
    table_name TEXT NOT NULL,
    bytes      BLOB NOT NULL,
    reason     TEXT NOT NULL,
    at         INTEGER NOT NULL
) STRICT;

-- From here on everything is derived from entries, statements and keys, and may be dropped and built again.

CREATE TABLE document (
    log   INTEGER PRIMARY KEY REFERENCES log (number),
    bytes BLOB NOT NULL,
    state BLOB NOT NULL
) STRICT;

CREATE TABLE plan (
    log         INTEGER PRIMARY KEY REFERENCES log (number),
    sort        TEXT NOT NULL,
    nhs_number  TEXT NOT NULL,
    family      TEXT NOT NULL,
    given       TEXT NOT NULL,
    born        TEXT NOT NULL,
    place       TEXT NOT NULL,
    cpr         TEXT NOT NULL,
    alerts      INTEGER NOT NULL,
    in_conflict INTEGER NOT NULL CHECK (in_conflict IN (0, 1)),
    held        INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    summary     BLOB NOT NULL
) STRICT;
CREATE INDEX plan_by_name ON plan (sort, log);
CREATE INDEX plan_by_change ON plan (changed_at, log);
CREATE INDEX plan_by_nhs_number ON plan (nhs_number);

CREATE VIRTUAL TABLE plan_search USING fts5 (
    family, given, nhs_number, place,
    content = '', contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2',
    prefix = '1 2 3 4'
);

CREATE TABLE view (
    log   INTEGER NOT NULL REFERENCES log (number),
    kind  INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (log, kind)
) STRICT;
