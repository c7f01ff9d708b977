-- Transfers can be paused: while `paused_at` is set, none of their tasks is claimed. `resumed_at` is when the last pause
-- ended, for the rate before it says nothing of the time left.
ALTER TABLE transfer ADD COLUMN paused_at INTEGER;
ALTER TABLE transfer ADD COLUMN resumed_at INTEGER;
-- Those that are not over are few, however many there were.
CREATE INDEX transfer_open ON transfer (id) WHERE ended_at IS NULL AND state <> 'receiving';
