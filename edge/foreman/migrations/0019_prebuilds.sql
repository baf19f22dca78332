-- What is built before anybody asks for it (prebuilds.ts): what many asked for, and what of upstream was seen.
CREATE TABLE wanted (
  intent_hash TEXT PRIMARY KEY,
  place INTEGER NOT NULL,
  image TEXT
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE upstream_seen (
  version TEXT NOT NULL,
  target TEXT NOT NULL,
  image_builder TEXT NOT NULL,
  builds INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (version, target)
) WITHOUT ROWID;
--> statement-breakpoint
-- A prebuild (1099511627776 is PREBUILD_TURN of shared/queue/turn.ts) is before nobody; it joins those who wait when somebody asks for it.
DROP TRIGGER builds_join_live;
--> statement-breakpoint
CREATE TRIGGER builds_join_live AFTER INSERT ON builds WHEN NEW.state IN ('queued', 'leased', 'running', 'publishing') AND NEW.turn < 1099511627776 BEGIN
  INSERT INTO ranks (what, level, bucket, n) VALUES ('live', 0, NEW.sequence, 1), ('live', 1, NEW.sequence >> 6, 1), ('live', 2, NEW.sequence >> 12, 1), ('live', 3, NEW.sequence >> 18, 1)
  ON CONFLICT DO UPDATE SET n = n + excluded.n;
END;
--> statement-breakpoint
CREATE TRIGGER builds_asked_for AFTER UPDATE OF turn ON builds WHEN OLD.turn >= 1099511627776 AND NEW.turn < 1099511627776 AND NEW.state IN ('queued', 'leased', 'running', 'publishing') BEGIN
  INSERT INTO ranks (what, level, bucket, n) VALUES ('live', 0, NEW.sequence, 1), ('live', 1, NEW.sequence >> 6, 1), ('live', 2, NEW.sequence >> 12, 1), ('live', 3, NEW.sequence >> 18, 1)
  ON CONFLICT DO UPDATE SET n = n + excluded.n;
END;
--> statement-breakpoint
DROP TRIGGER builds_rejoin_live;
--> statement-breakpoint
CREATE TRIGGER builds_rejoin_live AFTER UPDATE OF state ON builds WHEN OLD.state NOT IN ('queued', 'leased', 'running', 'publishing') AND NEW.state IN ('queued', 'leased', 'running', 'publishing') AND NEW.turn < 1099511627776 BEGIN
  INSERT INTO ranks (what, level, bucket, n) VALUES ('live', 0, NEW.sequence, 1), ('live', 1, NEW.sequence >> 6, 1), ('live', 2, NEW.sequence >> 12, 1), ('live', 3, NEW.sequence >> 18, 1)
  ON CONFLICT DO UPDATE SET n = n + excluded.n;
END;
--> statement-breakpoint
DROP TRIGGER builds_leave_live;
--> statement-breakpoint
CREATE TRIGGER builds_leave_live AFTER UPDATE OF state ON builds WHEN OLD.state IN ('queued', 'leased', 'running', 'publishing') AND NEW.state NOT IN ('queued', 'leased', 'running', 'publishing') AND OLD.turn < 1099511627776 BEGIN
  INSERT INTO ranks (what, level, bucket, n) VALUES ('live', 0, NEW.sequence, -1), ('live', 1, NEW.sequence >> 6, -1), ('live', 2, NEW.sequence >> 12, -1), ('live', 3, NEW.sequence >> 18, -1)
  ON CONFLICT DO UPDATE SET n = n + excluded.n;
  DELETE FROM ranks WHERE what = 'live' AND level = 0 AND bucket = NEW.sequence AND n = 0;
  DELETE FROM ranks WHERE what = 'live' AND level = 1 AND bucket = NEW.sequence >> 6 AND n = 0;
  DELETE FROM ranks WHERE what = 'live' AND level = 2 AND bucket = NEW.sequence >> 12 AND n = 0;
  DELETE FROM ranks WHERE what = 'live' AND level = 3 AND bucket = NEW.sequence >> 18 AND n = 0;
END;
