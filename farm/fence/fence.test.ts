/** What is told of machines that lack something: each is this one, with something taken away for the process that looks. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FenceUnderTest, USERS } from './fence-tests.fixture.ts';

describe.each(USERS)('as %s', (user) => {
  let under: FenceUnderTest;
  beforeAll(async () => {
    under = await FenceUnderTest.start(user);
  });
  afterAll(async () => await under.stop());

  test.each([
    [
      'has no bubblewrap',
      'mount --bind /dev/null "$(readlink -f "$(command -v bwrap)")"',
      { kind: 'none', canOverlay: false, told: expect.stringContaining('apt-get install bubblewrap') },
    ],
    [
      'forbids user namespaces',
      'echo 0 >/proc/sys/user/max_user_namespaces',
      { kind: 'none', canOverlay: false, told: expect.stringContaining('user.max_user_namespaces is 0') },
    ],
    [
      'has a bubblewrap that does nothing',
      'mount --bind "/usr/bin/true" "$(readlink -f "$(command -v bwrap)")"',
      { kind: 'none', canOverlay: false, told: expect.stringMatching(/^Builds run without a fence: .+\.$/) },
    ],
    [
      'refuses overlays',
      'mount --bind "/usr/bin/false" "$(readlink -f "$(command -v mount)")"',
      { kind: 'bubblewrap', canOverlay: false, told: expect.stringContaining('in a copy of the tree') },
    ],
    [
      'lacks nothing',
      ':',
      { kind: 'bubblewrap', canOverlay: true, told: expect.stringContaining('overlay of the tree') },
    ],
  ])('a machine that %s is told as such, in words without its paths', async (_, take, expected) => {
    const fence = await under.probeWithout(take);
    expect(fence).toMatchObject(expected);
    expect(fence.told).not.toContain(under.state);
    expect(await readdir(path.join(under.state, 'work'))).toEqual([]);
  });

  test('a state directory that cannot be used is told, and nothing is thrown', async () => {
    const file = path.join(under.state, 'a-file');
    await writeFile(file, '');
    expect(await under.probeWithout(':', file)).toMatchObject({
      kind: 'none',
      told: expect.stringContaining('ENOTDIR'),
    });
    const closed = path.join(under.state, 'closed');
    await mkdir(closed);
    expect(await under.probeWithout(`mount -t tmpfs -o ro none ${closed}`, closed)).toMatchObject({ kind: 'none' });
  });
});
