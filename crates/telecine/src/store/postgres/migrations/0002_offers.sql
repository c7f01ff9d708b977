-- Workspaces take turns when tasks are claimed, and within each its transfers and single tasks do.
ALTER TABLE workspace ADD COLUMN turn BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX workspace_turn ON workspace (turn, id);
DROP INDEX lane_turn;
CREATE INDEX lane_turn ON lane (workspace_id, turn) WHERE is_open;

-- A task that waits in a stream for a worker is offered: until then nobody offers it again. What the stream lost is
-- offered anew when the offer has lapsed. A claim ends the offer.
ALTER TABLE task ADD COLUMN offered_until BIGINT;
CREATE INDEX task_offered ON task (offered_until, lane) WHERE offered_until IS NOT NULL;

-- Tasks of one manifest are due at the same moment: their order comes from the index, or each claim would sort them all.
DROP INDEX task_due;
CREATE INDEX task_due ON task (lane, due_at, seq) WHERE due_at IS NOT NULL;
