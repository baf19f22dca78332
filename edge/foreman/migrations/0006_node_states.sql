-- What became of a node's builds, why it is in its state, and what became of votes (nodes.ts, node-faults.ts, judge-votes.ts).
ALTER TABLE nodes ADD COLUMN state_reason TEXT NOT NULL DEFAULT '';
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN state_since INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN state_by TEXT NOT NULL DEFAULT 'operator';
--> statement-breakpoint
UPDATE nodes SET state_since = joined_at;
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN faults TEXT NOT NULL DEFAULT '[]';
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN last_fault_at INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN builds_right INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN images INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN builds_wrong INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN builds_lost INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
ALTER TABLE votes ADD COLUMN verdict TEXT NOT NULL DEFAULT 'moot';
--> statement-breakpoint
UPDATE votes SET verdict = 'open' WHERE request_hash IN (SELECT request_hash FROM builds WHERE state IN ('queued', 'leased', 'running'));
--> statement-breakpoint
CREATE INDEX votes_open ON votes (node_id) WHERE verdict = 'open';
--> statement-breakpoint
CREATE INDEX leases_active ON leases (node_id) WHERE state = 'active';
