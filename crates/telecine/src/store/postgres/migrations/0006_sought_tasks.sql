-- A task's address and name, by every three letters that follow each other: a part of a name is found by them among millions.
-- Beside the tasks, which change often: each change of a row would be written into this index, too.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TABLE task_name (
    seq  BIGINT PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL
);

-- Nobody changes tasks between the writing and the triggers.
LOCK TABLE task IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO task_name
SELECT seq, CASE WHEN strpos(locator, filename) > 0 THEN locator ELSE locator || chr(10) || filename END FROM task;
CREATE INDEX task_name_letters ON task_name USING gin (name gin_trgm_ops);

CREATE FUNCTION name_inserted_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO task_name
    SELECT seq, CASE WHEN strpos(locator, filename) > 0 THEN locator ELSE locator || chr(10) || filename END FROM new_task;
    RETURN NULL;
END $$;
CREATE TRIGGER task_name_inserted AFTER INSERT ON task REFERENCING NEW TABLE AS new_task
    FOR EACH STATEMENT EXECUTE FUNCTION name_inserted_tasks();

CREATE FUNCTION forget_names_of_deleted_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM task_name WHERE seq IN (SELECT seq FROM old_task);
    RETURN NULL;
END $$;
CREATE TRIGGER task_name_deleted AFTER DELETE ON task REFERENCING OLD TABLE AS old_task
    FOR EACH STATEMENT EXECUTE FUNCTION forget_names_of_deleted_tasks();

-- Tasks by measures, once these are known.
CREATE INDEX task_of_length ON task (workspace_id, duration_s, seq) WHERE duration_s IS NOT NULL;
CREATE INDEX task_of_width ON task (workspace_id, width, seq) WHERE width IS NOT NULL;
CREATE INDEX task_of_height ON task (workspace_id, height, seq) WHERE height IS NOT NULL;
