-- Which builds lie in the store while they are under way, so that the queue comes back where these tables are lost (kept-requests.ts).
CREATE TABLE kept_requests (
  request_hash TEXT PRIMARY KEY,
  written INTEGER NOT NULL DEFAULT 0,
  ended INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX kept_requests_ended ON kept_requests (request_hash) WHERE ended = 1;
--> statement-breakpoint
CREATE TRIGGER builds_end_kept AFTER UPDATE OF state ON builds WHEN NEW.state IN ('done', 'failed') BEGIN
  UPDATE kept_requests SET ended = 1 WHERE request_hash = NEW.request_hash;
END;
