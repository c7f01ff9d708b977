-- Vectors of up to 4,000 numbers lie in the rows themselves: scans read them at once, and not one by one from elsewhere.
ALTER TABLE segment_vector SET (toast_tuple_target = 8160);
