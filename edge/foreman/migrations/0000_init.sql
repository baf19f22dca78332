CREATE TABLE builds (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  request_hash TEXT NOT NULL UNIQUE,
  intent_hash TEXT NOT NULL,
  generation INTEGER NOT NULL,
  state TEXT NOT NULL,
  request TEXT NOT NULL,
  echo TEXT NOT NULL,
  conditions TEXT NOT NULL,
  sealed_defaults TEXT,
  upstream_digest TEXT NOT NULL,
  enqueued_at INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  pin_failures INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  lease_id TEXT,
  started_at INTEGER,
  step INTEGER NOT NULL DEFAULT 0,
  bytes_done INTEGER NOT NULL DEFAULT 0,
  bytes_total INTEGER NOT NULL DEFAULT 0,
  record TEXT,
  failure TEXT,
  finished_at INTEGER,
  expires_at INTEGER
);
--> statement-breakpoint
CREATE UNIQUE INDEX builds_by_intent ON builds (intent_hash, generation);
--> statement-breakpoint
CREATE INDEX builds_by_state ON builds (state, sequence);
--> statement-breakpoint
CREATE INDEX builds_by_delay ON builds (state, not_before);
--> statement-breakpoint
CREATE INDEX builds_by_finish ON builds (finished_at);
--> statement-breakpoint
CREATE INDEX builds_by_expiry ON builds (expires_at);
--> statement-breakpoint
CREATE TABLE leases (
  id TEXT PRIMARY KEY,
  request_hash TEXT NOT NULL,
  node_id TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  state TEXT NOT NULL,
  pins TEXT NOT NULL,
  granted_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  deadline_at INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL DEFAULT 0,
  end_reason TEXT
);
--> statement-breakpoint
CREATE UNIQUE INDEX leases_by_key ON leases (node_id, idempotency_key);
--> statement-breakpoint
CREATE INDEX leases_by_state ON leases (state, expires_at);
--> statement-breakpoint
CREATE INDEX leases_by_build ON leases (request_hash);
--> statement-breakpoint
CREATE TABLE votes (
  request_hash TEXT NOT NULL,
  operator TEXT NOT NULL,
  node_id TEXT NOT NULL,
  tier TEXT NOT NULL,
  lease_id TEXT NOT NULL,
  outcome TEXT NOT NULL,
  kind TEXT,
  digest TEXT,
  at INTEGER NOT NULL,
  PRIMARY KEY (request_hash, operator)
);
--> statement-breakpoint
CREATE TABLE nodes (
  id TEXT PRIMARY KEY,
  public_key TEXT NOT NULL,
  name TEXT NOT NULL,
  operator TEXT NOT NULL,
  tier TEXT NOT NULL,
  state TEXT NOT NULL,
  software_version TEXT NOT NULL DEFAULT '',
  joined_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL
);
--> statement-breakpoint
CREATE INDEX nodes_by_last_seen ON nodes (last_seen_at);
--> statement-breakpoint
CREATE TABLE join_tokens (
  id TEXT PRIMARY KEY,
  node_id TEXT NOT NULL,
  used_at INTEGER NOT NULL
);
--> statement-breakpoint
CREATE TABLE uploads (
  lease_id TEXT NOT NULL,
  name TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  multipart_id TEXT,
  parts TEXT NOT NULL DEFAULT '{}',
  state TEXT NOT NULL,
  PRIMARY KEY (lease_id, name)
);
--> statement-breakpoint
CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
);
