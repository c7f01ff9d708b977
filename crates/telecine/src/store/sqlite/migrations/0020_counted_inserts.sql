-- New tasks are counted once for all that come together, and not by a trigger for each row, which made a large manifest take
-- a fifth longer: `store/sql/tasks.rs`, the only place that makes any.
DROP TRIGGER task_count_inserted;
