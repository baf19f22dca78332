CREATE TABLE leases (
  id TEXT PRIMARY KEY,
  edge TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  taken_at INTEGER NOT NULL,
  sequence INTEGER NOT NULL DEFAULT 0,
  final_report BLOB
);
--> statement-breakpoint
CREATE TABLE edges (
  url TEXT PRIMARY KEY,
  public_key TEXT NOT NULL,
  certificate TEXT NOT NULL
);
