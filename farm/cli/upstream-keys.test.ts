import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OPENWRT_USIGN_KEYS } from '../../shared/upstream/openwrt-keys.ts';
import { UsageError } from './flags.ts';
import { mustBeReadable, readUpstreamKeys } from './upstream-keys.ts';

const [one, two] = OPENWRT_USIGN_KEYS.map(({ key }) => key) as [string, string];
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'upstream-keys-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function fileOf(text: string): Promise<string> {
  const file = path.join(directory, `key-${Math.random()}`);
  await writeFile(file, text);
  return file;
}

test('no file, no keys', async () => {
  expect(await readUpstreamKeys([])).toEqual([]);
});

test('files with one key or several, with comments and without, are one list in which each key stands once', async () => {
  const first = await fileOf(`untrusted comment: OpenWrt\n${one}\n`);
  const second = await fileOf(`# of the keyring\n\n${two}\r\nuntrusted comment: again\n${one}`);
  expect(await readUpstreamKeys([first, second])).toEqual([one, two]);
});

test.each([
  ['', /expected usign public keys in .*, got none/],
  ['untrusted comment: nothing follows\n', /got none/],
  ['<!DOCTYPE html>', /expected a usign public key .*, got "<!DOCTYPE html>"/],
  [`${one}\n${one.slice(0, -4)}\n`, /expected a usign public key/],
  [`${one} ${two}`, /expected a usign public key/],
  ['x'.repeat(64 * 1024 + 1), /expected at most 65536 bytes in/],
])('a file that holds %j is refused by name', async (text, sentence) => {
  const file = await fileOf(text);
  const reading = readUpstreamKeys([file]);
  await expect(reading).rejects.toThrow(UsageError);
  await expect(reading).rejects.toThrow(sentence);
  await expect(reading).rejects.toThrow(file);
});

test('a file that is not there, or is a directory, is told', async () => {
  await expect(readUpstreamKeys([path.join(directory, 'none')])).rejects.toThrow(/none cannot be read \(ENOENT\)/);
  await expect(readUpstreamKeys([directory])).rejects.toThrow(/cannot be read \(EISDIR\)/);
});

test('a key file that is only handed on must be there, and be a file', async () => {
  await mustBeReadable('--x', await fileOf('anything'));
  await expect(mustBeReadable('--x', directory)).rejects.toThrow(/^--x: expected a file, got/);
  await expect(mustBeReadable('--x', path.join(directory, 'none'))).rejects.toThrow(/^--x: .* \(ENOENT\)$/);
});
