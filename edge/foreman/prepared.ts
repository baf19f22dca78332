/**
 * Statements of a module that has functions and no object to keep them in: written once for each database, which takes several times as
 * long as to run them (queue.ts). What every call of the Foreman asks must not be written anew each time.
 */
import type { Database } from './database.ts';

export function prepared<Questions>(write: (db: Database) => Questions): (db: Database) => Questions {
  const written = new WeakMap<Database, Questions>();
  return (db) => {
    const known = written.get(db) ?? write(db);
    written.set(db, known);
    return known;
  };
}
