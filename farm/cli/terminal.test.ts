import { expect, test } from 'vitest';
import { tableText, terminalOf } from './terminal.ts';

test.each([
  [true, {}, '\x1b[31mx\x1b[0m'],
  [true, { NO_COLOR: '' }, '\x1b[31mx\x1b[0m'],
  [true, { NO_COLOR: '1' }, 'x'],
  [true, { TERM: 'dumb' }, 'x'],
  [false, {}, 'x'],
])('on a terminal (%j) with %j red is %j', (isTTY, environment, painted) => {
  const stream = { isTTY } as NodeJS.WriteStream;
  expect(terminalOf(stream, stream, environment).paint('red', 'x')).toBe(painted);
});

test('columns line up, and no line ends in blanks', () => {
  expect(
    tableText([
      ['NAME', 'SIZE', 'USED'],
      ['x86/64', '1 MiB', ''],
      ['a', '200 MiB', 'now'],
    ]),
  ).toBe('NAME    SIZE     USED\nx86/64  1 MiB\na       200 MiB  now\n');
});
