-- When somebody asked for a build last: one for which nobody waits any more leaves the queue.
ALTER TABLE builds ADD COLUMN polled_at INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
UPDATE builds SET polled_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) WHERE state = 'queued';
--> statement-breakpoint
CREATE INDEX builds_by_poll ON builds (state, polled_at) WHERE state = 'queued';
