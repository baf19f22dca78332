-- Builds that a node has left behind which was put out, as far as they are not settled yet (orphaned.ts).
CREATE TABLE orphaned (
  request_hash TEXT NOT NULL,
  lease_id TEXT NOT NULL,
  PRIMARY KEY (request_hash, lease_id)
) WITHOUT ROWID;
