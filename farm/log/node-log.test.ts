import { describe, expect, test } from 'vitest';
import type { LogFields } from '../../shared/text/log-line.ts';
import { nodeLog } from './node-log.ts';

const now = () => new Date('2026-11-25T12:00:00Z');

function logged(format: 'text' | 'json', event: string, fields: LogFields = {}, secrets: (string | null)[] = []) {
  const lines: string[] = [];
  nodeLog({ format, write: (line) => lines.push(line), now, secrets }).log(event, fields);
  expect(lines).toHaveLength(1);
  return lines[0] ?? '';
}

describe('for people', () => {
  test.each<[string, LogFields, string]>([
    ['ready', {}, 'ready'],
    ['built', { hash: '0123', seconds: 1.5, cached: true }, 'built hash=0123 seconds=1.5 cached=true'],
    ['failed', { detail: 'no such package' }, 'failed detail="no such package"'],
    ['failed', { packages: ['a', 'b'], left: undefined, none: null }, 'failed packages=a,b none=null'],
    ['failed', { detail: '' }, 'failed detail=""'],
    ['failed', { detail: 'a"b=c' }, 'failed detail="a\\"b=c"'],
    ['failed', { detail: 'x\nready' }, 'failed detail=x\\x0aready'],
    ['fault: Error: x\n    at y\nready', {}, 'fault: Error: x\n        at y\n    ready'],
    ['\x1b[2Jgone', {}, '\\x1b[2Jgone'],
    ['one\rtwo\u2028three', {}, 'one\\x0dtwo\\u{2028}three'],
  ])('%j with %j is %j', (event, fields, line) => {
    expect(logged('text', event, fields)).toBe(line);
  });
});

describe('for machines', () => {
  test('an entry is one line of JSON with time and event', () => {
    const line = logged('json', 'built', { hash: '0123', seconds: 1.5, packages: ['a', 'b\x1b'], left: undefined });
    expect(line).not.toContain('\n');
    expect(JSON.parse(line)).toEqual({
      time: '2026-11-25T12:00:00.000Z',
      event: 'built',
      hash: '0123',
      seconds: 1.5,
      packages: ['a', 'b\\x1b'],
    });
  });

  test('a stack keeps its lines, and no raw control character is in the line', () => {
    const line = logged('json', 'fault: Error: x\n    at y', { detail: '\x9b31m\u202e' });
    expect(line).not.toMatch(/[\u0000-\u001f\u0080-\u009f\u202e]/);
    expect(JSON.parse(line)).toMatchObject({ event: 'fault: Error: x\n    at y', detail: '\\x9b31m\\u{202e}' });
  });

  test('no field takes the place of time or event', () => {
    expect(JSON.parse(logged('json', 'built', { event: 'ready', time: 'never' }))).toEqual({
      time: '2026-11-25T12:00:00.000Z',
      event: 'built',
      event_: 'ready',
      time_: 'never',
    });
  });
});

test.each(['text', 'json'] as const)('secrets leave neither in events nor in fields nor in lists (%s)', (format) => {
  const line = logged(
    format,
    'refused hunter2hunter2',
    { token: 'hunter2', url: 'http://x/?hunter2', all: ['hunter2'], short: 'abc' },
    ['hunter2', 'hunter2hunter2', null, '', 'abc'],
  );
  expect(line).not.toContain('hunter2');
  expect(line).toContain('refused (secret)');
  // Nobody's secret is three letters; replacing them would spoil every line.
  expect(line).toContain('abc');
});

test('a line alone goes the same way', () => {
  const lines: string[] = [];
  const { line } = nodeLog({ format: 'text', write: (text) => lines.push(text), now });
  line('failed 0123: x\x07');
  expect(lines).toEqual(['failed 0123: x\\x07']);
});

test('a sentence says to a person what it says, and its fields to a collector', () => {
  const lines: string[] = [];
  const logs = (['text', 'json'] as const).map((format) =>
    nodeLog({ format, write: (line) => lines.push(line), now: () => new Date(0), secrets: ['secret-token'] }),
  );
  for (const { line } of logs) line('built x in 2 s', { request: 'a'.repeat(64), lease: 'l-1', error: 'secret-token' });
  expect(lines[0]).toBe('built x in 2 s');
  expect(JSON.parse(lines[1] ?? '')).toEqual({
    time: '1970-01-01T00:00:00.000Z',
    event: 'built x in 2 s',
    request: 'a'.repeat(64),
    lease: 'l-1',
    error: '(secret)',
  });
});
