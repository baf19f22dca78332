-- Turns between clients, and counts by which a place in the queue is found without counting rows (turns.ts, ranks.ts).
ALTER TABLE builds ADD COLUMN client_key TEXT NOT NULL DEFAULT '';
--> statement-breakpoint
ALTER TABLE builds ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
ALTER TABLE builds ADD COLUMN needs_trust INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
ALTER TABLE builds ADD COLUMN image_builder TEXT NOT NULL DEFAULT '';
--> statement-breakpoint
UPDATE builds SET needs_trust = 1
WHERE state IN ('queued', 'leased', 'running', 'publishing') AND (json_extract(request, '$.defaultsMac') <> '' OR json_array_length(request, '$.repositories') > 0);
--> statement-breakpoint
CREATE INDEX builds_by_turn ON builds (needs_trust, turn, sequence) WHERE state = 'queued';
--> statement-breakpoint
CREATE TABLE clients (
  key TEXT PRIMARY KEY,
  turn INTEGER NOT NULL
);
--> statement-breakpoint
CREATE INDEX clients_by_turn ON clients (turn);
--> statement-breakpoint
CREATE TABLE ranks (
  what TEXT NOT NULL,
  level INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (what, level, bucket)
);
--> statement-breakpoint
INSERT INTO ranks SELECT 'live', 0, sequence, count(*) FROM builds WHERE state IN ('queued', 'leased', 'running', 'publishing') GROUP BY sequence;
--> statement-breakpoint
INSERT INTO ranks SELECT 'live', 1, sequence >> 6, count(*) FROM builds WHERE state IN ('queued', 'leased', 'running', 'publishing') GROUP BY sequence >> 6;
--> statement-breakpoint
INSERT INTO ranks SELECT 'live', 2, sequence >> 12, count(*) FROM builds WHERE state IN ('queued', 'leased', 'running', 'publishing') GROUP BY sequence >> 12;
--> statement-breakpoint
INSERT INTO ranks SELECT 'live', 3, sequence >> 18, count(*) FROM builds WHERE state IN ('queued', 'leased', 'running', 'publishing') GROUP BY sequence >> 18;
--> statement-breakpoint
INSERT INTO ranks SELECT 'queued', 0, 0, count(*) FROM builds WHERE state = 'queued' HAVING count(*) > 0;
--> statement-breakpoint
INSERT INTO ranks SELECT 'queued', 1, 0, count(*) FROM builds WHERE state = 'queued' HAVING count(*) > 0;
--> statement-breakpoint
INSERT INTO ranks SELECT 'queued', 2, 0, count(*) FROM builds WHERE state = 'queued' HAVING count(*) > 0;
--> statement-breakpoint
INSERT INTO ranks SELECT 'queued', 3, 0, count(*) FROM builds WHERE state = 'queued' HAVING count(*) > 0;
--> statement-breakpoint
CREATE TRIGGER builds_join_live AFTER INSERT ON builds WHEN NEW.state IN ('queued', 'leased', 'running', 'publishing') BEGIN
  INSERT INTO ranks (what, level, bucket, n) VALUES ('live', 0, NEW.sequence, 1), ('live', 1, NEW.sequence >> 6, 1), ('live', 2, NEW.sequence >> 12, 1), ('live', 3, NEW.sequence >> 18, 1)
  ON CONFLICT DO UPDATE SET n = n + excluded.n;
END;
--> statement-breakpoint
CREATE TRIGGER builds_leave_live AFTER UPDATE OF state ON builds WHEN OLD.state IN ('queued', 'leased', 'running', 'publishing') AND NEW.state NOT IN ('queued', 'leased', 'running', 'publishing') BEGIN
  INSERT INTO ranks (what, level, bucket, n) VALUES ('live', 0, NEW.sequence, -1), ('live', 1, NEW.sequence >> 6, -1), ('live', 2, NEW.sequence >> 12, -1), ('live', 3, NEW.sequence >> 18, -1)
  ON CONFLICT DO UPDATE SET n = n + excluded.n;
  DELETE FROM ranks WHERE what = 'live' AND n = 0 AND (level = 0 AND bucket = NEW.sequence OR level = 1 AND bucket = NEW.sequence >> 6 OR level = 2 AND bucket = NEW.sequence >> 12 OR level = 3 AND bucket = NEW.sequence >> 18);
END;
--> statement-breakpoint
CREATE TRIGGER builds_rejoin_live AFTER UPDATE OF state ON builds WHEN OLD.state NOT IN ('queued', 'leased', 'running', 'publishing') AND NEW.state IN ('queued', 'leased', 'running', 'publishing') BEGIN
  INSERT INTO ranks (what, level, bucket, n) VALUES ('live', 0, NEW.sequence, 1), ('live', 1, NEW.sequence >> 6, 1), ('live', 2, NEW.sequence >> 12, 1), ('live', 3, NEW.sequence >> 18, 1)
  ON CONFLICT DO UPDATE SET n = n + excluded.n;
END;
--> statement-breakpoint
CREATE TRIGGER builds_join_queue AFTER INSERT ON builds WHEN NEW.state = 'queued' BEGIN
  INSERT INTO ranks (what, level, bucket, n) VALUES ('queued', 0, NEW.turn, 1), ('queued', 1, NEW.turn >> 6, 1), ('queued', 2, NEW.turn >> 12, 1), ('queued', 3, NEW.turn >> 18, 1)
  ON CONFLICT DO UPDATE SET n = n + excluded.n;
END;
--> statement-breakpoint
CREATE TRIGGER builds_leave_queue AFTER UPDATE OF state, turn ON builds WHEN OLD.state = 'queued' AND (NEW.state <> 'queued' OR NEW.turn <> OLD.turn) BEGIN
  INSERT INTO ranks (what, level, bucket, n) VALUES ('queued', 0, OLD.turn, -1), ('queued', 1, OLD.turn >> 6, -1), ('queued', 2, OLD.turn >> 12, -1), ('queued', 3, OLD.turn >> 18, -1)
  ON CONFLICT DO UPDATE SET n = n + excluded.n;
  DELETE FROM ranks WHERE what = 'queued' AND n = 0 AND (level = 0 AND bucket = OLD.turn OR level = 1 AND bucket = OLD.turn >> 6 OR level = 2 AND bucket = OLD.turn >> 12 OR level = 3 AND bucket = OLD.turn >> 18);
END;
--> statement-breakpoint
CREATE TRIGGER builds_rejoin_queue AFTER UPDATE OF state, turn ON builds WHEN NEW.state = 'queued' AND (OLD.state <> 'queued' OR NEW.turn <> OLD.turn) BEGIN
  INSERT INTO ranks (what, level, bucket, n) VALUES ('queued', 0, NEW.turn, 1), ('queued', 1, NEW.turn >> 6, 1), ('queued', 2, NEW.turn >> 12, 1), ('queued', 3, NEW.turn >> 18, 1)
  ON CONFLICT DO UPDATE SET n = n + excluded.n;
END;
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN slots INTEGER NOT NULL DEFAULT 1;
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN held TEXT NOT NULL DEFAULT '[]';
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN durations TEXT NOT NULL DEFAULT '[]';
