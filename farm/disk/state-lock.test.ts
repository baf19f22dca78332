import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ForeignState, holderOf, lockState, StateInUse } from './state-lock.ts';

let directory: string;
let children: ChildProcessWithoutNullStreams[];

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'asu-lock-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(directory, { recursive: true, maxRetries: 5 });
});

/** Another process that wants the directory, and the next line that it says. */
function start() {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'lock-process.fixture.ts'), directory]);
  children.push(child);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return { child, says: async () => String((await lines.next()).value) };
}

test('a second node is refused with a sentence that names the first, and both go on as they were', async () => {
  const first = start();
  expect(await first.says()).toBe('locked');
  const second = start();
  const sentence = await second.says();
  expect(sentence).toContain(`process ${first.child.pid} is using`);
  expect(sentence).toContain(directory);
  await once(second.child, 'exit');
  // The one that was refused took nothing with it.
  expect(await start().says()).toBe(sentence);
});

test('who only reads sees who it is, before, while and after, and never takes it away', async () => {
  expect(holderOf(directory)).toBeNull();
  const node = start();
  await node.says();
  expect(holderOf(directory)).toMatchObject({ pid: node.child.pid, host: os.hostname() });
  expect(await start().says()).toContain(`process ${node.child.pid}`);
  node.child.stdin.write('enough\n');
  expect(await node.says()).toBe('released');
  expect(holderOf(directory)).toBeNull();
});

test('a node that is killed leaves no lock, only a name that nobody believes', async () => {
  const node = start();
  await node.says();
  node.child.kill('SIGKILL');
  await once(node.child, 'exit');
  expect(holderOf(directory)).toBeNull();
  const next = start();
  expect(await next.says()).toBe('locked');
  expect(holderOf(directory)).toMatchObject({ pid: next.child.pid });
});

test('a process that the node started and that outlives it does not hold the directory', async () => {
  const script = `import { lockState } from ${JSON.stringify(path.join(import.meta.dirname, 'state-lock.ts'))};
    import { spawn } from 'node:child_process';
    lockState(${JSON.stringify(directory)});
    console.log(spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }).pid);`;
  const node = spawn(process.execPath, ['--input-type=module-typescript', '-e', script]);
  children.push(node);
  const [build] = await once(createInterface(node.stdout), 'line');
  try {
    node.kill('SIGKILL');
    await once(node, 'exit');
    expect(process.kill(Number(build), 0)).toBe(true);
    expect(await start().says()).toBe('locked');
  } finally {
    process.kill(Number(build), 'SIGKILL');
  }
});

test('a caller who forgets the lock keeps it, whatever the collector does', async () => {
  const script = `import { lockState } from ${JSON.stringify(path.join(import.meta.dirname, 'state-lock.ts'))};
    (() => void lockState(${JSON.stringify(directory)}))();
    for (let round = 0; round < 5; round++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    console.log('collected');
    setInterval(() => {}, 1000);`;
  const node = spawn(process.execPath, ['--expose-gc', '--input-type=module-typescript', '-e', script]);
  children.push(node);
  await once(createInterface(node.stdout), 'line');
  expect(await start().says()).toContain(`process ${node.pid} is using`);
});

test('two of one process are two as well; released is free; a holder that cannot be read is another process', async () => {
  {
    using _ = lockState(directory);
    expect(() => lockState(directory)).toThrow(StateInUse);
    await writeFile(path.join(directory, 'lock.holder'), 'rubbish');
    expect(() => lockState(directory)).toThrow('which another process is using');
    expect(holderOf(directory)).toBe('unknown');
  }
  lockState(directory)[Symbol.dispose]();
});

test('a directory whose work is somebody else’s is refused, and nothing of it is touched; one of a node’s own is not', async () => {
  const work = path.join(directory, 'work');
  await mkdir(work);
  lockState(directory)[Symbol.dispose]();
  await writeFile(path.join(work, 'left-by-a-crash'), '');
  lockState(directory)[Symbol.dispose]();
  await rm(path.join(directory, 'lock.sqlite'));
  expect(() => lockState(directory)).toThrow(ForeignState);
  expect(await readdir(directory)).toEqual(['work']);
});
