-- What the journal has said so far, as tables. Everything here can be made again from the journal.
-- Ids are 16 bytes, times are Unix milliseconds, amounts are minor units, currencies are ISO 4217 numbers. Sums of an
-- account are unsigned: beyond 2^63 SQLite shows them as negative.

-- The journal position that the tables reflect, and the hash of the frame that ends there.
CREATE TABLE mark (
    only_row    INTEGER PRIMARY KEY CHECK (only_row = 1),
    position    INTEGER NOT NULL,
    frame_hash  BLOB NOT NULL,
    time        INTEGER NOT NULL
) STRICT;

CREATE TABLE accounts (
    id              BLOB PRIMARY KEY,
    ledger          INTEGER NOT NULL,
    code            INTEGER NOT NULL,
    owner           BLOB NOT NULL,
    debits_must_not_exceed_credits INTEGER NOT NULL,
    credits_must_not_exceed_debits INTEGER NOT NULL,
    debits_posted   INTEGER NOT NULL,
    credits_posted  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_by_owner ON accounts (owner);

-- One line of an account: a transfer is the two entries at its position.
CREATE TABLE entries (
    account         BLOB NOT NULL,
    position        INTEGER NOT NULL,
    credit          INTEGER NOT NULL,
    amount          INTEGER NOT NULL,
    balance_after   INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    payment         BLOB,
    PRIMARY KEY (account, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE tags (
    id              BLOB PRIMARY KEY,
    uid             BLOB NOT NULL UNIQUE,
    merchant        BLOB NOT NULL,
    standing        INTEGER NOT NULL,
    currency        INTEGER NOT NULL,
    active          INTEGER NOT NULL,
    last_counter    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_by_merchant ON tags (merchant, id);

CREATE TABLE orders (
    id              BLOB PRIMARY KEY,
    merchant        BLOB NOT NULL,
    tag             BLOB NOT NULL,
    currency        INTEGER NOT NULL,
    amount          INTEGER,
    description     TEXT,
    reference       TEXT,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    status          INTEGER NOT NULL, -- 0 open, 1 paid, 2 cancelled, 3 expired
    closed_at       INTEGER,
    payment         BLOB,
    amount_paid     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_by_merchant ON orders (merchant, id);
CREATE INDEX orders_open ON orders (merchant, id) WHERE status = 0;

CREATE TABLE taps (
    id              BLOB PRIMARY KEY,
    wallet          BLOB NOT NULL,
    tag             BLOB NOT NULL,
    merchant        BLOB NOT NULL,
    counter         INTEGER NOT NULL,
    order_id        BLOB,
    currency        INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    payment         BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE payments (
    id              BLOB PRIMARY KEY,
    wallet          BLOB NOT NULL,
    merchant        BLOB NOT NULL,
    tag             BLOB NOT NULL,
    tap             BLOB NOT NULL,
    order_id        BLOB,
    description     TEXT,
    currency        INTEGER NOT NULL,
    amount          INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    position        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE deposits (
    id              BLOB PRIMARY KEY,
    wallet          BLOB NOT NULL,
    currency        INTEGER NOT NULL,
    amount          INTEGER NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What each repeatable request came to.
CREATE TABLE requests (
    key             BLOB PRIMARY KEY,
    body            BLOB NOT NULL,
    outcome         BLOB NOT NULL
) STRICT, WITHOUT ROWID;
