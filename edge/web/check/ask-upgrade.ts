/**
 * `POST /api/upgrade-check`, and which device a board's name is in the offered version. Nothing is believed of an answer but what
 * this view shows.
 */
import type { AnswerOf } from '../../../shared/api/answer-of.ts';
import type { profileSchema } from '../../../shared/api/catalogue-answers.ts';
import type { SeedUpgrade } from '../../../shared/api/seed-check-answers.ts';
import type { Installed } from '../../../shared/request/installed-list.ts';
import { isSnapshot } from '../../../shared/upstream/branch.ts';
import { AskError, ask } from '../api/ask.ts';
import { defaultNames } from '../builder/package-notes.ts';
import { MESSAGES } from '../messages.ts';
import { removedDefaults } from './removed-defaults.ts';
import type { SystemBoard } from './system-board.ts';

export type UpgradeOutcome =
  | { readonly state: 'nothing' }
  | { readonly state: 'upgrade'; readonly answer: SeedUpgrade; readonly device: Device | null }
  | { readonly state: 'unknown packages'; readonly names: readonly string[] }
  | { readonly state: 'failed'; readonly message: string };

export interface Device {
  readonly profile: string;
  readonly filesystems: readonly string[];
  /** Of what it comes with, what the router's owner has removed. */
  readonly removed: readonly string[];
}

interface Known extends Omit<Device, 'removed'> {
  readonly defaults: readonly string[];
}

type Profile = AnswerOf<typeof profileSchema>;

/** `installed`: null where nothing was said of packages. @throws the signal's reason */
export async function askUpgrade(
  board: SystemBoard,
  installed: Installed | null,
  signal: AbortSignal,
): Promise<UpgradeOutcome> {
  const { distro, version, target, revision } = board;
  try {
    const { status, body } = await ask<unknown>('/api/upgrade-check', {
      body: { distro, version, target, revision, ...(installed && { installed }) },
      signal,
    });
    if (status === 204) return { state: 'nothing' };
    if (!isUpgrade(body)) return { state: 'failed', message: MESSAGES.server.strange };
    return {
      state: 'upgrade',
      answer: body,
      device: await deviceOf(board, body.version ?? version, installed, signal),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof AskError)) throw error;
    const names = namesOf(error.headers.get('x-unknown-package'));
    if (error.status === 422 && names.length > 0) return { state: 'unknown packages', names };
    return { state: 'failed', message: error.status === 0 ? MESSAGES.check.failed.unreachable : error.message };
  }
}

const namesOf = (header: string | null): readonly string[] => (header ?? '').split(', ').filter(Boolean);

function isUpgrade(json: unknown): json is SeedUpgrade {
  if (typeof json !== 'object' || json === null) return false;
  const { version, packages, upgrades, dropped } = json as Record<keyof SeedUpgrade, unknown>;
  const isNames = (value: unknown): boolean =>
    value === undefined || (Array.isArray(value) && value.every((name) => typeof name === 'string'));
  return (
    (version === undefined || typeof version === 'string') &&
    isNames(packages) &&
    isNames(dropped) &&
    (upgrades === undefined ||
      (typeof upgrades === 'object' && upgrades !== null && Object.values(upgrades).every(isNames)))
  );
}

async function deviceOf(
  board: SystemBoard,
  version: string,
  installed: Installed | null,
  signal: AbortSignal,
): Promise<Device | null> {
  const [now, before] = await Promise.all([
    findDevice(board, version, signal),
    // What came with a snapshot on the day that it was made nobody knows any more.
    installed && !isSnapshot(board.version) ? findDevice(board, board.version, signal) : null,
  ]);
  if (now === null) return null;
  const { defaults, ...device } = now;
  return { ...device, removed: removedDefaults(Object.keys(installed ?? {}), before?.defaults ?? [], defaults) };
}

/** Null: the version has no such device, or it could not be asked for. On a PC any board is the only device that there is. */
async function findDevice(
  { target, boardName }: SystemBoard,
  version: string,
  signal: AbortSignal,
): Promise<Known | null> {
  const place = version === 'SNAPSHOT' ? '/json/v1/snapshots' : `/json/v1/releases/${version}`;
  for (const name of [boardName, 'generic']) {
    try {
      const { body } = await ask<Profile>(`${place}/targets/${target}/${name}.json`, { signal });
      if (typeof body.id !== 'string') continue;
      const defaults = defaultNames(namesIn(body.default_packages), namesIn(body.device_packages));
      return { profile: body.id, filesystems: filesystemsOf(body), defaults };
    } catch {
      signal.throwIfAborted();
      return null;
    }
  }
  return null;
}

const namesIn = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];

const filesystemsOf = ({ images = [] }: Profile): readonly string[] =>
  images.flatMap(({ filesystem }) => (typeof filesystem === 'string' ? [filesystem] : []));
