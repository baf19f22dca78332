-- Since when a build waits for whom it is given next, and how often a node gave builds back (is-of-use.ts, hand-backs.ts).
ALTER TABLE builds ADD COLUMN queued_at INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN hand_backs TEXT NOT NULL DEFAULT '{"n":0,"since":0,"lastAt":0}';
--> statement-breakpoint
CREATE INDEX votes_undecided ON votes (operator) WHERE verdict = 'open';
