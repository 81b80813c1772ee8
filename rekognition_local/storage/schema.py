"""The tables of the file, and what makes them of an earlier file's."""

import sqlite3

# `number` orders the pages of lists and names vectors in memory; AUTOINCREMENT: a number is never used twice.
SCHEMA = """
CREATE TABLE IF NOT EXISTS collections (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id TEXT NOT NULL,
    created REAL NOT NULL,
    model_id TEXT NOT NULL,
    region TEXT NOT NULL,
    UNIQUE (region, collection_id)
) STRICT;
CREATE TABLE IF NOT EXISTS tags (
    collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (collection, key)
) STRICT;
CREATE TABLE IF NOT EXISTS faces (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
    face_id TEXT NOT NULL,
    image_id TEXT NOT NULL,
    external_image_id TEXT,
    image_digest TEXT NOT NULL,
    "left" REAL NOT NULL, top REAL NOT NULL, width REAL NOT NULL, height REAL NOT NULL,
    confidence REAL NOT NULL,
    user INTEGER REFERENCES users ON DELETE SET NULL,
    vector BLOB NOT NULL,
    UNIQUE (collection, face_id)
) STRICT;
CREATE INDEX IF NOT EXISTS faces_in_order ON faces (collection, number);
CREATE INDEX IF NOT EXISTS faces_of_user ON faces (user) WHERE user IS NOT NULL;
CREATE INDEX IF NOT EXISTS faces_of_image ON faces (collection, image_digest);
CREATE TABLE IF NOT EXISTS users (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    UNIQUE (collection, user_id)
) STRICT;
CREATE INDEX IF NOT EXISTS users_in_order ON users (collection, number);
CREATE TABLE IF NOT EXISTS user_vectors (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
    user INTEGER NOT NULL UNIQUE REFERENCES users ON DELETE CASCADE,
    vector BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS user_vectors_in_order ON user_vectors (collection, number);
CREATE TABLE IF NOT EXISTS answers (
    operation TEXT NOT NULL,
    token TEXT NOT NULL,
    collection_id TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    reply TEXT NOT NULL,
    answered REAL NOT NULL,
    PRIMARY KEY (operation, token)
) STRICT;
"""

# Collections once had no region: they were all us-east-1's, as their ARNs said. Run with foreign keys off, so that what
# refers to the table stays, as sqlite.org/lang_altertable.html has it.
_WITH_REGIONS = """
BEGIN;
CREATE TABLE collections_of_regions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id TEXT NOT NULL,
    created REAL NOT NULL,
    model_id TEXT NOT NULL,
    region TEXT NOT NULL,
    UNIQUE (region, collection_id)
) STRICT;
INSERT INTO collections_of_regions SELECT number, collection_id, created, model_id, 'us-east-1' FROM collections;
DROP TABLE collections;
ALTER TABLE collections_of_regions RENAME TO collections;
COMMIT;
"""


def add_regions(connection: sqlite3.Connection) -> None:
    """Give a file's collections the region us-east-1 where they have none; foreign keys must be off."""
    columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(collections)")]
    if columns == ["number", "collection_id", "created", "model_id"]:
        connection.executescript(_WITH_REGIONS)
