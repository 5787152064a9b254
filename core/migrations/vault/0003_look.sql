-- Looks at plans that are not in a signed entry yet.

CREATE TABLE look (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    identity BLOB NOT NULL CHECK (length(identity) = 32),
    log      INTEGER NOT NULL REFERENCES log (number),
    bytes    BLOB NOT NULL
) STRICT;
CREATE INDEX look_by_log ON look (log, identity);
