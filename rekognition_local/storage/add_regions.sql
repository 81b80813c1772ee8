-- Collections once had no region: they were all us-east-1's, as their ARNs said. Run with foreign keys off, so that what
-- refers to the table stays, as sqlite.org/lang_altertable.html has it.
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
