import { describe, expect, it, test } from 'vitest';
import { filesPath, imageHash, isFilePath, isMadeHere, logPath } from './file-path.ts';

const HASH = '0123456789abcdef'.repeat(4);

test('names of a build are heads of its hash', () => {
  expect(filesPath(HASH)).toBe('/json/0123456789abcdef0123456789abcdef/');
  expect(imageHash(HASH)).toBe('0123456789abcde');
});

test('the log lies among the files; that of a build that failed, under its whole hash', () => {
  expect(logPath(HASH)).toBe(`${filesPath(HASH)}build.log`);
  expect(logPath(HASH, 'failed')).toBe(`/json/${HASH}/build.log`);
});

test("path, image's name and two slashes leave 74 characters of auc's 255 for the server's URL", () => {
  const longestName = 140;
  expect(255 - filesPath(HASH).length - longestName - 2).toBeGreaterThanOrEqual(74);
});

test('three files of each directory are the server’s own', () => {
  const names = ['sha256sums', 'sha256sums.sig', 'build.log', 'sha256sums.asc', 'profiles.json', 'x.bin', ''];
  expect(names.filter(isMadeHere)).toEqual(['sha256sums', 'sha256sums.sig', 'build.log']);
});

describe('a path is', () => {
  it.each([
    [HASH.slice(0, 32), true],
    [HASH, true],
    [HASH.slice(0, 31), false],
    [HASH.slice(0, 33), false],
    [HASH.slice(0, 15), false],
    [HASH.slice(0, 32).toUpperCase(), false],
    [`${HASH.slice(0, 32)}\n`, false],
    ['', false],
    ['v1', false],
    ['..', false],
  ])('%j: %s', (text, is) => {
    expect(isFilePath(text)).toBe(is);
  });
});
