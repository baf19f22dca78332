import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DemoMirror, generateMirror } from './generate-mirror.ts';
import { type MirrorServer, serveMirror } from './mirror-server.ts';
import { unpackImageBuilder } from './unpacked-imagebuilder.ts';

/** All that an ImageBuilder may call: make, and what every Debian has installed (no bash, perl, python or file). */
const essential =
  'make sh awk base64 cat cmp cp cut du echo find grep gzip head join ln mkdir mv od paste rm sed sha256sum sha512sum sleep sort stat tail tar touch tr wc xargs'.split(
    ' ',
  );

let base: string;
let mirror: DemoMirror;
let server: MirrorServer;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'demo-bare-'));
  mirror = await generateMirror({ directory: join(base, 'mirror') });
  server = await serveMirror(mirror.directory);
});
afterAll(async () => {
  await server.close();
  await rm(base, { recursive: true, maxRetries: 5 });
});

const locate = (tool: string): string | undefined =>
  tool === 'node' ? process.execPath : spawnSync('which', [tool], { encoding: 'utf8' }).stdout.trim() || undefined;

/** A PATH of these programs and no others. */
async function pathOf(name: string, tools: readonly string[]): Promise<string> {
  const directory = join(base, name);
  await mkdir(directory);
  for (const tool of tools) await symlink(locate(tool) ?? `/missing/${tool}`, join(directory, tool));
  return directory;
}

/** One host without anything but node, as a farm node may be, and one of the other ways for each era. */
const cases = [
  { version: '24.10.2', goal: 'image', tools: ['node'] },
  { version: '24.10.2', goal: 'manifest', tools: ['wget', 'openssl'] },
  { version: '25.12.1', goal: 'image', tools: ['node'] },
  { version: '25.12.1', goal: 'manifest', tools: ['curl', 'openssl'] },
].filter(({ tools }) => tools.every(locate));

let trees = 0;
async function unpack(version: string, tools: readonly string[]) {
  const path = await pathOf(`bin-${++trees}`, [...essential, ...tools]);
  const directory = join(base, `tree-${trees}`);
  return unpackImageBuilder({ mirror, mirrorUrl: server.url, version, target: 'demo/generic', directory, path });
}

describe('with the essential programs', () => {
  it.each(cases)('and $tools make $goal of $version works', async ({ version, goal, tools }) => {
    const builder = await unpack(version, tools);
    const { code, stdout, stderr } = await builder.make(goal, { PROFILE: 'umbra_NX500', PACKAGES: 'vim' });
    expect([code, stderr.match(/.*(not found|failed).*/g)]).toEqual([0, null]);
    expect(stdout).toContain({ image: '\nCalculating checksums...\n', manifest: '\nvim - ' }[goal]);
  });

  const fetchers = ['curl', 'wget'].filter(locate).slice(0, 1);
  if (fetchers.length === 0) console.warn('SKIPPED, LOUDLY: one test needs curl or wget (apt-get install -y curl)');
  it.skipIf(fetchers.length === 0).each(['24.10.2', '25.12.1'])(
    'and nothing to verify a signature with, no index of %s is trusted',
    async (version) => {
      const { code, stderr } = await (await unpack(version, fetchers)).make('manifest');
      expect(code).toBe(2);
      expect(stderr).toMatch(/Signature check failed\.|UNTRUSTED signature/);
    },
  );
});
