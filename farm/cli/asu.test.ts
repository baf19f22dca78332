/** The command as a process: words, exit status, what goes to which stream. What the commands do is tested beside them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { SERVER_VERSION } from '../../shared/server-version.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'asu-'));
afterAll(() => rmSync(directory, { recursive: true }));

function run(file: string, args: readonly string[], environment: Record<string, string> = {}) {
  const { ASU_NODE_EDGE: _, ASU_NODE_STATE: __, ...inherited } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.resolve(import.meta.dirname, file), ...args], {
    cwd: directory,
    env: { ...inherited, ...environment },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const asu = (...args: string[]) => run('main.ts', args);

test.each([[[]], [['--help']], [['help']]])('%j lists the commands', (args) => {
  const { status, stdout, stderr } = asu(...args);
  expect([status, stderr]).toEqual([0, '']);
  for (const command of [
    'build',
    'check',
    'verify',
    'doctor',
    'node',
    'imagebuilder',
    'keygen',
    'nodes',
    'builds',
    'token',
  ])
    expect(stdout).toContain(`\n  asu ${command} `);
});

test.each(['build', 'check', 'verify', 'doctor', 'node', 'imagebuilder', 'keygen', 'nodes', 'builds', 'token'])(
  '%s --help says what it takes',
  (command) => {
    const { status, stdout, stderr } = asu(command, '--help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^ {2}--help +this text$/m);
  },
);

test('--version is the number of this software', () => {
  expect(asu('--version')).toEqual({ status: 0, stdout: `${SERVER_VERSION}\n`, stderr: '' });
});

test.each([
  [['frob'], 'there is no command "frob"; asu --help lists what there is\n'],
  [['--frob'], 'there is no flag "--frob"; asu --help lists what there is\n'],
  [['constructor'], 'there is no command "constructor"; asu --help lists what there is\n'],
  [['imagebuilder', 'frob'], 'expected list, fetch, remove or prune, got "frob"; --help says what they do\n'],
  [['node', '--frob'], 'there is no flag --frob; --help lists what there is\n'],
  [['node'], '--edge: expected the URL of an edge, got ""\n'],
])('%j exits with 2 and one sentence', (args, sentence) => {
  expect(asu(...args)).toEqual({ status: 2, stdout: '', stderr: sentence });
});

test.each([
  ['main.ts', ['node']],
  ['../main.ts', []],
])('%s %j is the node, with its flags and variables', (file, words) => {
  const { status, stdout } = run(file, [...words, '--print-config', '--slots', '3'], { ASU_NODE_EDGE: 'http://edge' });
  expect(status).toBe(0);
  expect(stdout).toContain('edge = http://edge (ASU_NODE_EDGE)\n');
  expect(stdout).toContain('slots = 3 (--slots)\n');
  expect(run(file, [...words, '--help']).stdout).toContain('--[no-]require-sandbox');
});

test('a node whose key file cannot be used does not start, and makes no state directory', () => {
  const args = [
    '--edge',
    'http://127.0.0.1:9',
    '--state',
    path.join(directory, 'state'),
    '--upstream-keys',
    '/no/such',
  ];
  expect(run('../main.ts', args)).toEqual({
    status: 2,
    stdout: '',
    stderr: '--upstream-keys: /no/such cannot be read (ENOENT)\n',
  });
});
