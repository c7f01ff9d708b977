-- New tasks are counted once for all that come together, and not by a trigger that runs for each row: `store/sql/tasks.rs`,
-- the only place that makes any.
DROP TRIGGER task_count_inserted;
