import { execFileSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fc } from '../../shared/chance.fixture.ts';
import { gzipStored, tar, tarGz } from './tar-archive.ts';

const list = (archive: Uint8Array, ...flags: string[]) =>
  execFileSync('tar', flags, { input: archive, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });

describe('an archive made here', () => {
  it('is read by the host tar with mode, owner, size and time', () => {
    const archive = tarGz(
      [{ path: 'top/' }, { path: 'top/run', content: 'echo\n', executable: true }, { path: 'top/text', content: '' }],
      86_400,
    );
    expect(list(archive, '-tzvf', '-', '--numeric-owner', '--utc').trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^drwxr-xr-x 0\/0 +0 1970-01-02 00:00 top\/$/),
      expect.stringMatching(/^-rwxr-xr-x 0\/0 +5 1970-01-02 00:00 top\/run$/),
      expect.stringMatching(/^-rw-r--r-- 0\/0 +0 1970-01-02 00:00 top\/text$/),
    ]);
  });

  it('keeps a path of more than 100 bytes whole', () => {
    const path = `${'directory/'.repeat(12)}${'f'.repeat(90)}`;
    expect(list(tar([{ path, content: 'x' }], 0), '-tf', '-')).toBe(`${path}\n`);
  });

  it('refuses a path that ustar cannot hold, rather than cut it', () => {
    expect(() => tar([{ path: 'f'.repeat(101), content: '' }], 0)).toThrow('expected a path that fits');
  });

  it('gunzips to what went in, whatever its length', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 0xfffe, 0xffff, 0x1_0000, 0x2_0001), fc.nat(255), (length, byte) => {
        const content = Buffer.alloc(length, byte);
        expect(gunzipSync(gzipStored(content)).equals(content)).toBe(true);
      }),
    );
  });
});
