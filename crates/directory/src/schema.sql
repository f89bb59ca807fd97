-- Who takes part. Ids are 16 bytes, times are Unix milliseconds. The rowid remembers the order of adding.

CREATE TABLE folder (
    only_row    INTEGER PRIMARY KEY CHECK (only_row = 1),
    purpose     INTEGER NOT NULL -- 0 live, 1 demonstration
) STRICT;

CREATE TABLE merchants (
    id          BLOB NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    name_zh     TEXT,
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE stores (
    id          BLOB NOT NULL UNIQUE,
    merchant    BLOB NOT NULL REFERENCES merchants (id),
    name        TEXT NOT NULL,
    name_zh     TEXT,
    address     TEXT,
    UNIQUE (id, merchant)
) STRICT;

CREATE TABLE tills (
    id          BLOB NOT NULL UNIQUE,
    store       BLOB NOT NULL REFERENCES stores (id),
    name        TEXT NOT NULL,
    UNIQUE (id, store)
) STRICT;

-- A tag's store is its merchant's, and its till is in that store.
CREATE TABLE tags (
    id          BLOB NOT NULL UNIQUE,
    merchant    BLOB NOT NULL,
    store       BLOB NOT NULL,
    till        BLOB,
    label       TEXT NOT NULL,
    FOREIGN KEY (store, merchant) REFERENCES stores (id, merchant),
    FOREIGN KEY (till, store) REFERENCES tills (id, store)
) STRICT;

CREATE TABLE wallets (
    id          BLOB NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    name_zh     TEXT,
    created_at  INTEGER NOT NULL
) STRICT;

-- The SHA-256 of each token and whom it lets act: a merchant, a wallet, or (neither) the operator.
CREATE TABLE tokens (
    digest      BLOB NOT NULL UNIQUE,
    merchant    BLOB REFERENCES merchants (id),
    wallet      BLOB REFERENCES wallets (id),
    CHECK (merchant IS NULL OR wallet IS NULL)
) STRICT;
