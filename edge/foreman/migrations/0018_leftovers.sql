-- When what a lease left in the store is looked at (remove-leftovers.ts), and that it is gone. Of leases that ended before, the sweep of
-- the whole store takes care (sweep-store.ts).
ALTER TABLE leases ADD COLUMN files_due_at INTEGER;
--> statement-breakpoint
ALTER TABLE leases ADD COLUMN files_removed INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
CREATE INDEX leases_with_files ON leases (files_due_at) WHERE files_due_at IS NOT NULL;
