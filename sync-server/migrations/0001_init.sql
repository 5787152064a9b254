-- One row: which network this relay serves, and which life of its database this is.
CREATE TABLE meta (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    network_root  BLOB NOT NULL,
    epoch         BLOB NOT NULL,
    cursor_secret BLOB NOT NULL,
    seq           INTEGER NOT NULL
) STRICT;

-- Everything signed that was accepted. In order of acceptance, so whoever vouches comes first.
CREATE TABLE statement (
    row   INTEGER PRIMARY KEY,
    id    BLOB NOT NULL UNIQUE,
    kind  INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE INDEX statement_kind ON statement (kind) WHERE kind IN (0, 1);

-- `ack`: everything up to it is durable on the device. Absent until the device's first sync.
-- `reset`: a position that was offered to a device whose cursor meant nothing; taken when the device uses it.
CREATE TABLE device (
    row         INTEGER PRIMARY KEY,
    id          BLOB NOT NULL UNIQUE,
    ack_at      INTEGER,
    ack_check   INTEGER,
    reset_at    INTEGER,
    reset_check INTEGER
) STRICT;

CREATE TABLE principal (
    row  INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    id   BLOB NOT NULL,
    UNIQUE (kind, id)
) STRICT;

CREATE TABLE device_principal (
    device      INTEGER NOT NULL REFERENCES device,
    principal   INTEGER NOT NULL REFERENCES principal,
    valid_from  INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    PRIMARY KEY (device, principal)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_principal_by_principal ON device_principal (principal, device);

CREATE TABLE token (
    hash        BLOB PRIMARY KEY,
    device      INTEGER NOT NULL REFERENCES device,
    valid_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX token_by_device ON token (device, valid_until);
CREATE INDEX token_by_end ON token (valid_until);

CREATE TABLE log (
    row INTEGER PRIMARY KEY,
    id  BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE log_access (
    log       INTEGER NOT NULL REFERENCES log,
    principal INTEGER NOT NULL REFERENCES principal,
    statement INTEGER NOT NULL REFERENCES statement,
    append    INTEGER NOT NULL,
    PRIMARY KEY (log, principal, statement)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_access_by_principal ON log_access (principal, statement);

CREATE TABLE entry (
    row       INTEGER PRIMARY KEY,
    id        BLOB NOT NULL UNIQUE,
    log       INTEGER NOT NULL REFERENCES log,
    pushed_by INTEGER NOT NULL REFERENCES device,
    received  INTEGER NOT NULL,
    bytes     BLOB NOT NULL
) STRICT;
CREATE INDEX entry_by_log ON entry (log, id);

CREATE TABLE subscription (
    device INTEGER NOT NULL REFERENCES device,
    log    INTEGER NOT NULL REFERENCES log,
    PRIMARY KEY (device, log)
) STRICT, WITHOUT ROWID;
CREATE INDEX subscription_by_log ON subscription (log, device);

-- What waits for each device. `seq` ascends over the whole relay; rows go when the device has them durably.
CREATE TABLE feed (
    device INTEGER NOT NULL REFERENCES device,
    seq    INTEGER NOT NULL,
    chk    INTEGER NOT NULL,
    kind   INTEGER NOT NULL,
    object INTEGER NOT NULL,
    PRIMARY KEY (device, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE invite (
    row         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          BLOB NOT NULL UNIQUE,
    issuer      INTEGER NOT NULL REFERENCES device,
    valid_until INTEGER NOT NULL,
    request     BLOB,
    proof       BLOB,
    contested   INTEGER NOT NULL,
    answer      BLOB
) STRICT;
CREATE INDEX invite_by_issuer ON invite (issuer);
