import { expect, test } from 'vitest';
import { MAX_PACKAGES } from '../choice.ts';
import { MAX_LIST_CHARACTERS, type PastedPackages, readPastedPackages } from './pasted-packages.ts';

const list = (installed: Record<string, string>): PastedPackages => ({ state: 'list', installed });
const many = (n: number): string => Array.from({ length: n }, (_, at) => `p${at} - 1\n`).join('');

test.each<[situation: string, text: string, read: PastedPackages]>([
  ['nothing', '\n ', { state: 'none' }],
  ['opkg', 'vim - 9\nluci - 25\n', list({ vim: '9', luci: '25' })],
  ['apk', 'vim-9.1-r2 x86_64 {vim} (Vim) [installed]\n', list({ vim: '9.1-r2' })],
  [
    'what a terminal had around it',
    'root@OpenWrt:~# opkg list-installed\nvim - 9\nroot@OpenWrt:/tmp# ',
    list({ vim: '9' }),
  ],
  ['a prompt in brackets, of a name with a place', '[root@router.lan:/etc/opkg]# cat x\nvim - 9\n', list({ vim: '9' })],
  [
    'one line of a megabyte that might be a prompt at each of its characters',
    `a@${'a@b:'.repeat(250_000)}`,
    { state: 'fault', where: 'line 1', message: 'expected at most 1000 characters, got 1000002' },
  ],
  ['only what was typed', 'root@OpenWrt:~# opkg list-installed\n', { state: 'none' }],
  [
    'a line that is none, by its number',
    'root@x:~# opkg list-installed\nvim - 9\n<b>\n',
    {
      state: 'fault',
      where: 'line 3',
      message: 'expected NAME - VERSION as opkg list-installed prints it, got "<b>"',
    },
  ],
  ['as many as an image can have', many(MAX_PACKAGES), expect.objectContaining({ state: 'list' })],
  ['one more', many(MAX_PACKAGES + 1), { state: 'many', count: MAX_PACKAGES + 1 }],
  ['a film', 'x'.repeat(MAX_LIST_CHARACTERS + 1), { state: 'long' }],
])('%s', (_, text, read) => {
  expect(readPastedPackages(text)).toEqual(read);
});
