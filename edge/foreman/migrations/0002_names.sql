CREATE TABLE names (
  name TEXT PRIMARY KEY,
  identity TEXT NOT NULL,
  dialect TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  used_at INTEGER NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX names_by_used_at ON names (used_at);
