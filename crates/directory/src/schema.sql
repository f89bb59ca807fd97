-- Who takes part. Ids are 16 bytes, times are Unix milliseconds. The rowid remembers the order of adding. `search` is
-- what a list is searched by: names and reference, in small letters. A reference is another system's name.

CREATE TABLE folder (
    only_row    INTEGER PRIMARY KEY CHECK (only_row = 1),
    purpose     INTEGER NOT NULL -- 0 live, 1 demonstration, 2 sandbox
) STRICT;

CREATE TABLE merchants (
    id          BLOB NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    name_zh     TEXT,
    created_at  INTEGER NOT NULL,
    legal_name  TEXT,
    mcc         TEXT,
    country     TEXT,
    zone        TEXT,
    email       TEXT,
    currencies  TEXT NOT NULL, -- JSON: a list of codes
    reference   TEXT UNIQUE,
    metadata    TEXT NOT NULL, -- JSON: an object of texts
    search      TEXT NOT NULL
) STRICT;

-- Either an IBAN in `number`, or a bank's code and a number of its own.
CREATE TABLE payout_accounts (
    merchant    BLOB NOT NULL REFERENCES merchants (id),
    currency    TEXT NOT NULL,
    bank_code   TEXT,
    number      TEXT NOT NULL,
    holder      TEXT NOT NULL,
    PRIMARY KEY (merchant, currency)
) STRICT;

CREATE TABLE stores (
    id          BLOB NOT NULL UNIQUE,
    merchant    BLOB NOT NULL REFERENCES merchants (id),
    name        TEXT NOT NULL,
    name_zh     TEXT,
    address     TEXT,
    parts       TEXT, -- JSON: the address by its parts
    latitude    INTEGER, -- millionths of a degree
    longitude   INTEGER,
    zone        TEXT,
    hours       TEXT, -- JSON: ranges by day of the week
    reference   TEXT,
    metadata    TEXT NOT NULL,
    search      TEXT NOT NULL,
    UNIQUE (id, merchant),
    UNIQUE (merchant, reference)
) STRICT;
CREATE INDEX stores_of ON stores (merchant, id);

CREATE TABLE tills (
    id          BLOB NOT NULL UNIQUE,
    merchant    BLOB NOT NULL,
    store       BLOB NOT NULL,
    name        TEXT NOT NULL,
    reference   TEXT,
    metadata    TEXT NOT NULL,
    search      TEXT NOT NULL,
    UNIQUE (id, store),
    UNIQUE (id, merchant),
    UNIQUE (merchant, reference),
    FOREIGN KEY (store, merchant) REFERENCES stores (id, merchant)
) STRICT;
CREATE INDEX tills_of ON tills (merchant, id);
CREATE INDEX tills_in ON tills (store, id);

-- A tag's store is its merchant's, and its till is in that store: a till that moves takes its tags along.
CREATE TABLE tags (
    id          BLOB NOT NULL UNIQUE,
    merchant    BLOB NOT NULL,
    store       BLOB NOT NULL,
    till        BLOB,
    label       TEXT NOT NULL,
    reference   TEXT,
    search      TEXT NOT NULL,
    UNIQUE (merchant, reference),
    FOREIGN KEY (store, merchant) REFERENCES stores (id, merchant),
    FOREIGN KEY (till, store) REFERENCES tills (id, store) ON UPDATE CASCADE
) STRICT;
CREATE INDEX tags_of ON tags (merchant, id);
CREATE INDEX tags_in ON tags (store, id);
CREATE INDEX tags_at ON tags (till, store) WHERE till IS NOT NULL;

CREATE TABLE wallets (
    id          BLOB NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    name_zh     TEXT,
    created_at  INTEGER NOT NULL
) STRICT;

-- Keys: the SHA-256 of each token, whom it lets act (a merchant, a till of a merchant, a wallet, or none of them: the
-- operator) and what for (bits: 1 read, 2 write, 4 refund, 8 settle).
CREATE TABLE keys (
    id          BLOB NOT NULL UNIQUE,
    digest      BLOB NOT NULL UNIQUE,
    merchant    BLOB REFERENCES merchants (id),
    till        BLOB,
    wallet      BLOB REFERENCES wallets (id),
    scopes      INTEGER NOT NULL,
    label       TEXT NOT NULL,
    hint        TEXT,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER,
    revoked_at  INTEGER,
    FOREIGN KEY (till, merchant) REFERENCES tills (id, merchant),
    CHECK (wallet IS NULL OR merchant IS NULL AND till IS NULL),
    CHECK (till IS NULL OR merchant IS NOT NULL)
) STRICT;
CREATE INDEX keys_of ON keys (merchant, id) WHERE merchant IS NOT NULL;
CREATE INDEX keys_of_no_wallet ON keys (id) WHERE wallet IS NULL;

-- Who did what. Nothing in it is ever changed or taken away.
CREATE TABLE audit_log (
    number      INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    key         BLOB NOT NULL,
    merchant    BLOB,
    action      TEXT NOT NULL,
    object      TEXT NOT NULL,
    before      TEXT, -- JSON: what was otherwise
    after       TEXT, -- JSON: what it became
    origin      BLOB UNIQUE -- a digest of the request, where one action may be told twice
) STRICT;
CREATE INDEX audit_log_of ON audit_log (merchant, number);
CREATE INDEX audit_log_by ON audit_log (key, number);
CREATE INDEX audit_log_on ON audit_log (object, number);
CREATE TRIGGER audit_log_stays BEFORE DELETE ON audit_log BEGIN SELECT raise(ABORT, 'the audit log stays'); END;
CREATE TRIGGER audit_log_is BEFORE UPDATE ON audit_log BEGIN SELECT raise(ABORT, 'the audit log stays'); END;

-- What requests were answered: the digests of who asked under which key and of what was asked, and the answer.
CREATE TABLE answers (
    number      INTEGER PRIMARY KEY,
    request     BLOB NOT NULL UNIQUE,
    body        BLOB NOT NULL,
    at          INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    answer      BLOB NOT NULL,
    sealed      BLOB
) STRICT;
