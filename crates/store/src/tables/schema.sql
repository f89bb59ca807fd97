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

-- One line of an account: a transfer is two entries, and what one event moves are its legs.
CREATE TABLE entries (
    account         BLOB NOT NULL,
    position        INTEGER NOT NULL,
    leg             INTEGER NOT NULL,
    credit          INTEGER NOT NULL,
    amount          INTEGER NOT NULL,
    balance_after   INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    code            INTEGER NOT NULL, -- why: payments::transfer_code
    payment         BLOB,
    object          BLOB, -- the capture, refund, dispute, settlement or payout that moved it, if not the payment itself
    PRIMARY KEY (account, position, leg)
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
    status          INTEGER NOT NULL, -- 0 open, 1 paid, 2 cancelled, 3 expired, 4 held
    closed_at       INTEGER,
    payment         BLOB,
    amount_paid     INTEGER,
    reference_key   BLOB,
    details         BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_by_merchant ON orders (merchant, id);
CREATE INDEX orders_open ON orders (merchant, id) WHERE status = 0;
CREATE INDEX orders_held ON orders (id) WHERE status = 4;
-- Those that were not simply paid: an order that is paid never enters it.
CREATE INDEX orders_unpaid ON orders (merchant, status, id) WHERE status > 1;
CREATE INDEX orders_by_reference ON orders (reference_key) WHERE reference_key IS NOT NULL;

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
    position        INTEGER NOT NULL,
    fee             INTEGER NOT NULL,
    status          INTEGER NOT NULL, -- 0 succeeded, 1 held, 2 processing, 3 cancelled, 4 failed
    progress        BLOB -- NULL: captured at once, and nothing since
) STRICT, WITHOUT ROWID;
CREATE INDEX payments_open ON payments (id) WHERE status IN (1, 2);
-- Those that were not simply captured at once: such a payment never enters these.
CREATE INDEX payments_unusual ON payments (merchant, status, position) WHERE status <> 0;
CREATE INDEX payments_unusual_of_order ON payments (order_id) WHERE status <> 0;

CREATE TABLE captures (
    id              BLOB PRIMARY KEY,
    payment         BLOB NOT NULL,
    merchant        BLOB NOT NULL,
    currency        INTEGER NOT NULL,
    amount          INTEGER NOT NULL,
    fee             INTEGER NOT NULL,
    released        INTEGER NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX captures_by_payment ON captures (payment, id);

CREATE TABLE refunds (
    id              BLOB PRIMARY KEY,
    payment         BLOB NOT NULL,
    merchant        BLOB NOT NULL,
    wallet          BLOB NOT NULL,
    currency        INTEGER NOT NULL,
    amount          INTEGER NOT NULL,
    reason          TEXT,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refunds_by_payment ON refunds (payment, id);
CREATE INDEX refunds_by_merchant ON refunds (merchant, id);

-- The bodies of the next tables are postcard's.
CREATE TABLE disputes (
    id              BLOB PRIMARY KEY,
    payment         BLOB NOT NULL,
    merchant        BLOB NOT NULL,
    wallet          BLOB NOT NULL,
    open            INTEGER NOT NULL,
    body            BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX disputes_by_merchant ON disputes (merchant, id);
CREATE INDEX disputes_by_wallet ON disputes (wallet, id);
CREATE INDEX disputes_open ON disputes (id) WHERE open = 1;

CREATE TABLE settlements (
    id              BLOB PRIMARY KEY,
    merchant        BLOB NOT NULL,
    currency        INTEGER NOT NULL,
    position        INTEGER NOT NULL,
    business_day    TEXT NOT NULL,
    payout          BLOB, -- the payout that it called for
    payout_due      INTEGER, -- when it is to be paid out, while it is
    reserve_due     INTEGER, -- when its reserve comes free, while it is kept
    body            BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX settlements_by_merchant ON settlements (merchant, id);
CREATE INDEX settlements_by_position ON settlements (position);
CREATE INDEX settlements_payout_due ON settlements (payout_due) WHERE payout_due IS NOT NULL;
CREATE INDEX settlements_reserve_due ON settlements (reserve_due) WHERE reserve_due IS NOT NULL;

CREATE TABLE payouts (
    id              BLOB PRIMARY KEY,
    merchant        BLOB NOT NULL,
    currency        INTEGER NOT NULL,
    status          INTEGER NOT NULL, -- 0 created, 1 submitted, 2 paid, 3 failed, 4 returned
    open            INTEGER NOT NULL,
    body            BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX payouts_by_merchant ON payouts (merchant, id);
CREATE INDEX payouts_open ON payouts (id) WHERE open = 1;
CREATE INDEX payouts_created ON payouts (id) WHERE status = 0;

CREATE TABLE merchants (
    id              BLOB PRIMARY KEY,
    body            BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What gathers for each merchant in each currency, by the account in which it does.
CREATE TABLE books (
    pending         BLOB PRIMARY KEY,
    merchant        BLOB NOT NULL,
    body            BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What merchants are told, in order. The record itself is kept where no other table has all of it.
CREATE TABLE events (
    merchant        BLOB NOT NULL,
    position        INTEGER NOT NULL,
    kind            INTEGER NOT NULL,
    object          BLOB NOT NULL,
    record          BLOB,
    PRIMARY KEY (merchant, position)
) STRICT, WITHOUT ROWID;
-- For who asks for few kinds. Every other event is an order (1) or a payment (4): these are found without.
CREATE INDEX events_by_kind ON events (merchant, kind, position) WHERE kind NOT IN (1, 4);

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
