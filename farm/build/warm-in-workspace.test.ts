/** Warming with a real make, whose recipes do what ImageBuilders do on machines that have no room left. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultBounds } from '../fence/bounds.ts';
import { warmInWorkspace } from './warm-in-workspace.ts';

let state: string;
let tree: string;
beforeEach(async () => {
  state = await mkdtemp(path.join(tmpdir(), 'warm-'));
  tree = path.join(state, 'imagebuilders', `${'a'.repeat(64)}.unpacking`);
  await mkdir(tree, { recursive: true });
});
afterEach(async () => await rm(state, { recursive: true }));

const GOALS = ['_check_keys', 'staging_dir/host/.prereq-build', 'package_index', 'info'] as const;
type Goal = (typeof GOALS)[number];

/** `recipe` in the place of one goal's. */
async function warm(goal: Goal, recipe: string): Promise<{ info: string | null; told: string[] }> {
  const rules = GOALS.map((name) => `${name}:\n\t@${name === goal ? recipe : `echo ${name}`}\n`);
  await writeFile(path.join(tree, 'Makefile'), rules.join('\n'));
  const told: string[] = [];
  const info = await warmInWorkspace(tree, {
    stateDirectory: state,
    fence: { kind: 'none', canOverlay: false, told: 'none', host: null },
    bounds: defaultBounds(2 ** 32),
    signal: new AbortController().signal,
    tell: (line) => told.push(line),
  });
  return { info, told };
}

const left = async () => [await readdir(path.dirname(tree)), await readdir(path.join(state, 'work'))];

describe('what stops a machine stops the warming, and no half tree is left', () => {
  const noSpace = `echo "gzip: stdout: No space left on device" >&2; exit 1`;
  test.each<[string, Goal, string, string]>([
    ['a full disk, in the index', 'package_index', `: >Packages.gz; ${noSpace}`, 'disk_full'],
    ['a full disk, in the key', '_check_keys', noSpace, 'disk_full'],
    ['a full disk, in the list of profiles', 'info', noSpace, 'disk_full'],
    ['a part that was killed', 'package_index', 'kill -KILL $$$$', 'internal'],
    ['make that was killed', 'package_index', 'kill -KILL $$PPID', 'internal'],
    ['too many processes', 'package_index', `echo "/bin/sh: 1: Cannot fork" >&2; exit 2`, 'internal'],
  ])('%s', async (_, goal, recipe, kind) => {
    await expect(warm(goal, recipe)).rejects.toMatchObject({
      kind,
      detail: expect.stringMatching(/This is not a fault of your request$/),
    });
    expect(await left()).toEqual([[], []]);
  });
});

test('what would fail in a build as well is told, and the tree is used', async () => {
  const { info, told } = await warm('package_index', 'echo "no such tool" >&2; exit 2');
  expect(info).toBe('info\n');
  expect(told).toEqual([expect.stringContaining('package_index')]);
  expect(await left()).toEqual([[path.basename(tree)], []]);
});

test('half an index is not left for later builds to believe, by whatever it was stopped', async () => {
  const recipe = 'mkdir packages; for n in Packages Packages.gz packages.adb vim.ipk; do : >packages/$$n; done; exit 1';
  await warm('package_index', recipe);
  expect(await readdir(path.join(tree, 'packages'))).toEqual(['vim.ipk']);
});

describe('opkg’s index is signed whether or not it was packed, so it is looked at though make ended well', () => {
  const make = (gz: string, sig: string) =>
    `mkdir packages; cd packages; echo "Package: vim" >Packages; ${gz}; ${sig}; : >vim.ipk`;
  const packed = 'gzip -9nc Packages >Packages.gz';
  const whole = ['Packages', 'Packages.gz', 'Packages.sig', 'vim.ipk'];
  test.each<[string, string, string, string[]]>([
    ['whole', packed, 'echo s >Packages.sig', whole],
    ['half packed', 'gzip -9nc Packages | head -c 20 >Packages.gz', 'echo s >Packages.sig', ['vim.ipk']],
    ['not packed', ': >Packages.gz', 'echo s >Packages.sig', ['vim.ipk']],
    ['not signed', packed, ': >Packages.sig', ['vim.ipk']],
    ['unsigned by choice', packed, ':', whole.filter((name) => name !== 'Packages.sig')],
    ['packed elsewhere', 'ln -s /etc/hostname Packages.gz', 'echo s >Packages.sig', ['vim.ipk']],
    ['apk’s', 'mv Packages packages.adb', ':', ['packages.adb', 'vim.ipk']],
  ])('%s', async (_, gz, sig, expected) => {
    const { told } = await warm('package_index', make(gz, sig));
    expect((await readdir(path.join(tree, 'packages'))).sort()).toEqual(expected);
    expect(told).toEqual(expected.length > 1 ? [] : [expect.stringContaining('package_index')]);
  });
});

test.each([
  ['failed', 1],
  ['ended well', 0],
])(
  'nor is anything looked at or removed behind a link in the place of its packages, where make %s',
  async (_, code) => {
    const elsewhere = path.join(state, 'elsewhere');
    await mkdir(elsewhere);
    await writeFile(path.join(elsewhere, 'Packages.gz'), 'somebody else’s');
    const { told } = await warm('package_index', `ln -s ${elsewhere} packages; exit ${code}`);
    expect(await readdir(elsewhere)).toEqual(['Packages.gz']);
    expect(told).toHaveLength(code);
  },
);

test('a list of profiles that cannot be had now is asked for by the first build', async () => {
  expect((await warm('info', 'exit 2')).info).toBeNull();
  expect(await left()).toEqual([[path.basename(tree)], []]);
});
