-- What is taken back, and what waits for more operators (recall.ts, shelf.ts); up to where a node's word does not count though it is
-- released (publication-log.ts).
CREATE TABLE recalled (
  request_hash TEXT PRIMARY KEY,
  intent_hash TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  times INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX recalled_by_due ON recalled (due_at);
--> statement-breakpoint
CREATE TABLE shelved (
  request_hash TEXT PRIMARY KEY,
  lease_id TEXT NOT NULL,
  result TEXT,
  unindexed TEXT NOT NULL DEFAULT '[]',
  due_at INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX shelved_by_due ON shelved (due_at);
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN disowned_up_to INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
CREATE INDEX nodes_disowned_up_to ON nodes (disowned_up_to) WHERE disowned_up_to > 0;
--> statement-breakpoint
UPDATE nodes SET disowned_up_to = coalesce((SELECT max(sequence) FROM log), 0)
  WHERE state = 'quarantined' AND state_by = 'foreman' AND id NOT IN (SELECT node_id FROM disowned);
