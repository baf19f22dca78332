import { describe, expect, it, test } from 'vitest';
import { BuildError } from '../build/build-error.ts';
import { parseSeedRequest, placeOf, polledHash } from './build-request-fields.ts';

const joined = { distro: 'OpenWrt', version: '18.06.2', target: 'ar71xx/generic', board: 'tl-wdr4300-v1' };

test('the joined dialect writes a target in one piece, the split one in two', () => {
  expect(parseSeedRequest(joined)).toMatchObject({ dialect: 'joined', request: { target: 'ar71xx/generic' } });
  const split = parseSeedRequest({ ...joined, target: 'ar71xx', subtarget: 'generic' });
  expect(split).toMatchObject({ dialect: 'split', target: 'ar71xx', subtarget: 'generic' });
  expect(split.request.target).toBe('ar71xx/generic');
});

describe('packages', () => {
  it.each<[string, unknown, string[]]>([
    ['a list', ['vim', 'luci'], ['vim', 'luci']],
    ['a dict', { vim: '8.1', luci: 'git-19' }, ['vim', 'luci']],
    ['a single one', ['vim'], ['vim']],
    ['an empty list', [], []],
    ['an empty dict', {}, []],
    ['an empty text', '', []],
    ['null', null, []],
    ['nothing', undefined, []],
  ])('%s: the whole list, or the defaults', (_, packages, names) => {
    const { request } = parseSeedRequest({ ...joined, packages });
    expect([request.packages, request.diff_packages]).toEqual([names, names.length > 0]);
  });

  it('of a dict that is made of words of the language are refused like any others', () => {
    expect(() =>
      parseSeedRequest(JSON.parse(JSON.stringify(joined).replace('}', ',"packages":{"__proto__":"1"}}'))),
    ).toThrow('packages.0: expected a package name');
  });
});

test('fields of others are ignored, and what is absent is empty', () => {
  const asked = parseSeedRequest({ ...joined, board: null, network_profile: 'x', profile: '$(reboot)' });
  expect(asked).toMatchObject({ board: '', model: '', request: { defaults: '', profile: 'generic', client: null } });
});

test('a board has an underscore for each comma', () => {
  expect(parseSeedRequest({ ...joined, board: 'a,b,c' }).board).toBe('a_b_c');
});

test.each<[string, unknown, string | null]>([
  ['a poll', { request_hash: '359a2afe0281' }, '359a2afe0281'],
  ['a poll with a request beside it', { ...joined, request_hash: 'x' }, 'x'],
  ['a request', joined, null],
  ['a request with an empty hash', { ...joined, request_hash: '' }, null],
  ['a request without a hash', { ...joined, request_hash: null }, null],
])('%s', (_, body, hash) => {
  expect(polledHash(body)).toBe(hash);
});

describe('a poll is refused', () => {
  it.each<[string, unknown, string]>([
    ['a list', [], 'body: expected a JSON object'],
    ['null', null, 'body: expected a JSON object'],
    ['text', 'x', 'body: expected a JSON object'],
    ['a number for a hash', { request_hash: 1 }, 'request_hash: expected text'],
    ['a list for a hash', { request_hash: ['x'] }, 'request_hash: expected text'],
  ])('%s', (_, body, detail) => {
    expect(refusalOf(() => polledHash(body)).detail).toBe(detail);
  });

  it('by a hash of its own alone, not by one of its prototype', () => {
    expect(polledHash(Object.create({ request_hash: 'x' }))).toBeNull();
  });
});

function refusalOf(read: () => unknown): BuildError {
  try {
    read();
  } catch (error) {
    if (error instanceof BuildError && error.kind === 'invalid_request') return error;
    throw error;
  }
  throw new Error('expected it to be refused, and it was not');
}

