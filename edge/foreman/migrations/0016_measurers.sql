-- Which operators of volunteers have had their say about a target by checks: each has one (reproducibility.ts).
CREATE TABLE measurers (
  branch TEXT NOT NULL,
  target TEXT NOT NULL,
  operator TEXT NOT NULL,
  PRIMARY KEY (branch, target, operator)
) WITHOUT ROWID;
