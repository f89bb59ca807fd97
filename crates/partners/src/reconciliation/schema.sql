CREATE TABLE payouts (
    payout BLOB PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    amount INTEGER NOT NULL,
    currency INTEGER NOT NULL,
    state TEXT NOT NULL,
    due_on TEXT NOT NULL,
    expected_by INTEGER NOT NULL,
    overdue INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX payouts_expected ON payouts (expected_by) WHERE overdue = 0;

-- What a bank is asked for, as it was first asked: asked again, it is asked for the same.
CREATE TABLE instructions (
    payout BLOB PRIMARY KEY,
    bank_code TEXT,
    account TEXT NOT NULL,
    holder TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE lines (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    bank TEXT NOT NULL,
    line TEXT NOT NULL,
    reference TEXT,
    amount INTEGER NOT NULL,
    currency INTEGER NOT NULL,
    direction TEXT NOT NULL,
    booked_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT,
    payout BLOB,
    UNIQUE (bank, line)
) STRICT;
CREATE INDEX lines_by_payout ON lines (payout) WHERE payout IS NOT NULL;
CREATE INDEX lines_unclaimed ON lines (reference) WHERE payout IS NULL;

CREATE TABLE cursors (bank TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT;

-- Up to which journal position the settlements were compared.
CREATE TABLE compared (only INTEGER PRIMARY KEY CHECK (only = 1), position INTEGER NOT NULL) STRICT;

CREATE TABLE reports (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    payout BLOB NOT NULL,
    happening TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    acknowledged_at INTEGER,
    UNIQUE (payout, happening)
) STRICT;
CREATE INDEX reports_waiting ON reports (number) WHERE acknowledged_at IS NULL;

CREATE TABLE breaks (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency INTEGER NOT NULL,
    detail TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    closed_at INTEGER,
    closed_by TEXT,
    resolution TEXT
) STRICT;
CREATE UNIQUE INDEX breaks_open ON breaks (subject, kind) WHERE state = 'open';
CREATE INDEX breaks_by_subject ON breaks (subject, kind);
CREATE INDEX breaks_by_state ON breaks (state, id);
