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

-- Keys: the SHA-256 of each token, whom it lets act (a merchant, a till, a wallet, or none of them: the operator) and
-- what for (bits: 1 read, 2 write, 4 refund, 8 settle).
CREATE TABLE keys (
    id          BLOB NOT NULL UNIQUE,
    digest      BLOB NOT NULL UNIQUE,
    merchant    BLOB REFERENCES merchants (id),
    till        BLOB REFERENCES tills (id),
    wallet      BLOB REFERENCES wallets (id),
    scopes      INTEGER NOT NULL,
    label       TEXT NOT NULL,
    hint        TEXT,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER,
    revoked_at  INTEGER,
    CHECK ((merchant IS NOT NULL) + (till IS NOT NULL) + (wallet IS NOT NULL) <= 1)
) STRICT;
