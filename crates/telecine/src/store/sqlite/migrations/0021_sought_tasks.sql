-- Every three letters of a task's address and name that follow each other, written once with the task (`store/sql/tasks.rs`):
-- a part of a name is found by them among millions. They tell a few tasks too many, never too few.
CREATE VIRTUAL TABLE task_name USING fts5(name, detail = none, tokenize = 'trigram');
INSERT INTO task_name (rowid, name)
SELECT seq, CASE WHEN instr(locator, filename) > 0 THEN locator ELSE locator || char(10) || filename END FROM task;
CREATE TRIGGER task_name_removed AFTER DELETE ON task BEGIN
    DELETE FROM task_name WHERE rowid = OLD.seq;
END;

-- Tasks by measures, once these are known.
CREATE INDEX task_of_length ON task (workspace_id, duration_s) WHERE duration_s IS NOT NULL;
CREATE INDEX task_of_width ON task (workspace_id, width) WHERE width IS NOT NULL;
CREATE INDEX task_of_height ON task (workspace_id, height) WHERE height IS NOT NULL;
