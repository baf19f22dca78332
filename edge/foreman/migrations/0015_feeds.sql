-- From which foreign feeds a node fetches (shared/trust/foreign-feeds.ts).
ALTER TABLE nodes ADD COLUMN feeds TEXT;
--> statement-breakpoint
CREATE INDEX nodes_opted_in ON nodes (last_seen_at) WHERE feeds IS NOT NULL;
