-- When a verification last found all well: what changed since is told by it.
ALTER TABLE integration ADD COLUMN well_at INTEGER;
UPDATE integration SET well_at = checked_at WHERE status = 'active';
