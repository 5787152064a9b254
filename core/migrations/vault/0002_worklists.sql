-- What a person keeps for themself on this device, by their identity. Evidence, though nobody else is told of it.

CREATE TABLE caseload (
    identity BLOB NOT NULL CHECK (length(identity) = 32),
    log      INTEGER NOT NULL REFERENCES log (number),
    since    INTEGER NOT NULL,
    PRIMARY KEY (identity, log)
) STRICT, WITHOUT ROWID;
CREATE INDEX caseload_by_log ON caseload (log);

CREATE TABLE visit (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    identity BLOB NOT NULL CHECK (length(identity) = 32),
    log      INTEGER NOT NULL REFERENCES log (number),
    day      TEXT NOT NULL CHECK (length(day) = 10),
    time     TEXT CHECK (length(time) = 5),
    note     TEXT NOT NULL,
    done_at  INTEGER
) STRICT;
CREATE INDEX visit_by_day ON visit (identity, day);
CREATE INDEX visit_to_do ON visit (identity, day) WHERE done_at IS NULL;
CREATE INDEX visit_by_log ON visit (log);

CREATE TABLE looked (
    identity BLOB NOT NULL CHECK (length(identity) = 32),
    log      INTEGER NOT NULL REFERENCES log (number),
    position INTEGER NOT NULL,
    news_at  INTEGER,
    PRIMARY KEY (identity, log)
) STRICT, WITHOUT ROWID;
CREATE INDEX looked_by_log ON looked (log);
CREATE INDEX looked_news ON looked (identity, news_at) WHERE news_at IS NOT NULL;

CREATE INDEX entry_of_others ON entry (log) WHERE own = 0;

-- Derived, like the tables after it in 0001.

CREATE TABLE worklist (
    list INTEGER NOT NULL,
    sort TEXT NOT NULL,
    log  INTEGER NOT NULL REFERENCES log (number),
    why  BLOB NOT NULL,
    PRIMARY KEY (list, sort, log)
) STRICT, WITHOUT ROWID;
CREATE INDEX worklist_by_log ON worklist (log);

-- Rows of lists and of the search index say more than they did: they are made anew when the vault is unlocked.
DELETE FROM plan;
INSERT INTO plan_search (plan_search) VALUES ('delete-all');
INSERT OR REPLACE INTO meta (name, value) SELECT 'derived.missing', x'' WHERE EXISTS (SELECT 1 FROM entry);
