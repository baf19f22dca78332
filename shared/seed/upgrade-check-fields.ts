/**
 * What a router of 2018 or 2019 says of itself when it asks whether there is something newer. Checked by hand and not by a schema:
 * a router sends some 200 packages, each router its own, so nothing of it is ever known already; a schema's loop over them would
 * cost more than all the rest of the answer. Grammar and limits are those of the v1 API.
 */
import { refuseField } from '../build/build-error.ts';
import { PACKAGE_FILE, PACKAGE_NAME, PACKAGE_VERSION, TARGET, WORD } from '../request/grammar.ts';
import { printable } from '../text/printable.ts';
import { placeOf } from './build-request-fields.ts';
import type { PlainPackages } from './scan-pairs.ts';

const MAX_WORD = 64;
const MAX_TARGET = 128;
export const MAX_VERSION = 128;
/** As `VERSION_CODE`, and the `+` of a system that somebody built from changes of their own: `r7258+2-5eb055306f`. */
const REVISION = /^[\w.,+-]*$/;
const WORD_EXPECTED = 'expected letters, digits, "_", ".", "," or "-"';

export type InstalledPackages = ReadonlyMap<string, string> | PlainPackages;

export interface UpgradeCheck<Installed = InstalledPackages> {
  readonly distro: string;
  readonly version: string;
  /** With its subtarget, whichever way it was written. */
  readonly target: string;
  /** Of the installed version; empty where it was not told. */
  readonly revision: string;
  /** Names and versions; null where nothing was said of packages. */
  readonly installed: Installed | null;
  /** Whether newer packages of the same version are worth an answer. */
  readonly wantsUpgrades: boolean;
}

/** @throws BuildError `invalid_request` naming the field and what was expected */
export function parseUpgradeCheck(json: unknown): UpgradeCheck<ReadonlyMap<string, string>> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) refuseField('body', 'expected a JSON object');
  const body = json as Fields;
  const distro = word(body, 'distro');
  const version = word(body, 'version');
  return {
    distro,
    version,
    target: targetOf(body),
    revision: revisionOf(body),
    // Of the split dialect; whoever sends both means by the other one something else.
    installed: isThere(body, 'installed') ? versions(body, 'installed') : versions(body, 'packages'),
    wantsUpgrades: isWanted(field(body, 'upgrade_packages')),
  };
}

type Fields = Readonly<Record<string, unknown>>;

const field = (body: Fields, name: string): unknown => (Object.hasOwn(body, name) ? body[name] : undefined);

const isThere = (body: Fields, name: string): boolean => (field(body, name) ?? null) !== null;

function text(body: Fields, name: string, max: number): string {
  const value = field(body, name);
  if (typeof value !== 'string') return refuseField(name, 'expected text');
  if (value.length > max) return refuseField(name, `expected at most ${max} characters`);
  return value;
}

function word(body: Fields, name: string): string {
  const value = text(body, name, MAX_WORD);
  return WORD.test(value) ? value : refuseField(name, WORD_EXPECTED);
}

function targetOf(body: Fields): string {
  const target = text(body, 'target', MAX_TARGET);
  const subtarget = isThere(body, 'subtarget') ? text(body, 'subtarget', MAX_TARGET) : null;
  const place = placeOf({ target, subtarget });
  const whole = place.subtarget === undefined ? target : `${target}/${place.subtarget}`;
  return whole.length <= MAX_TARGET && TARGET.test(whole) ? whole : refuseField('target', 'expected target/subtarget');
}

function revisionOf(body: Fields): string {
  if (!isThere(body, 'revision')) return '';
  const revision = text(body, 'revision', MAX_WORD);
  return REVISION.test(revision) ? revision : refuseField('revision', 'expected a revision such as r7258-5eb055306f');
}

function versions(body: Fields, name: string): ReadonlyMap<string, string> | null {
  if (!isThere(body, name)) return null;
  const value = field(body, name);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuseField(
      name,
      `expected an object of names and versions, got ${Array.isArray(value) ? 'a list' : 'a value'}`,
    );
  const installed = new Map<string, string>();
  // What was JSON has nothing but its own. No two routers have the same names, and for such objects `entries` takes four times as long.
  for (const one in value) {
    const version: unknown = (value as Fields)[one];
    if (!PACKAGE_NAME.test(one))
      refuseField(
        `${name}.${printable(one, MAX_WORD)}`,
        'expected a package name: letters, digits, "_", ".", "+" or "-"',
      );
    if (PACKAGE_FILE.test(one)) refuseField(`${name}.${one}`, 'expected a package name, not a package file');
    if (typeof version !== 'string') refuseField(`${name}.${one}`, 'expected a version as text');
    if (version.length > MAX_VERSION) refuseField(`${name}.${one}`, `expected at most ${MAX_VERSION} characters`);
    if (!PACKAGE_VERSION.test(version))
      refuseField(`${name}.${one}`, 'expected letters, digits, "_", "+", ".", ",", "~", ":" or "-"');
    installed.set(one, version);
  }
  return installed;
}

/** As C, Lua and Python wrote it. */
function isWanted(value: unknown): boolean {
  if (value === undefined || value === null || value === 1 || value === '1' || value === true) return true;
  if (value === 0 || value === '0' || value === false) return false;
  return refuseField('upgrade_packages', 'expected 0 or 1');
}
