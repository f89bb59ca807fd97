-- Where merchants are told of events, and every delivery on its way or done. Times are Unix milliseconds.

CREATE TABLE endpoints (
    number          INTEGER PRIMARY KEY, -- the upper bits of its deliveries' numbers; used again when all of them are gone
    id              BLOB NOT NULL UNIQUE,
    merchant        BLOB NOT NULL,
    url             TEXT NOT NULL,
    events          TEXT NOT NULL,       -- patterns, one a line
    description     TEXT,
    state           INTEGER NOT NULL,    -- 0 enabled, 1 disabled, 2 disabled because it is gone, 3 deleted
    created_at      INTEGER NOT NULL,
    position        INTEGER NOT NULL,    -- the cursor: events up to here are deliveries, or not wanted
    stored_bytes    INTEGER NOT NULL     -- of its deliveries
) STRICT;

CREATE TABLE secrets (
    endpoint        INTEGER NOT NULL,
    serial          INTEGER NOT NULL,
    sealed          BLOB NOT NULL,       -- nonce and ciphertext, bound to the endpoint's id and the serial
    valid_until     INTEGER,             -- null: the one in use
    PRIMARY KEY (endpoint, serial)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_types (
    code            INTEGER PRIMARY KEY,
    name            TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE deliveries (
    number          INTEGER PRIMARY KEY, -- the endpoint's number and the event's position
    event_type      INTEGER NOT NULL,
    state           INTEGER NOT NULL,    -- 0 waiting, 1 succeeded, 2 dead
    step            INTEGER NOT NULL,    -- failures that count on the ladder
    attempts        INTEGER NOT NULL,
    first_attempt_at INTEGER,
    next_at         INTEGER NOT NULL,
    event_at        INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    finished_at     INTEGER,
    object          TEXT NOT NULL,
    body            BLOB NOT NULL        -- the bytes to send
) STRICT;

CREATE INDEX waiting_deliveries ON deliveries (number) WHERE state = 0;
CREATE INDEX dead_deliveries ON deliveries (number) WHERE state = 2;
CREATE INDEX deliveries_of_type ON deliveries (event_type, number);

CREATE TABLE attempts (
    delivery        INTEGER NOT NULL,
    attempt         INTEGER NOT NULL,    -- from 1
    at              INTEGER NOT NULL,
    duration_ms     INTEGER NOT NULL,
    status          INTEGER,             -- null: no answer
    error           TEXT,                -- why there was none
    response        BLOB NOT NULL,       -- how the answer's body begins
    PRIMARY KEY (delivery, attempt)
) STRICT, WITHOUT ROWID;

-- Ranges of events that are delivered once more.
CREATE TABLE replays (
    endpoint        INTEGER NOT NULL,
    serial          INTEGER NOT NULL,
    after           INTEGER NOT NULL,    -- up to here it is done
    through         INTEGER NOT NULL,
    PRIMARY KEY (endpoint, serial)
) STRICT, WITHOUT ROWID;
