CREATE TABLE counters (
  what TEXT NOT NULL,
  day INTEGER NOT NULL,
  branch TEXT NOT NULL,
  name TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (what, day, branch, name)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE failures (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  failure TEXT NOT NULL
);
