"""Collections on disk and in memory: all SQL, and the vector index."""
