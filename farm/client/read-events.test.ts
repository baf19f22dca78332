import { expect, test } from 'vitest';
import { fc } from '../../shared/chance.fixture.ts';
import { eventText, HEARTBEAT_TEXT, retryText } from '../../shared/http/server-sent-event.ts';
import { EventLines, readEvents } from './read-events.ts';

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

test('events come out as they were written, however they are cut', () => {
  const text = fc.array(fc.constantFrom('a', '\r', '\n', ':', ' ', 'data: x', 'ü', '\0'), { maxLength: 8 });
  const events = fc.array(
    fc.record({ event: fc.constantFrom('log', 'state'), data: text.map((parts) => parts.join('')) }),
  );
  fc.assert(
    fc.property(events, fc.array(fc.nat(20), { minLength: 1 }), (written, sizes) => {
      const lines = new EventLines();
      const told = written.map(({ event, data }, at) => ({ event, data, id: `a.${at}` }));
      const wire = retryText(3_000) + told.map((one) => eventText(one) + HEARTBEAT_TEXT).join('');
      const heard = [];
      for (let [from, turn] = [0, 0]; from < wire.length; turn += 1) {
        const to = from + 1 + (sizes[turn % sizes.length] ?? 0);
        heard.push(...lines.push(wire.slice(from, to)));
        from = to;
      }
      expect(heard).toEqual(told.map((one) => ({ ...one, data: one.data.replace(/\r\n|\r/g, '\n') })));
    }),
  );
});

test.each<[string, string, object[]]>([
  ['CRLF', 'event: a\r\ndata: 1\r\n\r\n', [{ event: 'a', id: '', data: '1' }]],
  [
    'CR',
    'data:1\r\rdata: 2\r\rx',
    [
      { event: 'message', id: '', data: '1' },
      { event: 'message', id: '', data: '2' },
    ],
  ],
  [
    'an id that stays',
    'id: 7\ndata: 1\n\ndata: 2\n\n',
    [
      { event: 'message', id: '7', data: '1' },
      { event: 'message', id: '7', data: '2' },
    ],
  ],
  ['an id with a NUL', 'id: 7\nid: \0\ndata: 1\n\n', [{ event: 'message', id: '7', data: '1' }]],
  ['an event without data', 'event: a\n\ndata: 1\n\n', [{ event: 'message', id: '', data: '1' }]],
  ['the last one, without its end', 'data: 1\n', []],
])('%s', (_, wire, events) => {
  expect(new EventLines().push(wire)).toEqual(events);
});

test('CRLF is one end of a line where it is cut between two pieces', () => {
  const lines = new EventLines();
  expect([
    ...lines.push('data: 1\r'),
    ...lines.push('\ndata: 2\r\n'),
    ...lines.push('\r'),
    ...lines.push('\n'),
  ]).toEqual([{ event: 'message', id: '', data: '1\n2' }]);
});

test('a character that is cut between two pieces is whole, and every piece is a sign of life', async () => {
  const [head, tail] = [Buffer.from('data: ü\n\n').subarray(0, 7), Buffer.from('data: ü\n\n').subarray(7)];
  async function* cut() {
    yield head;
    yield tail;
    yield* chunks(':\n\n');
  }
  let signs = 0;
  const events = [];
  for await (const event of readEvents(cut(), () => (signs += 1))) events.push(event);
  expect([events, signs]).toEqual([[{ event: 'message', id: '', data: 'ü' }], 3]);
});

test.each([
  ['a line', 'x'],
  ['an event', 'data: x\n'],
  ['an event of nothing', 'data\n'],
])('%s without end is refused', (_, piece) => {
  const lines = new EventLines();
  const more = piece.repeat(1024 * 1024);
  expect(() => {
    for (let times = 0; times < 6; times += 1) lines.push(more);
  }).toThrow(/expected events of at most/);
});

test('a line of megabytes is not looked through again for each piece of it', () => {
  const [lines, piece] = [new EventLines(), 'x'.repeat(50)];
  lines.push('data: ');
  for (let sent = 0; sent < 60_000; sent += 1) lines.push(piece);
  expect(lines.push('\n\n')[0]?.data).toHaveLength(3_000_000);
});
