import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, test, vi } from 'vitest';
import { LOG_LIMITS } from '../../shared/build/build-log.ts';
import { REST_LEFT_OUT } from './line-collector.ts';
import { LogSender, type LogSenderOptions } from './log-sender.ts';

// What hangs here hangs for good.
vi.setConfig({ testTimeout: 20_000 });

/** Where pieces go; `answer` says what becomes of each try. */
function place(answer: (piece: number, tries: number) => 'stored' | 'refused' | 'lost' | 'hangs' = () => 'stored') {
  const tries: { piece: number; text: string }[] = [];
  const lost: string[] = [];
  const put: LogSenderOptions['put'] = async (piece, text, signal) => {
    tries.push({ piece, text });
    const said = answer(piece, tries.filter((each) => each.piece === piece).length);
    if (said === 'lost') throw new Error('connection reset');
    if (said === 'hangs') await sleep(600_000, undefined, { signal });
    return { refused: said === 'refused' ? 'the lease is over' : null };
  };
  const sender = new LogSender({ put, paceMs: 1, onLost: (reason) => lost.push(reason) });
  return { sender, tries, lost };
}

const until = async (what: () => boolean): Promise<void> => {
  while (!what()) await sleep(2);
};

const numbered = (tries: readonly { piece: number }[]): number[] => tries.map(({ piece }) => piece);

test('lines go out while they come, in pieces numbered from 1', async () => {
  const { sender, tries, lost } = place();
  sender.add(['one']);
  await until(() => tries.length === 1);
  sender.add(['two', 'three']);
  await until(() => tries.length === 2);
  await sender.finish(10_000);
  expect(tries).toEqual([
    { piece: 1, text: 'one\n' },
    { piece: 2, text: 'two\nthree\n' },
  ]);
  expect(lost).toEqual([]);
});

test('a build that prints nothing has no log', async () => {
  const { sender, tries, lost } = place();
  await sender.finish(10_000);
  expect([tries, lost]).toEqual([[], []]);
});

test('what is left at the end is sent before it is over, in pieces that are not too large', async () => {
  const { sender, tries } = place();
  const line = 'x'.repeat(999);
  sender.add(Array.from({ length: 200 }, () => line));
  await sender.finish(10_000);
  expect(numbered(tries)).toEqual([1, 2, 3, 4]);
  for (const { text } of tries) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(LOG_LIMITS.pieceBytes);
  expect(tries.map(({ text }) => text).join('')).toBe(`${line}\n`.repeat(200));
});

test('a piece whose answer was lost is sent again with the same bytes, and what came meanwhile behind it', async () => {
  const { sender, tries, lost } = place((piece, count) => (piece === 1 && count === 1 ? 'lost' : 'stored'));
  sender.add(['one']);
  await until(() => tries.length === 1);
  sender.add(['two']);
  await sender.finish(10_000);
  expect(tries.map(({ piece, text }) => `${piece} ${text}`)).toEqual(['1 one\n', '1 one\n', '2 two\n']);
  expect(lost).toEqual([]);
});

test('a log that is refused is given up, once', async () => {
  const { sender, tries, lost } = place(() => 'refused');
  sender.add(['one']);
  await until(() => lost.length > 0);
  sender.add(['two']);
  await sender.finish(10_000);
  expect([numbered(tries), lost]).toEqual([[1], ['the lease is over']]);
});

describe('an edge that is away', () => {
  it.each(['lost', 'hangs'] as const)('does not hold the build up at its end: each try %s', async (answer) => {
    const { sender, lost } = place(() => answer);
    sender.add(['one']);
    await sender.finish(20);
    expect(lost).toEqual(['the edge did not take it in time']);
  });
});

test('what nobody wants any more is not sent', async () => {
  const { sender, tries, lost } = place();
  sender.add(['one']);
  sender.drop();
  sender.add(['two']);
  await sender.finish(10_000);
  expect([tries, lost]).toEqual([[], []]);
});

test('a build that prints for ever has the pieces that a log may have, and the last one says so', async () => {
  const { sender, tries } = place();
  // The pace would be too slow by then; a whole log at once shows the same.
  sender.add(Array.from({ length: LOG_LIMITS.pieces + 5 }, () => 'y'.repeat(LOG_LIMITS.pieceBytes - 100)));
  await sender.finish(60_000);
  expect(numbered(tries)).toEqual(Array.from({ length: LOG_LIMITS.pieces }, (_, index) => index + 1));
  expect(tries.at(-1)?.text.endsWith(`\n${REST_LEFT_OUT}\n`)).toBe(true);
});

test('as many lines at once as no function takes arguments are sent', async () => {
  const { sender, tries, lost } = place();
  sender.add(Array.from({ length: 300_000 }, () => ''));
  await sender.finish(60_000);
  expect(tries.map(({ text }) => text).join('').length).toBe(300_000);
  expect(lost).toEqual([]);
});
