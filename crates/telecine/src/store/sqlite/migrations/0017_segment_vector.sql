-- On PostgreSQL, `vector` is the name of a type.
ALTER TABLE vector RENAME TO segment_vector;
