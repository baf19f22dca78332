CREATE TABLE `documents` (
  `key` text PRIMARY KEY NOT NULL,
  `upstream` text NOT NULL,
  `id` text NOT NULL,
  `recipe` text NOT NULL,
  `files` text NOT NULL,
  `checked_at` integer NOT NULL,
  `asked_at` integer NOT NULL,
  `written_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `documents_asked` ON `documents` (`upstream`, `asked_at`);
--> statement-breakpoint
CREATE TABLE `document_parts` (
  `key` text NOT NULL,
  `part` integer NOT NULL,
  `text` text NOT NULL,
  PRIMARY KEY (`key`, `part`)
);
