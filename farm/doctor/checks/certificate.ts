/** Has the node joined the edge, and for how long is its certificate good? */
import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expiryOf } from '../../membership/membership.ts';
import { type Check, type Finding, ok, problem, warning } from '../check.ts';

export const certificateCheck: Check = {
  id: 'certificate',
  patienceMs: 10_000,
  run: async ({ stateDirectory, edgeUrl }) =>
    edgeUrl === null ? [] : judgeCertificate(certificatesIn(stateDirectory).get(edgeUrl) ?? null, edgeUrl, Date.now()),
};

/** Edge → certificate. Only read: a node may be writing. Empty where none ever started here. */
function certificatesIn(stateDirectory: string): ReadonlyMap<string, string> {
  let database: BetterSqlite3.Database;
  try {
    database = new BetterSqlite3(path.join(stateDirectory, 'node.sqlite'), { readonly: true, fileMustExist: true });
  } catch {
    return new Map();
  }
  try {
    const rows = database.prepare('SELECT url, certificate FROM edges').all() as { url: string; certificate: string }[];
    return new Map(rows.map(({ url, certificate }) => [url, certificate]));
  } catch {
    // Never started as far as its tables.
    return new Map();
  } finally {
    database.close();
  }
}

const SOON_MS = 6 * 3_600_000;

export function judgeCertificate(certificate: string | null, edgeUrl: string, nowMs: number): Finding {
  if (certificate === null)
    return warning(
      `this node has not joined ${edgeUrl} yet`,
      'ask its operator for a join token and start the node with ASU_NODE_JOIN=TOKEN',
    );
  const leftMs = expiryOf(certificate) - nowMs;
  const hours = Math.round(Math.abs(leftMs) / 3_600_000);
  if (leftMs <= 0)
    return problem(
      `the certificate for ${edgeUrl} ended ${hours} h ago`,
      'start the node; if the edge refuses it, ask its operator for a new join token and start it with ASU_NODE_JOIN=TOKEN',
    );
  return leftMs < SOON_MS
    ? warning(`the certificate for ${edgeUrl} ends in ${hours} h`, 'start the node, which renews it')
    : ok(`joined ${edgeUrl}; the certificate is good for ${hours} h and is renewed by itself`);
}
