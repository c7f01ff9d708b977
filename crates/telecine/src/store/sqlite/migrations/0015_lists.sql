-- Lists of tasks that people filter and page through: the tasks of a transfer in the order in which they were made, and
-- those of a workspace, with what filters ask most often, so that counting reads no row.
DROP INDEX task_of_workspace;
CREATE INDEX task_of_workspace ON task (workspace_id, created_at, seq, lane, status, fault_code);
CREATE INDEX task_of_transfer ON task (transfer_id, seq, status, fault_code) WHERE transfer_id IS NOT NULL;
