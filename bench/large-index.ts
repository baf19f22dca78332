/**
 * Makes the index of one feed as large as upstream's largest architecture, on the demo's mirror, before anybody has read it:
 * with the demo's ninety packages a list would be answered as fast as a hello. The edge compiles it like any other.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BenchServer } from './bench-server.ts';
import { seeded } from './random.ts';

/** Its feeds have no signed list, and its index is the smallest that there is: names and versions. */
export const LARGE = { version: '25.12.1', target: 'demo/generic', arch: 'demo_generic' } as const;
export const ENTRIES = 10_000;

const FEEDS = ['base', 'luci', 'packages', 'routing', 'telephony'];
const WORDS = [
  'luci-app',
  'luci-i18n',
  'kmod',
  'lib',
  'python3',
  'perl',
  'collectd-mod',
  'asterisk',
  'gst1-mod',
  'tool',
];

/** So that all feeds together have `ENTRIES` packages. */
export async function enlargeIndex(server: BenchServer): Promise<void> {
  const directory = path.join(server.mirrorDirectory, 'releases', LARGE.version, 'packages', LARGE.arch);
  const read = async (feed: string) =>
    JSON.parse(await readFile(path.join(directory, feed, 'index.json'), 'utf8')) as {
      readonly packages: Readonly<Record<string, string>>;
    };
  const indexes = await Promise.all(FEEDS.map(read));
  const there = indexes.reduce((sum, { packages }) => sum + Object.keys(packages).length, 0);
  const index = indexes[FEEDS.indexOf('packages')];
  const file = path.join(directory, 'packages', 'index.json');
  // Renamed into its place, as a mirror's own files are.
  await writeFile(
    `${file}.new`,
    JSON.stringify({ ...index, packages: { ...index?.packages, ...invented(ENTRIES - there) } }),
  );
  await rename(`${file}.new`, file);
}

/** Names and versions as long as upstream's. */
export function invented(count: number): Record<string, string> {
  const random = seeded(3);
  const some = (max: number) => Math.floor(random() * max);
  return Object.fromEntries(
    Array.from({ length: count }, (_, n) => [
      `${WORDS[n % WORDS.length]}-${n.toString(36).padStart(3, 'x')}-${'abcdefghi'.slice(some(9))}`,
      `${some(30)}.${some(100)}.${some(40)}${random() < 0.3 ? `~${some(2 ** 30).toString(16)}` : ''}-r${some(20)}`,
    ]),
  );
}
