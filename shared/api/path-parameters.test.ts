import { expect, test } from 'vitest';
import { PATH_PARAMETERS } from './path-parameters.ts';

const allows = (name: string, value: string): boolean =>
  PATH_PARAMETERS[name]?.schema.safeParse(value).success ?? false;
const digits = (count: number): string => '0123456789abcdef'.repeat(5).slice(0, count);

test.each([
  ['request_hash', [64]],
  ['request_name', [12, 64]],
  ['image_hash', [15]],
  ['manifest_hash', [15]],
  ['files_path', [32, 64]],
  ['bin_dir', [64]],
  ['node_id', [64]],
])('{%s} is of %j hexadecimal digits, and of nothing else', (name, lengths) => {
  const ofLength = Array.from({ length: 80 }, (_, length) => length).filter((length) => allows(name, digits(length)));
  expect(ofLength).toEqual(lengths);
  for (const length of lengths)
    for (const other of [`x${digits(length)}`, `${digits(length)}x`]) expect(allows(name, other)).toBe(false);
});

test.each<[name: string, allowed: string[], refused: string[]]>([
  ['number', ['1', '10', '9'.repeat(15)], ['', '0', '01', 'x1', '1x', '9'.repeat(16)]],
  ['file', ['a-b_1.img.gz'], ['', '.a', '../a', 'a/b']],
  ['version', ['24.10-SNAPSHOT', 'v'.repeat(64)], ['', 'a b', 'a/b', 'v'.repeat(65)]],
  ['target', ['x86', 'a_b'], ['', 'x86/64', ' x', 'x ']],
  ['subtarget', ['64', 'a_b'], ['', 'x86/64', ' x', 'x ']],
  ['profile', ['tplink,archer-c7-v4', 'p'.repeat(128)], ['', 'a b', 'a/b', 'p'.repeat(129)]],
  ['arch', ['aarch64_cortex-a53', 'a'.repeat(128)], ['', 'a b', 'a/b', 'a'.repeat(129)]],
  ['action', ['drain'], ['', 'explode']],
])('{%s} may be each of %j, and none of %j', (name, allowed, refused) => {
  expect(allowed.filter((value) => !allows(name, value))).toEqual([]);
  expect(refused.filter((value) => allows(name, value))).toEqual([]);
});
