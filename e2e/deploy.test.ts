/**
 * What deploy/ and docker-compose.yml tell engines that do not run here: read by the programs that those use, as far as these can be
 * had, and each command that they would run is run.
 */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { hostTools } from '../farm/imagebuilder/host-tools.ts';
import { installTools } from '../farm/install-tools.ts';
import { EDGE_SETTINGS } from '../shared/edge-settings.ts';

const PROJECT = path.resolve(import.meta.dirname, '..');
const read = (file: string): Promise<string> => readFile(path.join(PROJECT, file), 'utf8');

interface Service {
  readonly profiles: readonly string[];
  readonly environment?: Readonly<Record<string, unknown>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
}

let compose: Compose;

beforeAll(async () => {
  const missing = await installTools({ 'docker-compose': 'docker-compose', 'systemd-analyze': 'systemd' });
  if (missing.length > 0)
    throw new Error(`These tests need ${missing.join(', ')}. Run: sudo apt-get install ${missing.join(' ')}`);
  compose = JSON.parse(await composed('--profile', 'dev', '--profile', 'selfhost', '--profile', 'node'));
});

/** The file as Docker Compose understands it, as JSON. */
async function composed(...profiles: readonly string[]): Promise<string> {
  const { stdout } = await execa('docker-compose', [...profiles, 'config'], { cwd: PROJECT });
  const toJson = 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)';
  return (await execa('/usr/bin/python3', ['-c', toJson], { input: stdout })).stdout;
}

/** What follows `--help` is nobody's business here: that the program is there and knows its flags is. */
const helpOf = (argv: readonly string[]) =>
  execa(process.execPath, [...argv, '--help'], { cwd: PROJECT, reject: false, env: { ASU_NODE_METRICS: '' } });

describe('docker-compose.yml', () => {
  test.each([
    ['dev', ['minio']],
    ['selfhost', ['edge', 'minio', 'node']],
    ['node', ['node']],
  ])('profile %s has %j', (profile, services) => {
    const names = Object.entries(compose.services).filter(([, { profiles }]) => profiles.includes(profile));
    expect(names.map(([name]) => name).sort()).toEqual(services);
  });

  test('gives the edge every variable that there is', () =>
    expect(Object.keys(compose.services.edge?.environment ?? {}).sort()).toEqual(Object.keys(EDGE_SETTINGS).sort()));

  test('gives a node variables that there are', async () => {
    const names = Object.keys(compose.services.node?.environment ?? {});
    const { stdout } = await helpOf(['farm/cli/main.ts', 'node']);
    expect(names.length).toBeGreaterThan(2);
    expect(names.filter((name) => !stdout.includes(name))).toEqual([]);
  });
});

describe.each(['edge', 'node'])('deploy/%s.Containerfile', (name) => {
  let text: string;
  beforeAll(async () => {
    text = await read(`deploy/${name}.Containerfile`);
  });

  test('copies what is in the tree, and .dockerignore lets it through', async () => {
    const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, sources]) => sources?.split(' ') ?? [],
    );
    const { stdout } = await execa('git', ['ls-files', '--', ...copied], { cwd: PROJECT });
    const ignored = await read('.dockerignore');
    for (const source of copied) {
      expect(
        stdout.split('\n').some((file) => file === source || file.startsWith(`${source}/`)),
        source,
      ).toBe(true);
      expect(ignored).toContain(`!${source.split('/')[0]}\n`);
    }
  });

  test('starts a program with flags that it knows, as nobody who matters', async () => {
    const [, words] = /^ENTRYPOINT (\[.+\])$/m.exec(text) ?? [];
    const [, more = '[]'] = /^CMD (\[.+\])$/m.exec(text) ?? [];
    const [program, ...args] = [...JSON.parse(words ?? '[]'), ...JSON.parse(more)] as string[];
    expect(program).toBe('node');
    expect((await helpOf(args)).exitCode).toBe(0);
    expect(text).toMatch(/^USER node$/m);
    expect(text).toMatch(/^HEALTHCHECK /m);
  });
});

test('the node’s container has what ImageBuilders and the fence need', async () => {
  const text = await read('deploy/node.Containerfile');
  const installed = /apt-get install -y --no-install-recommends \\\n([\s\S]+?)&&/.exec(text)?.[1]?.match(/[a-z0-9-]+/g);
  const needed = (await hostTools('openwrt')).map((tool) => tool.package);
  expect(needed.filter((one) => !installed?.includes(one))).toEqual([]);
});

describe.each(['asu-edge', 'asu-node'])('deploy/%s.service', (name) => {
  const file = `deploy/${name}.service`;

  test('is understood by systemd', async () => {
    const { all } = await execa('systemd-analyze', ['verify', file], { cwd: PROJECT, all: true, reject: false });
    const complaints = all.split('\n').filter((line) => line.includes(`${name}.service`));
    // It looks whether the program is where it will be; so it has read the rest.
    expect(complaints).toEqual([expect.stringContaining('/opt/asu/node_modules/.bin/node is not executable')]);
  });

  test('starts a program with flags that it knows', async () => {
    const [, words = ''] = /^ExecStart=\/opt\/asu\/node_modules\/\.bin\/node (.+)$/m.exec(await read(file)) ?? [];
    expect((await helpOf(words.split(' '))).exitCode).toBe(0);
  });
});

describe('deploy/Caddyfile', () => {
  let text: string;
  beforeAll(async () => {
    text = await read('deploy/Caddyfile');
  });

  test('answers whoever comes by http, and redirects nobody', () => {
    expect(text).toMatch(/^http:\/\/(\S+), https:\/\/\1 \{$/m);
    expect(text).toMatch(/^\tauto_https disable_redirects$/m);
    expect(text).not.toMatch(/^\s*redir /m);
  });

  test('tells that the edge is away as every error is told, in both APIs and to pages', () => {
    const [, body = '', status] = /^\t\trespond `(.+)` (\d{3})$/m.exec(text) ?? [];
    const told = JSON.parse(body);
    expect(told).toEqual({ status: Number(status), title: expect.any(String), detail: told.error, error: told.error });
    expect(told.detail).toMatch(/^Error: .*not a fault of your request/);
    for (const header of ['Access-Control-Allow-Origin *', 'Content-Type "application/json; charset=utf-8"'])
      expect(text).toContain(`\t\theader ${header}\n`);
    expect(text).toMatch(/@preflight method OPTIONS\n\s+respond @preflight 204\n/);
  });
});

test('npm run deploy bundles the Worker with every binding that it reads', async () => {
  const outdir = await mkdtemp(path.join(os.tmpdir(), 'asu-deploy-'));
  try {
    const { stdout } = await execa('npm', ['run', 'deploy', '--', '--dry-run', '--outdir', outdir], {
      cwd: PROJECT,
      env: { WRANGLER_SEND_METRICS: 'false', CI: '1', NO_COLOR: '1' },
    });
    const names = [...stdout.matchAll(/^env\.([A-Z_]+) /gm)].map(([, name]) => name);
    expect(names.sort()).toEqual(['ASSETS', 'BUILDS_LIMIT', 'CACHE', 'CATALOGUE', 'FOREMAN', 'IMAGES', 'MISSES_LIMIT']);
    // A Worker may have 10 MB compressed.
    expect((await stat(path.join(outdir, 'worker.js'))).size).toBeLessThan(10_000_000);
  } finally {
    await rm(outdir, { recursive: true, force: true, maxRetries: 5 });
  }
});
