-- What nodes signed of undecided builds, and the log of what was published (statements.ts, publication-log.ts).
CREATE TABLE statements (
  request_hash TEXT NOT NULL,
  lease_id TEXT NOT NULL,
  envelope TEXT NOT NULL,
  PRIMARY KEY (request_hash, lease_id)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE log (
  sequence INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  payload TEXT NOT NULL,
  at INTEGER NOT NULL,
  written INTEGER NOT NULL DEFAULT 0
);
--> statement-breakpoint
CREATE INDEX log_unwritten ON log (sequence) WHERE written = 0;
--> statement-breakpoint
CREATE INDEX nodes_disowned ON nodes (state_since) WHERE (state = 'revoked' OR (state = 'quarantined' AND state_by = 'foreman'));
