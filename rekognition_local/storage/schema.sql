-- The tables of the file. `number` orders the pages of lists and names vectors in memory; AUTOINCREMENT: a number is
-- never used twice.
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
