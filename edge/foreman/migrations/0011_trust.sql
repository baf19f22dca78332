-- Whose word publishes: where votes come from and what they are about, and which targets are reproducible (shared/trust/).
ALTER TABLE votes ADD COLUMN network TEXT NOT NULL DEFAULT '';
--> statement-breakpoint
ALTER TABLE votes ADD COLUMN inputs TEXT NOT NULL DEFAULT '';
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN network TEXT NOT NULL DEFAULT '';
--> statement-breakpoint
CREATE INDEX nodes_by_operator ON nodes (operator);
--> statement-breakpoint
ALTER TABLE builds ADD COLUMN draw TEXT NOT NULL DEFAULT '';
--> statement-breakpoint
CREATE TABLE reproducibility (
  branch TEXT NOT NULL,
  target TEXT NOT NULL,
  agreed INTEGER NOT NULL DEFAULT 0,
  unexplained INTEGER NOT NULL DEFAULT 0,
  explained INTEGER NOT NULL DEFAULT 0,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (branch, target)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE disowned (node_id TEXT PRIMARY KEY) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX votes_right ON votes (node_id) WHERE verdict = 'right';
