import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const main = join(import.meta.dirname, 'main.ts');
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'demo-main-'));
});
afterAll(() => rm(directory, { recursive: true }));

const run = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [main, ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });

describe('the command line', () => {
  it('generates a mirror and changes it', async () => {
    expect((await run('generate', directory)).stdout).toContain('24.10.2 r28739-');
    expect((await run('move-snapshot', directory)).stdout).toContain('SNAPSHOT r34568-');
    expect((await run('update-package', directory, '--version', '24.10.2', '--package', 'vim')).code).toBe(0);
    const index = await readFile(join(directory, 'releases/24.10.2/packages/demo64/packages/index.json'), 'utf8');
    expect(JSON.parse(index).packages.vim).toBe('9.1.0-r2');
  });

  it('serves a mirror until it is told to end', async () => {
    const child = spawn(process.execPath, [main, 'serve', directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line.toString())?.[0];
      expect((await fetch(`${url}/.versions.json`)).status).toBe(200);
    } finally {
      child.kill('SIGTERM');
    }
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('does not serve a directory that is no mirror', async () => {
    const { code, stderr } = await run('serve', join(directory, 'snapshots'));
    expect(code).toBe(1);
    expect(stderr).toContain('generate it first');
  });

  it('explains itself with --help', async () => {
    expect(await run('--help')).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('update-package DIR'),
    });
  });

  it.each([
    [['generate'], 'expected a directory after "generate"'],
    [['generate', '/nonexistent', '--compression', 'bz2'], 'expected --compression gz, xz or zst, got bz2'],
    [['serve', '/nonexistent', '--port', 'http'], 'expected a whole number after --port, got http'],
    [['update-package', '/nonexistent'], 'expected --version V and --package NAME'],
    [['fly', '/nonexistent'], 'got "fly"'],
    [['serve', '/nonexistent', '--fast'], '--fast'],
  ])('refuses %j with what it expected and exit status 2', async (args, message) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('at main');
  });
});
