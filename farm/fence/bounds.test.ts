/** Programs that use without end: processes, memory, the disk. Each is ended for what it did, and nothing of it is left. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bound, type Bounds, defaultBounds, OverrunError } from './bounds.ts';
import { FenceUnderTest, processesWith, USERS } from './fence-tests.fixture.ts';

const MIB = 1024 ** 2;

/** `$0` is a word to know its processes by. */
const ENDLESS: readonly [
  what: string,
  command: readonly string[],
  bounds: Partial<Bounds>,
  bound: Bound,
  kind: string,
][] = [
  // Each generation takes its time: at full speed it has every process number of a busy machine before anybody looks, and then
  // the other tests, which run beside this one, have none.
  [
    'forks',
    ['sh', '-c', 'f() { sleep 0.1; f "$0" | f "$0" & }; f "$0"; sleep 1000'],
    { processes: 150 },
    'processes',
    'internal',
  ],
  ['leaves daemons', ['sh', '-c', 'while :; do setsid sleep "$0" & done'], { processes: 150 }, 'processes', 'internal'],
  [
    'eats memory',
    ['node', '-e', 'const all = []; setInterval(() => all.push(Buffer.alloc(8 * 2 ** 20, 1)), 5)'],
    { memoryBytes: 256 * MIB },
    'memory',
    'internal',
  ],
  [
    'eats memory in many processes',
    [
      'sh',
      '-c',
      'for i in 1 2 3 4 5 6 7 8; do node -e "global.x = Buffer.alloc(40 * 2 ** 20, 1); setInterval(() => {}, 1000)" "$0" & done; wait',
    ],
    { memoryBytes: 256 * MIB },
    'memory',
    'internal',
  ],
  ['needs memory where there is none', ['sleep'], { availableMemoryBytes: 2 ** 50 }, 'machine memory', 'internal'],
  ['writes one file', ['sh', '-c', 'exec cat /dev/zero >big'], { diskBytes: 32 * MIB }, 'disk', 'internal'],
  [
    'writes many files',
    ['sh', '-c', 'i=0; while :; do i=$((i + 1)); head -c 200000 /dev/zero >/tmp/$i; done'],
    { diskBytes: 32 * MIB },
    'disk',
    'internal',
  ],
  [
    'writes where its own user may not look',
    ['sh', '-c', 'mkdir closed; head -c 64000000 /dev/zero >closed/big; chmod 0 closed; exec sleep "$0"'],
    { diskBytes: 32 * MIB },
    'disk',
    'internal',
  ],
  [
    'writes deeper than a path is long',
    [
      'sh',
      '-c',
      'i=0; while [ $i -lt 60 ]; do i=$((i + 1)); n=$(printf %0200d 0); mkdir $n; cd -P $n; done; head -c 64000000 /dev/zero >big; exec sleep "$0"',
    ],
    { diskBytes: 32 * MIB },
    'disk',
    'internal',
  ],
  [
    'writes to shared memory',
    ['sh', '-c', 'exec cat /dev/zero >/dev/shm/big'],
    { diskBytes: 32 * MIB },
    'disk',
    'internal',
  ],
  ['writes where there is no room', ['sleep'], { freeBytes: 2 ** 60 }, 'free space', 'disk_full'],
];

describe.each(USERS)('as %s', (user) => {
  let under: FenceUnderTest;
  let builds = 0;
  beforeAll(async () => {
    under = await FenceUnderTest.start(user);
  });
  afterAll(async () => await under.stop());

  test.each(ENDLESS)('a program that %s is ended, and the reason told', async (_, command, bounds, bound, kind) => {
    const word = `${50_000 + builds}.${process.pid}${user.length}`;
    const workspace = await under.workspace(`build-${builds++}`);
    const enclosure = { workspace, lower: null, hasListener: false };
    const { error } = await under.run(enclosure, [...command, word], { bounds });
    expect(error).toEqual({ bound, kind, message: expect.stringMatching(/^expected .*\d+.*, got \d+$/) });
    expect(await processesWith(word)).toEqual([]);
    expect(await processesWith(workspace)).toEqual([]);
  });

  test('a program within its bounds is left alone, and what it used is told', async () => {
    // Until the driver's watchdog has looked at everything.
    const wait = `const x = Buffer.alloc(64 * 2 ** 20, 1);
      console.log('ready');
      setInterval(() => require('node:fs').existsSync('/tmp/seen') && process.exit(x[0] - 1), 50);`;
    const text = `head -c 48000000 /dev/zero >big; node -e "${wait}"; exit $?`;
    const enclosure = { workspace: await under.workspace('within'), lower: null, hasListener: false };
    const { ended, peaks } = await under.run(enclosure, ['sh', '-c', text]);
    expect(ended).toEqual({ state: 'exited', exitCode: 0 });
    expect(peaks?.memoryBytes).toBeGreaterThan(64 * MIB);
    expect(peaks?.memoryBytes).toBeLessThan(512 * MIB);
    // bubblewrap's own, the shell, and Node.js.
    expect(peaks?.processes).toBe(3);
    expect(peaks?.diskBytes).toBeGreaterThanOrEqual(48_000_000);
  });

  test('the limits of the kernel are set too', async () => {
    const enclosure = { workspace: await under.workspace('limits'), lower: null, hasListener: false };
    const { stdout } = await under.run(enclosure, [
      'sh',
      '-c',
      'ulimit -c; ulimit -f; ulimit -t; cat /proc/self/oom_score_adj',
    ]);
    expect(stdout).toBe(`0\n${(8 * 1024 ** 3) / 512}\n3600\n1000\n`);
  });
});

test.each([
  [64 * 1024 ** 3, 4 * 1024 ** 3],
  [4 * 1024 ** 3, 3 * 1024 ** 3],
  [1024 ** 3, 768 * MIB],
])('a machine with %i bytes of memory gives a build %i', (machine, build) => {
  expect(defaultBounds(machine).memoryBytes).toBe(build);
});

test.each<[Bound, string]>([
  ['memory', 'internal'],
  ['processes', 'internal'],
  ['disk', 'internal'],
  ['machine memory', 'internal'],
  ['free space', 'disk_full'],
  ['free files', 'disk_full'],
])('a build beyond its bound of %s is told as %s', (bound, kind) => {
  const peaks = { memoryBytes: 1, processes: 1, diskBytes: 1 };
  const error = new OverrunError({ bound, limit: 12, got: 34 }, peaks, { stdout: '', stderr: '' });
  expect(error).toMatchObject({ kind, message: expect.stringMatching(/^expected .*12.*, got 34$/) });
});
