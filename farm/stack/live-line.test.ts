import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { LiveLine } from './live-line.ts';

function terminal(isTTY: boolean, columns = 40) {
  let written = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written += chunk;
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY, columns }) as unknown as NodeJS.WriteStream, written: () => written };
}

const CLEAR = '\r\x1b[2K';

test('on a terminal the line lives: each state stands in the place of the last, and other lines go above it', () => {
  const { stream, written } = terminal(true);
  const line = new LiveLine(stream);
  line.update('queued');
  line.update('building');
  line.print('node: hello');
  line.end('built');
  expect(written()).toBe(`${CLEAR}queued${CLEAR}building${CLEAR}node: hello\n${CLEAR}building${CLEAR}built\n`);
});

test.each([
  [10, '123456789'],
  [0, '1234567890123'],
])('on a terminal of %i columns it is no longer than the terminal, where that is known', (columns, shown) => {
  const { stream, written } = terminal(true, columns);
  new LiveLine(stream).update('1234567890123');
  expect(written()).toBe(`${CLEAR}${shown}`);
});

test('elsewhere there is a plain line for each state, not for each byte, and no control character', () => {
  const { stream, written } = terminal(false);
  const line = new LiveLine(stream);
  line.update('downloading 1', 'download');
  line.update('downloading 2', 'download');
  line.print('node: hello');
  line.end('done');
  expect(written()).toBe('downloading 1\nnode: hello\ndone\n');
});
