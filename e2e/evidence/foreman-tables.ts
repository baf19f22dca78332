/** What the Foreman has written down, read from its file past the edge. The edge must be dead: it is the only writer. */
import { glob } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface WrittenBuild {
  readonly requestHash: string;
  readonly state: string;
  readonly attempts: number;
  /** In order, one for each time that a node got it. */
  readonly leases: readonly { readonly nodeId: string; readonly state: string; readonly endReason: string }[];
}

/** As wrangler keeps them, and as `workerd serve` does. */
const OBJECTS = ['edge/v3/do/**/*.sqlite', 'serve/objects/**/*.sqlite'];

/** @throws Error where there is no Foreman below the directory */
export async function writtenBuilds(stateDirectory: string): Promise<WrittenBuild[]> {
  const db = await openForeman(stateDirectory);
  try {
    const leases = db
      .prepare('SELECT request_hash, node_id AS nodeId, state, end_reason AS endReason FROM leases ORDER BY granted_at')
      .all();
    return db
      .prepare('SELECT request_hash AS requestHash, state, attempts FROM builds ORDER BY sequence')
      .all()
      .map((build) => ({
        ...build,
        leases: leases.filter((lease) => lease.request_hash === build.requestHash),
      })) as unknown as WrittenBuild[];
  } finally {
    db.close();
  }
}

/** Its tables, to be closed again. @throws Error where there is no Foreman below the directory */
export async function openForeman(stateDirectory: string): Promise<DatabaseSync> {
  for await (const file of glob(OBJECTS, { cwd: stateDirectory })) {
    const db = new DatabaseSync(path.join(stateDirectory, file));
    const has = db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name IN ('builds', 'leases')").get();
    if (has?.n === 2) return db;
    db.close();
  }
  throw new Error(`no Foreman's tables below ${stateDirectory}`);
}
