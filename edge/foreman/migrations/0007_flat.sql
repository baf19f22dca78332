-- By the index of ranks: where the level stood in an OR beside what is counted, each build that left read every count of its kind.
DROP TRIGGER builds_leave_live;
--> statement-breakpoint
CREATE TRIGGER builds_leave_live AFTER UPDATE OF state ON builds WHEN OLD.state IN ('queued', 'leased', 'running', 'publishing') AND NEW.state NOT IN ('queued', 'leased', 'running', 'publishing') BEGIN
  INSERT INTO ranks (what, level, bucket, n) VALUES ('live', 0, NEW.sequence, -1), ('live', 1, NEW.sequence >> 6, -1), ('live', 2, NEW.sequence >> 12, -1), ('live', 3, NEW.sequence >> 18, -1)
  ON CONFLICT DO UPDATE SET n = n + excluded.n;
  DELETE FROM ranks WHERE what = 'live' AND level = 0 AND bucket = NEW.sequence AND n = 0;
  DELETE FROM ranks WHERE what = 'live' AND level = 1 AND bucket = NEW.sequence >> 6 AND n = 0;
  DELETE FROM ranks WHERE what = 'live' AND level = 2 AND bucket = NEW.sequence >> 12 AND n = 0;
  DELETE FROM ranks WHERE what = 'live' AND level = 3 AND bucket = NEW.sequence >> 18 AND n = 0;
END;
--> statement-breakpoint
DROP TRIGGER builds_leave_queue;
--> statement-breakpoint
CREATE TRIGGER builds_leave_queue AFTER UPDATE OF state, turn ON builds WHEN OLD.state = 'queued' AND (NEW.state <> 'queued' OR NEW.turn <> OLD.turn) BEGIN
  INSERT INTO ranks (what, level, bucket, n) VALUES ('queued', 0, OLD.turn, -1), ('queued', 1, OLD.turn >> 6, -1), ('queued', 2, OLD.turn >> 12, -1), ('queued', 3, OLD.turn >> 18, -1)
  ON CONFLICT DO UPDATE SET n = n + excluded.n;
  DELETE FROM ranks WHERE what = 'queued' AND level = 0 AND bucket = OLD.turn AND n = 0;
  DELETE FROM ranks WHERE what = 'queued' AND level = 1 AND bucket = OLD.turn >> 6 AND n = 0;
  DELETE FROM ranks WHERE what = 'queued' AND level = 2 AND bucket = OLD.turn >> 12 AND n = 0;
  DELETE FROM ranks WHERE what = 'queued' AND level = 3 AND bucket = OLD.turn >> 18 AND n = 0;
END;
--> statement-breakpoint
-- Without those that are postponed: while upstream is down that is the whole queue, and each node would read past it in vain.
DROP INDEX builds_by_turn;
--> statement-breakpoint
CREATE INDEX builds_by_turn ON builds (needs_trust, turn, sequence) WHERE state = 'queued' AND not_before = 0;
