ALTER TABLE leases ADD COLUMN built TEXT;
--> statement-breakpoint
ALTER TABLE leases ADD COLUMN taken_up INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
CREATE TABLE begun_uploads (
  key TEXT PRIMARY KEY,
  upload_id TEXT NOT NULL
);
