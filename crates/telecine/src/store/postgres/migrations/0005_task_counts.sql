-- How many tasks there are of each kind, so that nobody has to count them: kept by triggers, in the transaction that changes
-- the tasks. `part` is a stretch of 16,384 numbers, `first_at` and `last_at` say between which moments those of a row were made
-- (they only ever move apart): from these, a page in the middle of a long list is found without walking to it. Without a fault, `fault_code` is empty.
--
-- Triggers run once for each statement, and lock rows in the order of their keys, so that no two wait for each other. Whoever
-- changes a task of a transfer has that transfer to themselves until the end anyway, whose counters change, too.
CREATE TABLE task_count (
    workspace_id TEXT COLLATE "C" NOT NULL,
    lane         BIGINT NOT NULL,
    index_id     TEXT COLLATE "C" NOT NULL,
    status       TEXT COLLATE "C" NOT NULL,
    fault_code   TEXT COLLATE "C" NOT NULL,
    part         BIGINT NOT NULL,
    number       BIGINT NOT NULL,
    first_at     BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, lane, index_id, status, fault_code, part)
) WITH (fillfactor = 50);
CREATE INDEX task_count_of_index ON task_count (index_id, status);

-- Nobody changes tasks between the counting and the triggers.
LOCK TABLE task IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO task_count
SELECT workspace_id, lane, index_id, status, coalesce(fault_code, ''), seq / 16384, count(*), min(created_at), max(created_at)
FROM task GROUP BY 1, 2, 3, 4, 5, 6;

CREATE FUNCTION count_inserted_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO task_count AS c
    SELECT workspace_id, lane, index_id, status, coalesce(fault_code, ''), seq / 16384, count(*), min(created_at), max(created_at)
    FROM new_task GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (workspace_id, lane, index_id, status, fault_code, part) DO UPDATE SET number = c.number + excluded.number,
        first_at = least(c.first_at, excluded.first_at), last_at = greatest(c.last_at, excluded.last_at);
    RETURN NULL;
END $$;
CREATE TRIGGER task_count_inserted AFTER INSERT ON task REFERENCING NEW TABLE AS new_task
    FOR EACH STATEMENT EXECUTE FUNCTION count_inserted_tasks();

CREATE FUNCTION count_changed_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO task_count AS c
    SELECT workspace_id, lane, index_id, status, coalesce(fault_code, ''), seq / 16384, sum(by), min(created_at), max(created_at)
    FROM (SELECT -1 AS by, o.workspace_id, o.lane, o.index_id, o.status, o.fault_code, o.seq, o.created_at FROM old_task o
          UNION ALL SELECT 1, n.workspace_id, n.lane, n.index_id, n.status, n.fault_code, n.seq, n.created_at FROM new_task n) change
    GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(by) <> 0 ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (workspace_id, lane, index_id, status, fault_code, part) DO UPDATE SET number = c.number + excluded.number,
        first_at = least(c.first_at, excluded.first_at), last_at = greatest(c.last_at, excluded.last_at);
    RETURN NULL;
END $$;
CREATE TRIGGER task_count_changed AFTER UPDATE ON task REFERENCING OLD TABLE AS old_task NEW TABLE AS new_task
    FOR EACH STATEMENT EXECUTE FUNCTION count_changed_tasks();

-- Kinds that are no more go with the last removed task, not with each change: a row that comes and goes would be fought for.
CREATE FUNCTION count_deleted_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO task_count AS c
    SELECT workspace_id, lane, index_id, status, coalesce(fault_code, ''), seq / 16384, -count(*), min(created_at), max(created_at)
    FROM old_task GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (workspace_id, lane, index_id, status, fault_code, part) DO UPDATE SET number = c.number + excluded.number;
    DELETE FROM task_count c USING (SELECT DISTINCT workspace_id, lane, index_id FROM old_task) o
    WHERE c.workspace_id = o.workspace_id AND c.lane = o.lane AND c.index_id = o.index_id AND c.number = 0;
    RETURN NULL;
END $$;
CREATE TRIGGER task_count_deleted AFTER DELETE ON task REFERENCING OLD TABLE AS old_task
    FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_tasks();

-- Lists by when tasks last changed; tasks of one kind, where there are few among very many; tasks of one name.
DROP INDEX task_of_index;
CREATE INDEX task_of_index ON task (index_id, created_at, seq, lane, status, fault_code);
CREATE INDEX task_changed_of_workspace ON task (workspace_id, updated_at, seq, lane, status, fault_code, created_at);
CREATE INDEX task_changed_of_index ON task (index_id, updated_at, seq, lane, status, fault_code, created_at);
CREATE INDEX task_changed_of_transfer ON task (transfer_id, updated_at, seq, status, fault_code, created_at) WHERE transfer_id IS NOT NULL;
CREATE INDEX task_of_kind ON task (lane, status, index_id, fault_code, created_at, seq, updated_at);
CREATE INDEX task_named ON task (workspace_id, filename);
