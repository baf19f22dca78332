/** Builds over one tree: each sees it with its own changes, and the tree itself stays as it was, to the byte. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FenceUnderTest, USERS } from './fence-tests.fixture.ts';

describe.each(USERS)('as %s', (user) => {
  let under: FenceUnderTest;
  let lower: string;
  beforeAll(async () => {
    under = await FenceUnderTest.start(user);
    lower = path.join(under.state, 'lower');
    await mkdir(lower);
    await mkdir(path.join(lower, 'directory'));
    for (const file of ['changed', 'removed', 'renamed', 'touched', 'directory/inside'])
      await writeFile(path.join(lower, file), `${file} of the tree\n`);
    await symlink('changed', path.join(lower, 'link'));
    await chmod(path.join(lower, 'touched'), 0o755);
    for (const file of ['', 'directory', 'changed', 'removed', 'renamed', 'touched', 'directory/inside'])
      await under.own(path.join(lower, file));
  });
  afterAll(async () => await under.stop());

  /** Contents, modes, owners and times. */
  const lowerAsIs = () =>
    execFileSync('tar', ['--sort=name', '--numeric-owner', '-cf', '-', '.'], { cwd: lower }).toString('base64');

  const CHANGES = `
    cat changed >&2; echo "$0" >>link; rm removed; mv renamed elsewhere; touch touched; chmod 600 touched
    mv directory other || exit 1; rm -r other; mkdir directory; echo "$0" >directory/new
    sleep 1; grep -r . . | sort`;

  test('three builds at once change everything in it, each for itself', async () => {
    const before = lowerAsIs();
    const names = ['one', 'two', 'three'];
    const ends = await Promise.all(
      names.map(async (name) => {
        const workspace = await under.workspace(name);
        return await under.run({ workspace, lower, hasListener: false }, ['sh', '-c', CHANGES, name]);
      }),
    );
    for (const [index, { ended, stdout, stderr }] of ends.entries()) {
      expect({ ended, stderr }).toEqual({ ended: { state: 'exited', exitCode: 0 }, stderr: 'changed of the tree\n' });
      expect(stdout.trim().split('\n')).toEqual([
        './changed:changed of the tree',
        `./changed:${names[index]}`,
        `./directory/new:${names[index]}`,
        './elsewhere:renamed of the tree',
        './touched:touched of the tree',
      ]);
    }
    expect(lowerAsIs()).toBe(before);
    expect(execFileSync('cat', ['/proc/self/mounts']).toString()).not.toContain(under.state);
  });

  test('a second run in one workspace goes on where the first ended', async () => {
    const workspace = await under.workspace('again');
    const run = async (text: string) => await under.run({ workspace, lower, hasListener: false }, ['sh', '-c', text]);
    await run('rm removed; echo first >new; echo out >../bin/image');
    const { stdout } = await run('cat new; ls removed 2>&1 || :');
    expect(stdout).toMatch(/^first\n.*removed.*No such file/);
    // Outside, the mount point is empty, and what came out is where it is looked for.
    expect(await readdir(path.join(workspace, 'tree'))).toEqual([]);
    expect(await readFile(path.join(workspace, 'bin/image'), 'utf8')).toBe('out\n');
  });

  test('an overlay that is refused is an error, never the answer of the command', async () => {
    const workspace = await under.workspace('refused');
    const { error } = await under.run({ workspace, lower: `${lower}/nosuch`, hasListener: false }, ['true']);
    expect(error?.message).toMatch(/^expected the fence to come up, got mount: /);
  });
});
