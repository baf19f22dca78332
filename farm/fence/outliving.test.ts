/** How a sandbox ends: what its command left behind, what does not want to end, and what the node did not live to end. */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { mkdir, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FenceUnderTest, nobodyHas, processesWith, type RunOptions, USERS } from './fence-tests.fixture.ts';

describe.each(USERS)('as %s', (user) => {
  let under: FenceUnderTest;
  beforeAll(async () => {
    under = await FenceUnderTest.start(user);
  });
  afterAll(async () => await under.stop());

  const workspace = async (): Promise<string> => await under.newWorkspace();
  const run = async (command: readonly string[], options?: RunOptions) => await under.runAlone(command, options);
  const shell = async (script: string) => await run(['sh', '-c', script]);

  test('a fence that cannot be made is an error, never the answer of the command', async () => {
    const inside = await workspace();
    await rmdir(path.join(inside, 'home'));
    const { error } = await under.run({ workspace: inside, lower: null, hasListener: true }, ['true']);
    expect(error?.message).toMatch(/^expected the fence to come up, got bwrap: .*home/);
  });

  test.each([
    ['exits', 'exit 7', { state: 'exited', exitCode: 7 }],
    ['is killed', 'kill -9 $$', { state: 'signalled', signal: 'SIGKILL' }],
    ['is not there', null, { state: 'never ran' }],
  ] as const)('a command that %s is told as such', async (_, text, expected) => {
    const { ended, error } = text === null ? await run(['/nonexistent']) : await shell(text);
    if (expected.state === 'never ran') expect(error?.message).toMatch(/execvp|nonexistent/);
    else expect(ended).toEqual(expected);
  });

  /** Each prints "ready" when it is as it says; `$0` is a word to know it by. */
  const STAYING = [
    ['sleeps for ever', 'echo ready; exec sleep "$0"'],
    [
      'ignores every signal that can be',
      'trap "" TERM INT HUP QUIT; sleep "$0" & echo ready; while :; do wait; sleep "$0"; done',
    ],
    [
      'daemonises',
      'setsid sh -c "trap \\"\\" TERM; setsid sleep $0 >/dev/null 2>&1 </dev/null 8>&- 9>&- & sleep 0.1; echo ready"; sleep "$0"',
    ],
    ['is stopped', 'sleep "$0" & kill -STOP $!; echo ready; kill -STOP $$'],
    ['changes its group and session', 'for i in 1 2 3 4 5; do setsid sleep "$0" & done; echo ready; wait'],
  ] as const;

  /** As an argument of sleep, found in no other process. */
  const word = (): string => `${40_000 + (under.builds % 1000)}.${process.pid}${user.length}`;

  test.each(STAYING)('a program that %s is gone when the build is aborted', async (_, text) => {
    const mark = word();
    const { error, stdout } = await run(['sh', '-c', text, mark], { abortAt: 'ready\n' });
    expect({ message: error?.message, stdout }).toEqual({ message: 'aborted by the test', stdout: 'ready\n' });
    expect(await processesWith(mark)).toEqual([]);
  });

  test.each(STAYING)('a program that %s is gone when the node is killed', async (_, text) => {
    const mark = word();
    const enclosure = { workspace: await workspace(), lower: null, hasListener: false };
    const node = under.start(enclosure, ['sh', '-c', text, mark]);
    await ready(node);
    expect(await processesWith(mark)).not.toEqual([]);
    node.kill('SIGKILL');
    await nobodyHas(mark);
  });

  test('what it leaves behind is gone when it has ended', async () => {
    const mark = word();
    const text = '(setsid sleep "$0" >/dev/null 2>&1 8>&- 9>&- &) ; sleep 0.2; echo done';
    const { ended, stdout } = await run(['sh', '-c', text, mark]);
    expect({ ended, stdout }).toEqual({ ended: { state: 'exited', exitCode: 0 }, stdout: 'done\n' });
    expect(await processesWith(mark)).toEqual([]);
  });

  /** False where the fence never came so far, as on a machine that has no process to spare: that leaves nothing either. */
  async function leavesNothingWhenKilledAfter(atMs: number): Promise<boolean> {
    const inside = await workspace();
    const lower = atMs % 20 === 0 ? path.join(under.state, 'lower') : null;
    await mkdir(path.join(under.state, 'lower'), { recursive: true });
    const node = under.start({ workspace: inside, lower, hasListener: false }, ['sleep', word()]);
    // From the first process that has the workspace in its command line on.
    while ((await processesWith(`${inside}/tree`)).length < 1 && node.exitCode === null) await sleep(1);
    const cameSoFar = node.exitCode === null;
    if (cameSoFar) await sleep(atMs / 4);
    node.kill('SIGKILL');
    await nobodyHas(inside);
    return cameSoFar;
  }

  test('a node that is killed at any moment while the fence is made leaves nothing', async () => {
    for (let atMs = 0; atMs < 120; atMs += 10)
      for (let tries = 1; !(await leavesNothingWhenKilledAfter(atMs)); tries += 1)
        expect(tries, 'the fence never comes up').toBeLessThan(5);
  });

  test('no mount of a build is seen by the machine', () => {
    expect(execFileSync('cat', ['/proc/self/mounts']).toString()).not.toContain(under.state);
  });
});

async function ready(node: ChildProcess): Promise<void> {
  if (node.stdout === null) throw new Error('expected a pipe');
  for await (const line of createInterface({ input: node.stdout })) if (line.includes('"ready"')) return;
  throw new Error('expected the command to be ready, the node ended');
}
