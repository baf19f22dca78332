/** What a node that runs for a year keeps of each time that it waited. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { AgentOptions } from './agent.ts';
import { WorkSeeker } from './work-seeker.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

test('of the builds whose end was waited for while no slot was free nothing is kept', async () => {
  const stop = new AbortController();
  const kept: WeakRef<object>[] = [];
  let remain: (value: number) => void = () => {};
  const seeker = new WorkSeeker({ log: () => {}, client: { lease: async () => ({}) } } as unknown as AgentOptions, {
    builds: {
      isFull: true,
      oneEnds: async () => {
        if (kept.length === 100) {
          collectGarbage();
          remain(kept.filter((each) => each.deref() !== undefined).length);
          stop.abort();
        }
        const ended = {};
        kept.push(new WeakRef(ended));
        // A macrotask in between, as there is between two builds: what a task has looked at is kept until its end.
        await new Promise(setImmediate);
        return ended as unknown as undefined;
      },
    },
    setbacks: () => 0,
    accept: async () => {},
    refuse: async () => {},
  });
  const left = new Promise<number>((resolve) => {
    remain = resolve;
  });
  await seeker.seekUntil(stop.signal);
  expect(await left).toBeLessThan(5);
});
