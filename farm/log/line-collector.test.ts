import { expect, test } from 'vitest';
import { LOG_LIMITS } from '../../shared/build/build-log.ts';
import { fc } from '../../shared/chance.fixture.ts';
import { LineCollector, REST_LEFT_OUT } from './line-collector.ts';

function collector(scrub: (line: string) => string = (line) => line) {
  const lines: string[] = [];
  return { lines, collect: new LineCollector({ scrub, onLines: (more) => lines.push(...more) }) };
}

/** Cut anywhere, also in the middle of a character. */
const chunks = (bytes: Buffer, at: readonly number[]): Buffer[] => {
  const ends = [...new Set(at.map((n) => n % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...ends].map((from, index) => bytes.subarray(from, ends[index] ?? bytes.length));
};

test('lines are the same in whatever chunks they come', () => {
  const line = fc.stringMatching(/^[a-zü€🙂 ]{0,30}$/u);
  const printed = fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 8 });
  fc.assert(
    fc.property(printed, fc.array(fc.nat(), { maxLength: 6 }), (parts, at) => {
      // An empty line behind a lone \r would be the second half of its end.
      const text = parts.map(([words, end]) => `${words}.${end}`).join('');
      const { lines, collect } = collector();
      for (const chunk of chunks(Buffer.from(text), at)) collect.push('stdout', chunk);
      collect.end();
      expect(lines).toEqual(parts.map(([words]) => `${words}.`));
    }),
  );
});

test('a line of one stream is not put into the middle of a line of the other', () => {
  const { lines, collect } = collector();
  collect.push('stdout', Buffer.from('Installing '));
  collect.push('stderr', Buffer.from('a warning\n'));
  collect.push('stdout', Buffer.from('vim\nno end'));
  collect.end();
  expect(lines).toEqual(['a warning', 'Installing vim', 'no end']);
});

test('a line is scrubbed while it is whole, whatever was cut where', () => {
  const secret = '/home/somebody/asu/work/lease-1';
  const text = `cp ${secret}/a ${secret}/b\n`;
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 6 }), (at) => {
      const { lines, collect } = collector((line) => line.replaceAll(secret, '/builder'));
      for (const chunk of chunks(Buffer.from(text), at)) collect.push('stderr', chunk);
      expect(lines).toEqual(['cp /builder/a /builder/b']);
    }),
  );
});

test('a line without end is cut, and no half of a path is left at the cut', () => {
  const secret = '/home/somebody/asu/work/lease-1';
  for (let shift = 0; shift < secret.length + 2; shift += 1) {
    const { lines, collect } = collector((line) => line.replaceAll(secret, '/b'));
    const text = `${'x'.repeat(shift)} ${`${secret} `.repeat(10_000)}`;
    for (let at = 0; at < text.length; at += 10_000) collect.push('stdout', Buffer.from(text.slice(at, at + 10_000)));
    collect.push('stdout', Buffer.from('\nnext\n'));
    expect(lines.map((line) => line.replace(/^x* (?:\/b )+/, ''))).toEqual([' [cut]', 'next']);
  }
});

test('what a line shows is not longer than a screen can bear', () => {
  const { lines, collect } = collector();
  collect.push('stdout', Buffer.from(`${'y'.repeat(5_000)}\n`));
  expect(lines).toEqual([`${'y'.repeat(4_096)} [cut]`]);
});

test('what a terminal would obey is not in a line', () => {
  const { lines, collect } = collector();
  collect.push('stdout', Buffer.from('\x1b[32mgreen\x1b[0m\x07\n'));
  expect(lines).toEqual(['green']);
});

test.each([
  ['line by line', 1],
  ['in one breath', 3_000],
])('a process that prints without end, %s, fills a log, which says so once', (_, linesAtOnce) => {
  const { lines, collect } = collector();
  const chunk = Buffer.from(`${'z'.repeat(999)}\n`.repeat(linesAtOnce));
  for (let n = 0; n < 3_000; n += linesAtOnce) collect.push('stdout', chunk);
  collect.end();
  expect(lines.filter((each) => each === REST_LEFT_OUT)).toHaveLength(1);
  expect(lines.at(-1)).toBe(REST_LEFT_OUT);
  expect(Buffer.byteLength(lines.join('\n'))).toBeLessThanOrEqual(LOG_LIMITS.logBytes);
  expect(lines.length).toBeGreaterThan(1_000);
});
