import { expect, test } from 'vitest';
import { isPackageName, OUTPUT_FILE, PACKAGE_NAME, PROFILE_ID } from './grammar.ts';

/** What is neither in front of a name, nor in it, nor behind it. */
const AROUND = ['-', '.', ' ', '\n', '/', '$', '%', '\0', 'ü'];

test.each<[of: string, isOne: (text: string) => boolean, good: string[], bad: string[]]>([
  [
    'a profile',
    (text) => PROFILE_ID.test(text),
    ['generic', '8dev_jalapeno', 'tplink_archer-c7-v4', 'A', 'x.y'],
    ['', '..', 'a,b', 'a+b', ...AROUND.map((letter) => `${letter}a`), 'a ', 'a\n', 'a/b', 'a$', 'a%', 'aü'],
  ],
  [
    'a package',
    isPackageName,
    ['vim', '6in4', 'g++', 'libstdc++6', 'A', 'kmod-usb.x_y', 'x.ipk-tools', 'p'.repeat(127)],
    ['', 'vim.ipk', 'vim.apk', 'p'.repeat(128), ...AROUND.map((letter) => `${letter}vim`), 'vim ', 'vim\n', 'v/m'],
  ],
  [
    'a package that may be a file',
    (text) => PACKAGE_NAME.test(text),
    ['vim', 'vim.ipk', 'p'.repeat(127)],
    ['', '+vim', 'p'.repeat(128), 'vim\n', 'vim;', '-vim'],
  ],
  [
    'a file that a build made',
    (text) => OUTPUT_FILE.test(text),
    ['x.bin', 'openwrt-24.10.2-x86-64~r1+2.img.gz', 'f'.repeat(200)],
    ['', '..', 'a/b', 'f'.repeat(201), ...AROUND.map((letter) => `${letter}x.bin`), 'x.bin\n', '~x', '+x'],
  ],
])('a name of %s', (_, isOne, good, bad) => {
  expect([...good, ...bad].filter(isOne)).toEqual(good);
});
