-- What is published and takes space (images.ts), with its sums: a count would read every row. Images of before are found in the store
-- (sweep-store.ts): of which lease their files are stands in their records alone.
CREATE TABLE images (
  request_hash TEXT PRIMARY KEY,
  intent_hash TEXT NOT NULL,
  lease_id TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  is_private INTEGER NOT NULL,
  served_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  step INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX images_by_service ON images (served_at) WHERE state = 'kept' AND is_private = 0;
--> statement-breakpoint
CREATE INDEX images_by_due ON images (due_at) WHERE state = 'leaving';
--> statement-breakpoint
CREATE INDEX images_by_lease ON images (lease_id);
--> statement-breakpoint
CREATE TABLE image_sums (
  state TEXT PRIMARY KEY,
  n INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO image_sums (state, n, bytes) VALUES ('kept', 0, 0), ('leaving', 0, 0), ('removed', 0, 0);
--> statement-breakpoint
CREATE TRIGGER images_come AFTER INSERT ON images BEGIN
  UPDATE image_sums SET n = n + 1, bytes = bytes + NEW.bytes WHERE state = NEW.state;
END;
--> statement-breakpoint
CREATE TRIGGER images_change AFTER UPDATE OF state ON images WHEN NEW.state <> OLD.state BEGIN
  UPDATE image_sums SET n = n - 1, bytes = bytes - OLD.bytes WHERE state = OLD.state;
  UPDATE image_sums SET n = n + 1, bytes = bytes + NEW.bytes WHERE state = NEW.state;
END;
--> statement-breakpoint
CREATE TRIGGER images_go AFTER DELETE ON images BEGIN
  UPDATE image_sums SET n = n - 1, bytes = bytes - OLD.bytes WHERE state = OLD.state;
  UPDATE image_sums SET n = n + 1, bytes = bytes + OLD.bytes WHERE state = 'removed';
END;
