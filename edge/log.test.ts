import { afterEach, expect, test, vi } from 'vitest';
import { logError, logWarning, stackOf } from './log.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test('each entry is one object on one line, by the same names everywhere', () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2031, 0, 15) });
  const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  logError('publishing failed', {
    request: 'a'.repeat(64),
    lease: 'l',
    node: 'n',
    kind: 'internal',
    error: new Error('x\ny'),
  });
  expect(error.mock.calls).toEqual([[expect.not.stringContaining('\n')]]);
  expect(JSON.parse(String(error.mock.calls[0]?.[0]))).toEqual({
    time: '2031-01-15T00:00:00.000Z',
    level: 'error',
    event: 'publishing failed',
    request: 'a'.repeat(64),
    lease: 'l',
    node: 'n',
    kind: 'internal',
    error: 'Error: x\ny',
  });
});

test('an error that names an object by the hash of a build, which may be private, is told without it', () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const told = (text: string): unknown => {
    logError('publishing failed', { error: new Error(text) });
    return JSON.parse(String(error.mock.lastCall?.[0])).error;
  };
  const hash = 'ab'.repeat(32);
  for (const place of ['builds', 'intents', 'requests', 'statements', 'log/of'])
    expect(told(`no answer to PUT https://s3.example/asu/${place}/${hash}.json`)).toBe(
      `Error: no answer to PUT https://s3.example/asu/${place}/….json`,
    );
  expect(told(`objects/${hash}`)).toBe(`Error: objects/${hash}`);
});

test('a warning is one, and what is not known is left out', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  logWarning('something', { results: 3, error: undefined });
  expect(JSON.parse(String(warn.mock.calls[0]?.[0]))).toMatchObject({
    level: 'warning',
    event: 'something',
    results: 3,
  });
  expect(String(warn.mock.calls[0]?.[0])).not.toContain('error"');
});

test('whatever was thrown has a text', () => {
  expect([stackOf('a text'), stackOf(undefined)]).toEqual(['a text', 'undefined']);
  expect(stackOf(new Error('why'))).toMatch(/^Error: why\n\s+at /);
});
