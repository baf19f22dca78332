/**
 * One node per state directory. Two would remove each other's workspaces at their start and each other's ImageBuilders
 * whenever room is needed, and would answer for each other's leases.
 *
 * The lock is a transaction that is never committed, on a small SQLite file: what holds it is the kernel's lock on that
 * file (fcntl), which ends with the process however it ends, holds between containers that share a directory, and is not
 * inherited by builds. That is why nothing else may ever open this file: closing it would drop the lock (POSIX). Who holds
 * it stands in a file beside it, for sentences only.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';

export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly sinceMs: number;
}

/** A state directory that another process works in. */
export class StateInUse extends Error {
  override readonly name = 'StateInUse';
}

/** A directory of somebody else's: a node would empty its `work` at the start. */
export class ForeignState extends Error {
  override readonly name = 'ForeignState';
}

/** For a look by `holderOf`, which takes a moment and the same lock. */
const PATIENCE_MS = 1000;

/** Held for as long as the process lives, also by a caller who forgets it: a collected connection would close itself. */
const held = new Set<BetterSqlite3.Database>();

/** The directory must be there. @throws StateInUse naming who has it; ForeignState */
export function lockState(stateDirectory: string): Disposable {
  mustBeOurs(stateDirectory);
  const database = new BetterSqlite3(lockFile(stateDirectory), { timeout: PATIENCE_MS });
  try {
    database.pragma('journal_mode = DELETE');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw new StateInUse(
      `expected a state directory that nobody else uses, got ${stateDirectory}, which ${describe(readHolder(stateDirectory))} is using: stop that one, or choose another with --state`,
    );
  }
  held.add(database);
  writeHolder(stateDirectory, { pid: process.pid, host: os.hostname(), sinceMs: Date.now() });
  return {
    [Symbol.dispose]: () => {
      if (!held.delete(database)) return;
      rmSync(holderFile(stateDirectory), { force: true });
      database.close();
    },
  };
}

/** Who works in the directory; null where nobody does. Takes nothing, so whoever only reads may ask while a node runs. */
export function holderOf(stateDirectory: string): LockHolder | 'unknown' | null {
  let database: BetterSqlite3.Database;
  try {
    database = new BetterSqlite3(lockFile(stateDirectory), { readonly: true, fileMustExist: true, timeout: 0 });
  } catch {
    return null;
  }
  try {
    database.prepare('SELECT count(*) FROM sqlite_master').get();
    return null;
  } catch (error) {
    if (!isBusy(error)) throw error;
    return readHolder(stateDirectory) ?? 'unknown';
  } finally {
    database.close();
  }
}

/** Each node's has the lock's file, from its first start on; before that nothing lies in `work`. */
function mustBeOurs(stateDirectory: string): void {
  const work = path.join(stateDirectory, 'work');
  if (existsSync(lockFile(stateDirectory)) || !existsSync(work) || readdirSync(work).length === 0) return;
  throw new ForeignState(
    `expected a new state directory or a node's, got ${stateDirectory}, whose "work" holds files of somebody else: choose another with --state`,
  );
}

const lockFile = (stateDirectory: string): string => path.join(stateDirectory, 'lock.sqlite');
const holderFile = (stateDirectory: string): string => path.join(stateDirectory, 'lock.holder');

const isBusy = (error: unknown): boolean =>
  error instanceof BetterSqlite3.SqliteError && /^SQLITE_BUSY/.test(error.code);

function writeHolder(stateDirectory: string, holder: LockHolder): void {
  const draft = `${holderFile(stateDirectory)}.new`;
  writeFileSync(draft, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
  renameSync(draft, holderFile(stateDirectory));
}

function readHolder(stateDirectory: string): LockHolder | null {
  try {
    const { pid, host, sinceMs } = JSON.parse(readFileSync(holderFile(stateDirectory), 'utf8')) as LockHolder;
    return Number.isSafeInteger(pid) && typeof host === 'string' && Number.isFinite(sinceMs)
      ? { pid, host, sinceMs }
      : null;
  } catch {
    return null;
  }
}

/** Of another host where a volume is shared, and then its number would send the reader to the wrong process. */
function describe(holder: LockHolder | null): string {
  if (holder === null) return 'another process';
  return holder.host === os.hostname() ? `process ${holder.pid}` : `process ${holder.pid} on ${holder.host}`;
}
