-- How often there was a change that whoever keeps something in memory, or in the store, cannot see by a newer row. Read at each call of
-- the Foreman, where what was counted before was every node that was ever here.
-- Of nodes that may come for a build (voices.ts): but for their being heard of, which tells their last_seen_at as long as no other one's
-- is newer.
CREATE TRIGGER nodes_voice_changes AFTER UPDATE OF state, operator, network, tier, feeds, last_seen_at ON nodes
WHEN OLD.state <> NEW.state OR NEW.last_seen_at < OLD.last_seen_at OR (
  NEW.last_seen_at < (SELECT max(last_seen_at) FROM nodes)
  AND (OLD.last_seen_at, OLD.operator, OLD.network, OLD.tier, OLD.feeds)
    IS NOT (NEW.last_seen_at, NEW.operator, NEW.network, NEW.tier, NEW.feeds)
) BEGIN
  INSERT INTO meta (name, value) VALUES ('voice_changes', 1) ON CONFLICT DO UPDATE SET value = value + 1;
END;
--> statement-breakpoint
CREATE TRIGGER nodes_voice_comes AFTER INSERT ON nodes
WHEN NEW.last_seen_at < (SELECT max(last_seen_at) FROM nodes) BEGIN
  INSERT INTO meta (name, value) VALUES ('voice_changes', 1) ON CONFLICT DO UPDATE SET value = value + 1;
END;
--> statement-breakpoint
-- Of those whose word counts no more, as the log's head tells them (publication-log.ts).
CREATE TRIGGER nodes_disowned_changes AFTER UPDATE OF state, state_by, state_since, disowned_up_to ON nodes
WHEN OLD.disowned_up_to <> NEW.disowned_up_to OR (
  (OLD.state, OLD.state_by, OLD.state_since) IS NOT (NEW.state, NEW.state_by, NEW.state_since)
  AND (
    OLD.state = 'revoked' OR (OLD.state = 'quarantined' AND OLD.state_by = 'foreman')
    OR NEW.state = 'revoked' OR (NEW.state = 'quarantined' AND NEW.state_by = 'foreman')
  )
) BEGIN
  INSERT INTO meta (name, value) VALUES ('log_disowned_changes', 1) ON CONFLICT DO UPDATE SET value = value + 1;
END;
--> statement-breakpoint
CREATE TRIGGER disowned_begins AFTER INSERT ON disowned BEGIN
  INSERT INTO meta (name, value) VALUES ('log_disowned_changes', 1) ON CONFLICT DO UPDATE SET value = value + 1;
END;
--> statement-breakpoint
CREATE TRIGGER disowned_ends AFTER DELETE ON disowned BEGIN
  INSERT INTO meta (name, value) VALUES ('log_disowned_changes', 1) ON CONFLICT DO UPDATE SET value = value + 1;
END;
--> statement-breakpoint
-- Whether the head tells of all of these is not known by the new count: it is written once more.
INSERT INTO meta (name, value) SELECT 'log_disowned_changes', 1
WHERE EXISTS (SELECT 1 FROM disowned) OR EXISTS (
  SELECT 1 FROM nodes WHERE disowned_up_to > 0 OR state = 'revoked' OR (state = 'quarantined' AND state_by = 'foreman')
) OR EXISTS (SELECT 1 FROM meta WHERE name IN ('log_told_disowned', 'log_told_disowned_before') AND value > 0);
--> statement-breakpoint
DELETE FROM meta WHERE name IN ('log_told_disowned', 'log_told_disowned_before');
