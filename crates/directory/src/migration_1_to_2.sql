-- What version 2 has and version 1 has not.

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
