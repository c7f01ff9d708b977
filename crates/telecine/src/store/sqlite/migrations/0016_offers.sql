-- Workspaces take turns when tasks are claimed, and within each its transfers and single tasks do.
ALTER TABLE workspace ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
-- Unique, so that SQLite knows that lanes come in their order within each.
CREATE UNIQUE INDEX workspace_turn ON workspace (turn, id);
DROP INDEX lane_turn;
CREATE INDEX lane_turn ON lane (workspace_id, turn) WHERE is_open = 1;

-- A task that waits in a stream for a worker is offered: until then nobody offers it again. What the stream lost is
-- offered anew when the offer has lapsed. A claim ends the offer.
ALTER TABLE task ADD COLUMN offered_until INTEGER;
CREATE INDEX task_offered ON task (offered_until, lane) WHERE offered_until IS NOT NULL;
