-- Each fault has its time and whose it is (node-faults.ts), and a drain outlives the quarantine put on it (set-aside.ts).
-- The column last_fault_at stays, unread: an edge of before this may have to be started again.
UPDATE nodes SET faults = (SELECT json_group_array(json_set(value, '$.at', last_fault_at, '$.blame', 'alone')) FROM json_each(faults)) WHERE faults <> '[]';
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN drain_behind TEXT;
--> statement-breakpoint
CREATE INDEX nodes_set_aside ON nodes (last_seen_at) WHERE state = 'draining' AND state_by = 'foreman';