describe('a request is refused by the name of the field and what was expected', () => {
  const LIST = 'packages: expected a list of package names, or an object of names and versions';

  it.each<[string, object, string]>([
    ['a number for a distro', { distro: 1 }, 'distro: expected text'],
    ['no version', { version: undefined }, 'version: expected text'],
    ['a number for a target', { target: 1 }, 'target: expected text'],
    ['a number for a subtarget', { subtarget: 1 }, 'subtarget: expected text'],
    ['a number for a board', { board: 1 }, 'board: expected text'],
    ['a long board', { board: 'b'.repeat(129) }, 'board: expected at most 128 characters'],
    ['a board of two lines', { board: 'a\nb' }, 'board: expected text without control characters'],
    ['a board that is no text', { board: '\ud800' }, 'board: expected text without control characters'],
    ['a long model', { model: 'm'.repeat(257) }, 'model: expected at most 256 characters'],
    ['a model that writes into a terminal', { model: '\u001b[2J' }, 'model: expected text without control characters'],
    ['a number for packages', { packages: 1 }, LIST],
    ['text for packages', { packages: 'vim' }, LIST],
    ['an object of numbers', { packages: { vim: 8 } }, LIST],
    ['an object, one of it a number', { packages: { luci: '1', vim: 8 } }, LIST],
    [
      'more names than an image can have, none of which is one',
      { packages: Array.from({ length: 1001 }, () => 1) },
      'packages: expected at most 1000 packages',
    ],
    [
      'more names than an image can have, with versions',
      { packages: Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`p${at}`, '1'])) },
      'packages: expected at most 1000 packages',
    ],
    ['a list of numbers', { packages: [1] }, 'packages.0: expected the name of a package'],
    ['a number for defaults', { defaults: 1 }, 'defaults: expected text'],
    ['a number for a hash', { request_hash: 1 }, 'request_hash: expected text'],
    ['a target twice', { subtarget: 'generic' }, 'subtarget: expected none beside target/subtarget'],
    ['half a target', { target: 'ar71xx' }, 'target: expected target/subtarget, or a subtarget beside it'],
    [
      'half a target, and none',
      { target: 'ar71xx', subtarget: '' },
      'target: expected target/subtarget, or a subtarget beside it',
    ],
    [
      'a name as in v1',
      { packages: ['$(reboot)'] },
      'packages.0: expected a package name: letters, digits, "_", ".", "+" or "-", with "-" before it to remove',
    ],
    ['a version as in v1', { version: '..' }, 'version: expected letters, digits, "_", ".", "," or "-"'],
  ])('%s', (_, fields, detail) => {
    const refusal = refusalOf(() => parseSeedRequest({ ...joined, ...fields }));
    expect(refusal.detail).toBe(detail);
    const [first] = refusal.errors;
    expect(`${first?.path}: ${first?.message}`).toBe(detail);
  });

  it('each field of those that only v1 refuses, not the first alone', () => {
    const { errors } = refusalOf(() => parseSeedRequest({ ...joined, packages: ['a b', 'vim', 'c d'] }));
    expect(errors.map(({ path }) => path)).toEqual(['packages.0', 'packages.2']);
  });
});

test.each<[string, object, object]>([
  ['a board of 128 characters', { board: 'b'.repeat(128) }, { board: 'b'.repeat(128) }],
  ['a model of 256 characters', { model: 'm'.repeat(256) }, { model: 'm'.repeat(256) }],
  ['no model', { model: null }, { model: '' }],
  ['an empty subtarget beside a whole target', { subtarget: '' }, { dialect: 'joined' }],
  ['none beside a whole target', { subtarget: null }, { dialect: 'joined' }],
  ['a script', { defaults: 'echo' }, { request: { defaults: 'echo' } }],
  ['no script', { defaults: null }, { request: { defaults: '' } }],
  ['a poll', { request_hash: 'x' }, { board: 'tl-wdr4300-v1' }],
])('%s is taken', (_, fields, becomes) => {
  expect(parseSeedRequest({ ...joined, ...fields })).toMatchObject(becomes);
});

test('a target and a subtarget are told as they were sent', () => {
  expect(placeOf({ target: 'ar71xx/generic', subtarget: '' })).toEqual({ dialect: 'joined', target: 'ar71xx/generic' });
  expect(placeOf({ target: 'ar71xx', subtarget: 'nand' })).toEqual({
    dialect: 'split',
    target: 'ar71xx',
    subtarget: 'nand',
  });
});
