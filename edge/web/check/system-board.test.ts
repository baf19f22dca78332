import { expect, test } from 'vitest';
import { MAX_BOARD_CHARACTERS, type ReadBoard, readSystemBoard } from './system-board.ts';

const JSON_OF_ROUTER = {
  kernel: '6.6.93',
  hostname: 'OpenWrt',
  system: 'ARMv8 Processor rev 4',
  model: 'Acme AX3000 v1',
  board_name: 'acme,ax3000-v1',
  rootfs_type: 'squashfs',
  release: {
    distribution: 'OpenWrt',
    version: '24.10.2',
    revision: 'r28739-d9340319c6',
    target: 'demo/generic',
    description: 'OpenWrt 24.10.2 r28739-d9340319c6',
    builddate: '1750711236',
  },
};
const BOARD = {
  model: 'Acme AX3000 v1',
  boardName: 'acme,ax3000-v1',
  rootfsType: 'squashfs',
  distro: 'OpenWrt',
  version: '24.10.2',
  revision: 'r28739-d9340319c6',
  target: 'demo/generic',
};
const text = JSON.stringify(JSON_OF_ROUTER, null, '\t');
const released = (more: object): string =>
  JSON.stringify({ ...JSON_OF_ROUTER, release: { ...JSON_OF_ROUTER.release, ...more } });

test.each<[situation: string, text: string, board: object]>([
  ['as it is printed', text, BOARD],
  [
    'with what stands before and after it on a terminal',
    `root@x:~# ubus call system board\n${text}\nroot@x:~# `,
    BOARD,
  ],
  ['with line ends of another system', text.replaceAll('\n', '\r\n'), BOARD],
  [
    'of an old router, without a name for people, a file system or a revision',
    JSON.stringify({
      board_name: 'tl-wr741',
      release: { distribution: 'LEDE', version: '17.01.4', target: 'ar71xx/generic' },
    }),
    {
      model: 'tl-wr741',
      boardName: 'tl-wr741',
      rootfsType: null,
      distro: 'LEDE',
      version: '17.01.4',
      revision: '',
      target: 'ar71xx/generic',
    },
  ],
  [
    'with a name that would turn the line around',
    JSON.stringify({ ...JSON_OF_ROUTER, model: '\u202eevil' }),
    { ...BOARD, model: '\\u{202e}evil' },
  ],
])('%s: it is read', (_, pasted, board) => {
  expect(readSystemBoard(pasted)).toEqual({ state: 'board', board });
});

test.each<[situation: string, text: string, read: ReadBoard]>([
  ['nothing', ' \n', { state: 'empty' }],
  ['words', 'hello', { state: 'no json' }],
  ['a page', '<html><script>{}</script></html>', { state: 'no board', field: 'board_name' }],
  ['half of it', text.slice(0, 200), { state: 'no json' }],
  ['a list', '[1]', { state: 'no json' }],
  ['another answer of ubus', '{"uptime": 5}', { state: 'no board', field: 'board_name' }],
  ['far too much', `{${' '.repeat(MAX_BOARD_CHARACTERS)}}`, { state: 'long' }],
  ['a way out of a path', released({ target: '../../x' }), { state: 'no board', field: 'release.target' }],
  ['markup for a version', released({ version: '<b>' }), { state: 'no board', field: 'release.version' }],
  ['a number', released({ version: 24 }), { state: 'no board', field: 'release.version' }],
  ['something of Object', '{"board_name":"x","release":[]}', { state: 'no board', field: 'release.distribution' }],
])('%s is named as what it is', (_, pasted, read) => {
  expect(readSystemBoard(pasted)).toEqual(read);
});
