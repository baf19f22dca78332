import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Command, runProcess } from './run-process.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'run-process-'));
});
afterEach(async () => await rm(directory, { recursive: true, maxRetries: 5 }));

const shell = (script: string, more: Partial<Command> = {}): Promise<Awaited<ReturnType<typeof runProcess>>> =>
  runProcess({
    file: '/bin/sh',
    args: ['-c', script],
    cwd: directory,
    environment: { PATH: '/usr/bin:/bin' },
    signal: new AbortController().signal,
    temporaryDirectory: directory,
    ...more,
  });

/** Processes of a group that still do something; a zombie waits only for its parent. */
async function livingInGroup(group: string): Promise<string[]> {
  const living: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (pgrp === group && state !== 'Z') living.push(pid);
  }
  return living;
}

const lineOf = async (file: string): Promise<string> => {
  for (;;) {
    const text = await readFile(path.join(directory, file), 'utf8').catch(() => '');
    if (text.endsWith('\n')) return text.trim();
    await sleep(10);
  }
};

test('both streams and the exit code come back, and a failure is a result', async () => {
  await expect(shell('echo out; echo err >&2; exit 3')).resolves.toEqual({
    ended: { state: 'exited', exitCode: 3 },
    stdout: 'out\n',
    stderr: 'err\n',
  });
});

test('descriptors 8 and 9 are stderr, and /dev/stderr can be opened', async () => {
  const script = 'echo eight >&8; echo nine >&9; echo device > /dev/stderr';
  const { ended, stdout, stderr } = await shell(script);
  expect({ ended, stdout, stderr }).toEqual({
    ended: { state: 'exited', exitCode: 0 },
    stdout: '',
    stderr: 'eight\nnine\ndevice\n',
  });
});

test('nothing of our environment reaches the process, and its umask is 022', async () => {
  process.env.MAKEFLAGS = '--eval=all:;touch pwned';
  try {
    const { stdout } = await shell('umask; env', { environment: { PATH: '/usr/bin:/bin', TZ: 'UTC' } });
    // PWD, OLDPWD, SHLVL and _ are made by the shell itself.
    const lines = stdout
      .trim()
      .split('\n')
      .filter((line) => !/^(?:PWD|OLDPWD|SHLVL|_)=/.test(line));
    expect(lines.sort()).toEqual(['0022', 'PATH=/usr/bin:/bin', 'TZ=UTC']);
  } finally {
    delete process.env.MAKEFLAGS;
  }
});

test('an endless printer costs no more than the beginning and the end', async () => {
  const { stdout } = await shell('echo first; head -c 3000000 /dev/zero | tr "\\0" x; echo last', { capBytes: 1000 });
  expect(stdout.length).toBeLessThan(2200);
  expect(stdout).toMatch(/^first\nx+\n\[2998011 bytes left out\]\nx+last\n$/);
});

test('an abort ends everything that was started, also what ignores SIGTERM', async () => {
  const controller = new AbortController();
  const script = `trap '' TERM
    sh -c 'trap "" TERM; while :; do sleep 0.1; done' &
    sleep 300 &
    echo $$ > started
    while :; do sleep 0.1; done`;
  const running = shell(script, { signal: controller.signal, graceMs: 200 });
  const group = await lineOf('started');
  expect((await livingInGroup(group)).length).toBeGreaterThanOrEqual(3);
  controller.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  expect(await livingInGroup(group)).toEqual([]);
});

test('what a command leaves in the background ends with it', async () => {
  const { stdout } = await shell('sleep 300 & echo $$');
  expect(await livingInGroup(stdout.trim())).toEqual([]);
});

test('a process that dies of a signal is told apart from one that exits', async () => {
  const { ended } = await shell('kill -9 $$');
  expect(ended).toEqual({ state: 'signalled', signal: 'SIGKILL' });
});

test('a command that is not there is an error, not a result', async () => {
  await expect(shell('', { file: '/nonexistent/make' })).rejects.toThrow(/ENOENT/);
});

test('an abort before the start starts nothing', async () => {
  const signal = AbortSignal.abort(new Error('too late'));
  await expect(shell('touch started', { signal })).rejects.toThrow('too late');
  expect(await readdir(directory)).toEqual([]);
});
