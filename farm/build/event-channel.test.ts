import { expect, test } from 'vitest';
import { EventChannel } from './event-channel.ts';

async function all<Event>(events: AsyncIterable<Event>): Promise<Event[]> {
  const taken: Event[] = [];
  for await (const event of events) taken.push(event);
  return taken;
}

test('events come in order, and the end comes after the last one', async () => {
  const channel = new EventChannel<number>(() => false);
  channel.push(1);
  setImmediate(() => {
    channel.push(2);
    channel.push(3);
    channel.close();
  });
  expect(await all(channel)).toEqual([1, 2, 3]);
});

test('of what a slow reader has not taken, only the latest is kept', async () => {
  const channel = new EventChannel<{ of: string; at: number }>((later, earlier) => later.of === earlier.of);
  for (const at of [1, 2, 3]) channel.push({ of: 'download', at });
  channel.push({ of: 'unpack', at: 0 });
  channel.close();
  expect(await all(channel)).toEqual([
    { of: 'download', at: 3 },
    { of: 'unpack', at: 0 },
  ]);
});
