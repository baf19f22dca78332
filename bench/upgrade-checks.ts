/**
 * What routers of 2019 send when they ask for something newer, each another: 200 packages of the large index, half of them in the
 * version that is offered. With what must be answered, which is made here from the list and not by the code that is measured.
 */
import { PACKAGE_CHANGES } from '../shared/upstream/package-changes.ts';
import type { BenchServer } from './bench-server.ts';
import { LARGE } from './large-index.ts';
import { seeded, shuffled } from './random.ts';

const INSTALLED = 200;
const ROUTERS = 1_000;
const PARALLEL = 16;
/** Every image has them, and no index needs to. */
const BASE = { kernel: '4.14.171-1-8bf4bbbb', libc: '1.1.24-2', 'base-files': '204.2-r11063-85e04e9f46' };

export interface UpgradeCheckLoad {
  /** JSON; `@` stands where a running number makes one more router of it. */
  readonly body: string;
  readonly packages: readonly string[];
  /** Without the one that the number is of. */
  readonly upgrades: Readonly<Record<string, readonly [offered: string, installed: string]>>;
}

/** @throws Error where the index does not have so many packages */
export async function upgradeChecks(server: BenchServer, signal: AbortSignal): Promise<readonly UpgradeCheckLoad[]> {
  const path = `/json/v1/releases/${LARGE.version}/packages/${LARGE.arch}-index.json`;
  const index = (await (await fetch(server.edgeUrl + path, { signal })).json()) as Readonly<Record<string, string>>;
  // Under another name by now, what must be answered would not stand in the list.
  const names = Object.keys(index).filter((name) => !PACKAGE_CHANGES.some(({ source }) => source === name));
  const random = seeded(4);
  return Array.from({ length: ROUTERS }, () => {
    const chosen = new Set<string>();
    while (chosen.size < INSTALLED - Object.keys(BASE).length) {
      const name = names[Math.floor(random() * names.length)];
      if (name === undefined) throw new Error(`expected a list of packages at ${path}`);
      chosen.add(name);
    }
    return upgradeCheck([...chosen], index, random);
  });
}

function upgradeCheck(
  names: readonly string[],
  index: Readonly<Record<string, string>>,
  random: () => number,
): UpgradeCheckLoad {
  const [numbered = '', ...others] = names;
  const versions = others.map((name) => {
    const offered = index[name] ?? '';
    return [name, random() < 0.5 ? offered : `${1 + Math.floor(random() * 9)}.${Math.floor(random() * 99)}-1`] as const;
  });
  const installed = Object.fromEntries(
    shuffled([...versions, [numbered, '0.@-1'] as const, ...Object.entries(BASE)], random),
  );
  const isOther = ([name, version]: readonly [string, string]) => version !== index[name];
  return {
    body: JSON.stringify({
      distro: 'OpenWrt',
      target: LARGE.target,
      version: '19.07.3',
      revision: 'r11063-85e04e9f46',
      installed,
      upgrade_packages: 1,
    }),
    packages: [...names, 'base-files'].sort(),
    upgrades: Object.fromEntries(
      versions.filter(isOther).map(([name, version]) => [name, [index[name] ?? '', version]]),
    ),
  };
}

/** Each body sent once, and its answer compared with what it must be. @throws Error naming the difference */
export async function verifyChecks(
  server: BenchServer,
  checks: readonly UpgradeCheckLoad[],
  signal: AbortSignal,
): Promise<void> {
  for (let from = 0; from < checks.length; from += PARALLEL)
    await Promise.all(checks.slice(from, from + PARALLEL).map((check) => verify(server, check, signal)));
}

async function verify(server: BenchServer, check: UpgradeCheckLoad, signal: AbortSignal): Promise<void> {
  const body = check.body.replace('@', '0');
  const answer = await fetch(`${server.edgeUrl}/api/upgrade-check`, { method: 'POST', body, signal });
  const text = await answer.text();
  if (answer.status !== 200)
    throw new Error(`upgrade-check: expected 200, got ${answer.status}: ${text.slice(0, 500)}`);
  const { version, packages, upgrades } = JSON.parse(text) as Record<string, unknown> &
    Pick<UpgradeCheckLoad, 'upgrades'>;
  expectSame('version', version, LARGE.version);
  expectSame('packages', [...(packages as string[])].sort(), check.packages);
  const numbered = Object.entries(upgrades).filter(([, [, installed]]) => installed === '0.0-1');
  if (numbered.length !== 1) throw new Error(`upgrade-check: expected one package 0.0-1, got ${numbered.length}`);
  const { 'base-files': _, ...others } = Object.fromEntries(
    Object.entries(upgrades).filter(([name]) => name !== numbered[0]?.[0]),
  );
  expectSame('upgrades', sorted(others), sorted(check.upgrades));
}

const sorted = (pairs: UpgradeCheckLoad['upgrades']) => Object.entries(pairs).sort(([a], [b]) => (a < b ? -1 : 1));

function expectSame(what: string, got: unknown, expected: unknown): void {
  const [one, other] = [JSON.stringify(got), JSON.stringify(expected)];
  if (one !== other)
    throw new Error(`upgrade-check: expected ${what} ${other?.slice(0, 500)}, got ${one?.slice(0, 500)}`);
}
