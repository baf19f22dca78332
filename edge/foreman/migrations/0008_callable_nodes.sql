-- Where an operator said that a node is called, and since when that fails (callable-nodes.ts).
ALTER TABLE nodes ADD COLUMN address TEXT NOT NULL DEFAULT '';
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN call_failures INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN call_fault TEXT NOT NULL DEFAULT '';
--> statement-breakpoint
ALTER TABLE nodes ADD COLUMN not_called_before INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
CREATE UNIQUE INDEX nodes_by_address ON nodes (address) WHERE address <> '';
