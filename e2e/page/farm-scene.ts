/**
 * A farm that was busy for a month, for whoever looks at it: rows that its Foreman would have written itself by then. Everything
 * else is real: the edge serves them as its own, for it cannot tell.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { openForeman } from '../evidence/foreman-tables.ts';

const DAY_MS = 24 * 3_600_000;
const DAYS = 30;

type Row = Record<string, SQLInputValue>;

/** The edge must be dead: it is the only writer. */
export async function changeForeman(stateDirectory: string, change: (db: DatabaseSync) => void): Promise<void> {
  const db = await openForeman(stateDirectory);
  try {
    db.exec('BEGIN');
    change(db);
    db.exec('COMMIT');
  } finally {
    db.close();
  }
}

export function insert(db: DatabaseSync, table: string, row: Row): void {
  const names = Object.keys(row);
  const places = names.map(() => '?').join(', ');
  db.prepare(`INSERT OR REPLACE INTO ${table} (${names.join(', ')}) VALUES (${places})`).run(...Object.values(row));
}

/** One more machine, like the first that joined but for what is said of it. */
export function addNode(db: DatabaseSync, serial: number, more: Row): void {
  const first = db.prepare('SELECT * FROM nodes ORDER BY joined_at LIMIT 1').get() as Row | undefined;
  if (first === undefined) throw new Error('expected a node that has joined');
  const digits = serial.toString(16).padStart(64, '0');
  insert(db, 'nodes', { ...first, id: digits, public_key: digits, address: '', ...more });
}

/** Not heard of for an hour. */
export function allAway(db: DatabaseSync, now: number): void {
  db.prepare('UPDATE nodes SET last_seen_at = ?').run(now - 3_600_000);
}

export function addCount(db: DatabaseSync, what: string, day: number, branch: string, name: string, n: number): void {
  insert(db, 'counters', { what, day, branch, name, n });
}

export function addFailure(db: DatabaseSync, failure: object): void {
  db.prepare('INSERT INTO failures (failure) VALUES (?)').run(JSON.stringify({ lastLines: [], names: [], ...failure }));
}

const PACKAGES = [
  ['luci', 412],
  ['luci-app-attendedsysupgrade', 304],
  ['wireguard-tools', 188],
  ['vim', 121],
  ['tcpdump', 96],
  ['luci-app-sqm', 83],
  ['adblock-fast', 61],
  ['htop', 44],
] as const;

const TARGETS = [
  ['demo/generic', 631, 48],
  ['demo64/generic', 274, 71],
] as const;

const MACHINES = [
  ['attic', 'trusted', 'active', 4, 812],
  ['freifunk-rack-2', 'volunteer', 'active', 8, 391],
  ['garage', 'volunteer', 'active', 2, 127],
  ['lab-7', 'volunteer', 'draining', 4, 96],
  ['old-laptop', 'volunteer', 'active', 1, 18],
] as const;

/** A month of numbers, the same each time. */
export function busyMonth(db: DatabaseSync, now: number): void {
  const today = Math.floor(now / DAY_MS);
  for (let ago = DAYS - 1; ago >= 0; ago--) {
    const requests = Math.round(90 + 2.4 * (DAYS - ago) + 22 * Math.sin(ago / 1.9) + 11 * Math.cos(ago * 2.3));
    addCount(db, 'outcome', today - ago, '', 'hit_memory', Math.round(requests * 0.8));
    addCount(db, 'outcome', today - ago, '', 'new', Math.round(requests * 0.2));
    addCount(db, 'build', today - ago, '', 'built', Math.round(requests * 0.18));
    addCount(db, 'build', today - ago, '', 'failed', Math.abs((ago * 7) % 5) + 1);
  }
  const lines: readonly (readonly [branch: string, name: string, start: number, growth: number])[] = [
    ['24.10', '24.10.2', 420, -4],
    ['25.12', '25.12.1', 40, 21],
    ['SNAPSHOT', 'SNAPSHOT', 60, 2],
  ];
  for (const [branch, name, start, growth] of lines)
    for (let ago = 25; ago >= 0; ago--) {
      const n = start + growth * (25 - ago) + Math.round(14 * Math.sin(ago / 2 + start));
      addCount(db, 'version', today - ago * 7, branch, name, n);
    }
  for (const [name, n] of PACKAGES) addCount(db, 'package', today - 1, '24.10', name, n);
  for (const [name, n, seconds] of TARGETS) {
    addCount(db, 'target', today - 1, '24.10', name, n);
    addCount(db, 'target_built', today - 1, '', name, n);
    addCount(db, 'target_seconds', today - 1, '', name, n * seconds);
  }
  for (const [at, [name, tier, state, slots, images]] of MACHINES.entries())
    addNode(db, at + 1, { name, tier, state, slots, images, operator: name, last_seen_at: now + DAY_MS });
  const measured = [
    ['24.10', 'demo/generic', 61, 0, 1],
    ['24.10', 'demo64/generic', 23, 0, 0],
    ['25.12', 'demo/generic', 4, 1, 0],
  ] as const;
  for (const [branch, target, agreed, unexplained, explained] of measured)
    insert(db, 'reproducibility', { branch, target, agreed, unexplained, explained, last_at: now - DAY_MS });
}
