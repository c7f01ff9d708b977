-- How many tasks there are of each kind, so that nobody has to count them: kept by triggers, in the transaction that changes
-- the tasks. `part` is a stretch of 16,384 numbers, `first_at` and `last_at` say between which moments those of a row were made
-- (they only ever move apart): from these, a page in the middle of a long list is found without walking to it. Without a fault, `fault_code` is empty.
CREATE TABLE task_count (
    workspace_id TEXT NOT NULL,
    lane         INTEGER NOT NULL,
    index_id     TEXT NOT NULL,
    status       TEXT NOT NULL,
    fault_code   TEXT NOT NULL,
    part         INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    first_at     INTEGER NOT NULL,
    last_at      INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, lane, index_id, status, fault_code, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_count_of_index ON task_count (index_id, status);

INSERT INTO task_count
SELECT workspace_id, lane, index_id, status, coalesce(fault_code, ''), seq / 16384, count(*), min(created_at), max(created_at)
FROM task GROUP BY 1, 2, 3, 4, 5, 6;

CREATE TRIGGER task_count_inserted AFTER INSERT ON task BEGIN
    INSERT INTO task_count VALUES (NEW.workspace_id, NEW.lane, NEW.index_id, NEW.status, coalesce(NEW.fault_code, ''),
        NEW.seq / 16384, 1, NEW.created_at, NEW.created_at)
    ON CONFLICT DO UPDATE SET number = number + 1, first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at);
END;

CREATE TRIGGER task_count_changed AFTER UPDATE OF status, fault_code ON task
WHEN OLD.status <> NEW.status OR OLD.fault_code IS NOT NEW.fault_code BEGIN
    UPDATE task_count SET number = number - 1
    WHERE workspace_id = OLD.workspace_id AND lane = OLD.lane AND index_id = OLD.index_id AND status = OLD.status
        AND fault_code = coalesce(OLD.fault_code, '') AND part = OLD.seq / 16384;
    DELETE FROM task_count
    WHERE workspace_id = OLD.workspace_id AND lane = OLD.lane AND index_id = OLD.index_id AND status = OLD.status
        AND fault_code = coalesce(OLD.fault_code, '') AND part = OLD.seq / 16384 AND number = 0;
    INSERT INTO task_count VALUES (NEW.workspace_id, NEW.lane, NEW.index_id, NEW.status, coalesce(NEW.fault_code, ''),
        NEW.seq / 16384, 1, NEW.created_at, NEW.created_at)
    ON CONFLICT DO UPDATE SET number = number + 1, first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at);
END;

CREATE TRIGGER task_count_deleted AFTER DELETE ON task BEGIN
    UPDATE task_count SET number = number - 1
    WHERE workspace_id = OLD.workspace_id AND lane = OLD.lane AND index_id = OLD.index_id AND status = OLD.status
        AND fault_code = coalesce(OLD.fault_code, '') AND part = OLD.seq / 16384;
    DELETE FROM task_count
    WHERE workspace_id = OLD.workspace_id AND lane = OLD.lane AND index_id = OLD.index_id AND status = OLD.status
        AND fault_code = coalesce(OLD.fault_code, '') AND part = OLD.seq / 16384 AND number = 0;
END;

-- Lists by when tasks last changed; tasks of one kind, where there are few among very many; tasks of one name.
DROP INDEX task_of_index;
CREATE INDEX task_of_index ON task (index_id, created_at, seq, lane, status, fault_code);
CREATE INDEX task_changed_of_workspace ON task (workspace_id, updated_at, seq, lane, status, fault_code, created_at);
CREATE INDEX task_changed_of_index ON task (index_id, updated_at, seq, lane, status, fault_code, created_at);
CREATE INDEX task_changed_of_transfer ON task (transfer_id, updated_at, seq, status, fault_code, created_at) WHERE transfer_id IS NOT NULL;
CREATE INDEX task_of_kind ON task (lane, status, index_id, fault_code, created_at, seq, updated_at);
CREATE INDEX task_named ON task (workspace_id, filename);
