import { describe, expect, it, test, vi } from 'vitest';
import { eventBody } from './event-body.ts';

const wait = (ms: number, signal: AbortSignal): Promise<void> => scheduler.wait(ms, { signal }).catch(() => undefined);

/** Counts how many texts were asked for. */
function counting(pauseMs = 0) {
  const made: number[] = [];
  async function* write(signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    for (let n = 1; !signal.aborted && n <= 1_000; n += 1) {
      made.push(n);
      yield `${n}\n`;
      if (pauseMs > 0) await wait(pauseMs, signal);
    }
  }
  return { made, write };
}

function open(write: (signal: AbortSignal) => AsyncGenerator<string, void, undefined>, lifeMs = 60_000) {
  const client = new AbortController();
  const onEnd = vi.fn();
  return { client, onEnd, reader: eventBody(write, { client: client.signal, lifeMs, onEnd }).getReader() };
}

test('a reader who reads gets all of it, and then it is over', async () => {
  const { onEnd, reader } = open(async function* () {
    yield 'a';
    yield 'ü';
  });
  const read = async () => new TextDecoder().decode((await reader.read()).value);
  expect([await read(), await read(), (await reader.read()).done]).toEqual(['a', 'ü', true]);
  expect(onEnd).toHaveBeenCalledTimes(1);
});

test('nothing is made for a reader who does not read', async () => {
  const { made, write } = counting();
  const { reader } = open(write);
  await scheduler.wait(100);
  expect(made).toEqual([]);
  await reader.read();
  await scheduler.wait(100);
  expect(made.length).toBeLessThanOrEqual(2);
  await reader.cancel();
});

describe('it ends', () => {
  it.each<[string, (stream: ReturnType<typeof open>) => void]>([
    ['with its client', ({ client }) => client.abort()],
    ['with its reader', ({ reader }) => void reader.cancel()],
  ])('%s, and tells it once', async (_, leave) => {
    const { made, write } = counting(20);
    const stream = open(write);
    await stream.reader.read();
    leave(stream);
    await vi.waitFor(() => expect(stream.onEnd).toHaveBeenCalledTimes(1), { timeout: 30_000 });
    const before = made.length;
    await scheduler.wait(100);
    expect(made.length).toBeLessThanOrEqual(before + 1);
    stream.client.abort();
    expect(stream.onEnd).toHaveBeenCalledTimes(1);
  });

  it('with its time, cleanly, for one who reads', async () => {
    const { write } = counting(10);
    const { onEnd, reader } = open(write, 100);
    while (!(await reader.read()).done);
    expect(onEnd).toHaveBeenCalledTimes(1);
  });

  it('with its time for one who does not', async () => {
    const { onEnd } = open(counting().write, 50);
    await vi.waitFor(() => expect(onEnd).toHaveBeenCalledTimes(1), { timeout: 30_000 });
  });

  it('at once for a client that was gone before', async () => {
    const { made, write } = counting();
    const onEnd = vi.fn();
    const reader = eventBody(write, { client: AbortSignal.abort(), lifeMs: 60_000, onEnd }).getReader();
    expect([(await reader.read()).done, made, onEnd.mock.calls.length]).toEqual([true, [], 1]);
  });

  it('cleanly when what makes it breaks, since its reader comes back then', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { onEnd, reader } = open(async function* () {
      yield 'a';
      throw new Error('broken');
    });
    await reader.read();
    expect((await reader.read()).done).toBe(true);
    expect(onEnd.mock.calls.length).toBe(1);
    const logged = log.mock.calls.map(([line]) => JSON.parse(String(line)));
    expect(logged).toEqual([expect.objectContaining({ event: 'an event stream broke', error: 'Error: broken' })]);
    log.mockRestore();
  });
});
