-- What is built a second time, to see whether what was said is so: see checks.ts and known-images.ts.
CREATE TABLE known_images (
  request_hash TEXT PRIMARY KEY,
  word TEXT NOT NULL,
  branch TEXT NOT NULL,
  target TEXT NOT NULL,
  image_builder TEXT NOT NULL,
  inputs TEXT NOT NULL,
  digest TEXT NOT NULL,
  node_id TEXT NOT NULL,
  operator TEXT NOT NULL,
  place INTEGER NOT NULL,
  measures INTEGER NOT NULL DEFAULT 0,
  at INTEGER NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX known_images_by_builder ON known_images (image_builder, place) WHERE word = 'trusted';
--> statement-breakpoint
CREATE INDEX known_images_by_place ON known_images (place) WHERE word = 'trusted';
--> statement-breakpoint
CREATE INDEX known_images_that_measure ON known_images (place) WHERE measures = 1;
--> statement-breakpoint
CREATE INDEX known_images_of_target ON known_images (branch, target) WHERE measures = 1;
--> statement-breakpoint
CREATE INDEX known_images_by_time ON known_images (at);
--> statement-breakpoint
CREATE TABLE checks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  branch TEXT NOT NULL,
  target TEXT NOT NULL,
  inputs TEXT NOT NULL,
  digest TEXT NOT NULL,
  known_node TEXT NOT NULL,
  accused TEXT,
  lease_id TEXT,
  node_id TEXT,
  operator TEXT,
  tries INTEGER NOT NULL DEFAULT 0,
  said TEXT,
  outcome TEXT,
  at INTEGER NOT NULL,
  files TEXT NOT NULL DEFAULT 'none'
);
--> statement-breakpoint
CREATE INDEX checks_waiting ON checks (kind, id) WHERE state = 'waiting';
--> statement-breakpoint
CREATE INDEX checks_leased ON checks (branch, target) WHERE state = 'leased';
--> statement-breakpoint
CREATE INDEX checks_settling ON checks (id) WHERE state = 'settling';
--> statement-breakpoint
CREATE INDEX checks_of_image ON checks (request_hash, operator);
--> statement-breakpoint
CREATE INDEX checks_about ON checks (accused) WHERE state <> 'ended';
--> statement-breakpoint
CREATE INDEX checks_with_files ON checks (at) WHERE files = 'left';
--> statement-breakpoint
CREATE INDEX checks_by_time ON checks (at);
--> statement-breakpoint
ALTER TABLE leases ADD COLUMN check_id INTEGER;
