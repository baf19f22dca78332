import { expect, test } from 'vitest';
import { type Judgement, judgeAnswer } from './judge-answer.ts';
import { packagesOf, type Wish } from './wishes.ts';

const IMAGE: Wish = { kind: 'image', packages: 0b101 };
const TOO_BIG: Wish = { kind: 'too big', packages: 0b101 };
const HASH = 'ab'.repeat(32);
const OF_IMAGE = `GET /api/v1/build/${HASH}`;
const POST = 'POST /api/v1/build';
const done = (names: readonly string[] = packagesOf(IMAGE)) => ({
  request_hash: HASH,
  images: [{}],
  manifest: Object.fromEntries(['luci', ...names].map((name) => [name, '1'])),
});
const trouble = (error_kind: string) => ({ error_kind, detail: 'Error: …' });
const failed = (error_kind: string) => ({ ...trouble(error_kind), imagebuilder_status: 'failed' });

const judged = (asked: string, status: number, body: unknown, wish: Wish = IMAGE): Judgement => {
  const [method = '', path = ''] = asked.split(' ');
  return judgeAnswer(
    {
      method,
      path,
      status,
      requestBody: Buffer.from(method === 'POST' ? JSON.stringify({ packages: packagesOf(wish) }) : ''),
      body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    },
    (hash) => (hash === HASH ? wish : undefined),
  );
};

test.each<[string, string, number, unknown, Wish, Judgement]>([
  ['a build that waits', POST, 202, { request_hash: HASH }, IMAGE, { says: 'waits', requestHash: HASH, wish: IMAGE }],
  [
    'auc’s two slashes',
    'POST //api/v1/build',
    202,
    { request_hash: HASH },
    IMAGE,
    { says: 'waits', requestHash: HASH, wish: IMAGE },
  ],
  ['LuCI’s moment', `${OF_IMAGE}?1700000000000`, 200, done(), IMAGE, { says: 'image', requestHash: HASH, wish: IMAGE }],
  [
    'a true failure',
    OF_IMAGE,
    500,
    failed('image_too_big'),
    TOO_BIG,
    { says: 'failure', kind: 'image_too_big', wish: TOO_BIG },
  ],
  [
    'trouble of the edge',
    POST,
    503,
    trouble('internal'),
    IMAGE,
    { says: 'ours', kind: 'internal', status: 503, ended: false },
  ],
  [
    'a build that ended by our fault',
    OF_IMAGE,
    500,
    failed('node_lost'),
    IMAGE,
    { says: 'ours', kind: 'node_lost', status: 500, ended: true },
  ],
  [
    'trouble while it is polled for',
    OF_IMAGE,
    503,
    trouble('internal'),
    IMAGE,
    { says: 'ours', kind: 'internal', status: 503, ended: false },
  ],
  ['a preflight', `OPTIONS /api/v1/build/${HASH}`, 204, '', IMAGE, { says: 'nothing' }],
  ['another page', 'GET /json/v1/overview.json', 200, {}, IMAGE, { says: 'nothing' }],
])('%s is taken for what it is', (_, asked, status, body, wish, expected) => {
  expect(judged(asked, status, body, wish)).toEqual(expected);
});

test.each<[string, string, number, unknown, Wish?]>([
  ['an accepted build that is not known any more', OF_IMAGE, 404, failed('bad_request')],
  ['the same, by HEAD', OF_IMAGE.replace('GET', 'HEAD'), 404, ''],
  ['a fault of ours that the user is blamed for', OF_IMAGE, 500, failed('build_failed')],
  ['another failure than the true one', OF_IMAGE, 500, failed('conflict'), TOO_BIG],
  ['a fault of ours with a status that is the user’s', OF_IMAGE, 400, failed('internal')],
  ['a limit that nobody has reached', POST, 429, failed('too_many_requests')],
  ['a body that no client can read', OF_IMAGE, 503, '<html>'],
  ['a kind that nobody knows', OF_IMAGE, 500, failed('bad weather')],
  ['an image of what cannot be built', OF_IMAGE, 200, done(), TOO_BIG],
  ['an image without a package that was asked for', OF_IMAGE, 200, done([])],
  ['an image with a package that was not', OF_IMAGE, 200, done([...packagesOf(IMAGE), 'olsrd'])],
  ['an image without files', OF_IMAGE, 200, { ...done(), images: [] }],
  ['an answer without a hash', POST, 202, {}],
  ['a file that is not there', `GET /store/${HASH}/image.bin`, 404, failed('bad_request')],
])('%s is wrong', (_, asked, status, body, wish) => {
  expect(judged(asked, status, body, wish)).toMatchObject({ says: 'wrong' });
});
