import { expect, test } from 'vitest';
import { type HostileMember, tarOf } from './hostile-tar.fixture.ts';
import { readTar } from './tar-reader.ts';

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function pathsOf(members: readonly HostileMember[]): Promise<readonly string[]> {
  const paths: string[] = [];
  for await (const { path } of readTar(chunks(tarOf(members)))) paths.push(path);
  return paths;
}

test('a name ends before its last slashes, in a time that grows with the name alone', async () => {
  const names = ['top///', `top${'/'.repeat(60_000)}`, `top${'/'.repeat(60_000)}x`];
  const members = names.flatMap((content) => [{ name: '././@LongLink', type: 'L', content }, { name: 'cut' }]);
  const many = Array.from({ length: 50 }, () => members).flat();
  expect(new Set(await pathsOf(many))).toEqual(new Set(['top', names[2]]));
});
