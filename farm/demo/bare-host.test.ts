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
  await rm(base, { recursive: true });
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

const hosts = [['node'], ['curl', 'openssl'], ['wget', 'openssl']].filter((tools) => tools.every(locate));

describe.each(['24.10.2', '25.12.1'])('an ImageBuilder of %s', (version) => {
  const unpack = (name: string, path: string) =>
    unpackImageBuilder({
      mirror,
      mirrorUrl: server.url,
      version,
      target: 'demo/generic',
      directory: join(base, `tree-${name}`),
      path,
    });

  it.each(hosts)('builds with nothing but the essential programs and %s %s', async (...tools) => {
    const name = `${version}-${tools.join('-')}`;
    const builder = await unpack(name, await pathOf(name, [...essential, ...tools]));
    const variables = { PROFILE: 'umbra_NX500', PACKAGES: 'vim', BIN_DIR: join(base, `out-${name}`) };
    const { code, stdout, stderr } = await builder.make('image', variables);
    expect([code, stderr.match(/.*(not found|failed).*/g)]).toEqual([0, null]);
    expect(stdout).toContain('\nCalculating checksums...\n');
  });

  it('with nothing that can verify a signature trusts none', async () => {
    const fetcher = ['curl', 'wget'].filter(locate).slice(0, 1);
    if (fetcher.length === 0) return;
    const name = `${version}-unverified`;
    const builder = await unpack(name, await pathOf(name, [...essential, ...fetcher]));
    const { code, stderr } = await builder.make('manifest');
    expect(code).toBe(2);
    expect(stderr).toMatch(/Signature check failed\.|UNTRUSTED signature/);
  });
});
