/**
 * Bodies: a good build request with one field or two that are nearly right, written as JSON that is nearly JSON, in
 * framings that a client may choose. `defaults` holds a secret now and then, which must come back in no answer.
 */
import fc, { type Arbitrary } from 'fast-check';
import { FIELDS } from '../../edge/builds/wish.ts';
import type { Known } from './arbitrary-request.ts';
import { ODD_VALUES, valuesFor } from './near-misses.ts';
import { type Body, utf8 } from './raw-request.ts';

const OF_OLD_API = ['board', 'model', 'subtarget', 'request_hash', 'installed', 'upgrade_packages', 'revision'];

type Fields = Readonly<Record<string, unknown>>;

function goodFields(known: Known): Arbitrary<Fields> {
  const any = fc.record(
    {
      version: fc.constantFrom(...known.versions),
      target: fc.constantFrom(...known.targets),
      profile: fc.constantFrom(...known.profiles),
      packages: fc.subarray([...known.packages].slice(0, 6)),
      client: fc.constantFrom('owut/1', 'luci/2', 'fuzz/3'),
      diff_packages: fc.constantFrom(true, false),
    },
    { requiredKeys: ['version', 'target', 'profile'] },
  );
  const fields = fc.oneof({ weight: 3, arbitrary: fc.constant<Fields>(known.built) }, { weight: 1, arbitrary: any });
  // A body of the API of today and of the old one at once: each ignores what the other has more.
  return fields.map((good) => ({ distro: 'openwrt', board: good.profile, ...good }));
}

/** Any of the schema's fields, with a value that its grammar has to look at twice. */
const bentField: Arbitrary<Fields> = fc
  .constantFrom(...FIELDS, ...OF_OLD_API, 'client', 'unknown_field', '__proto__', 'constructor')
  .chain((name) =>
    fc
      .oneof(
        { weight: 5, arbitrary: fc.constantFrom(...valuesFor(name)) },
        { weight: 1, arbitrary: fc.constantFrom(...ODD_VALUES) },
        { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
      )
      // As an own field even under the name `__proto__`.
      .map((value) => JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`) as Fields),
  );

/** JSON in writings that JSON.stringify does not have. */
const REWRITINGS: readonly ((json: string) => string)[] = [
  (json) => json.slice(0, -1),
  (json) => json.slice(0, Math.floor(json.length / 2)),
  (json) => `${json}}`,
  (json) => `${json}${json}`,
  (json) => `\ufeff${json}`,
  (json) => ` \t\r\n${json}\n`,
  (json) => `/**/${json}`,
  (json) => json.replaceAll('"', "'"),
  (json) => json.replace('{', '{"version":"24.10.2","version":"25.12.1",'),
  (json) => json.replace('{', '{"__proto__":{"version":"24.10.2","profile":"generic"},'),
  (json) => json.replace('{', '{"constructor":{"prototype":{"distro":"x"}},'),
  (json) => json.replace('{', '{"rootfs_size_mb":1e400,'),
  (json) => json.replace('{', '{"rootfs_size_mb":-1e400,"diff_packages":1E-400,'),
  (json) => json.replace('{', '{"rootfs_size_mb":00256,'),
  (json) => json.replace('{', '{"client":"\\ud800",'),
  (json) => json.replace('{', '{"client":"\\udc00\\ud800",'),
  (json) => json.replace('{', '{"packages":["\\u0000"],'),
  (json) => json.replace('{', '{"\\u0000":1,'),
  (json) => json.replace('{', '{"client":"\u0000",'),
  (json) => json.replace('{', '{"x":NaN,'),
  (json) => json.replace('{', '{"x":Infinity,'),
  (json) => json.replaceAll(':', ' :\u2028 '),
  (json) => encodeURIComponent(json),
  (json) => `request=${json}`,
  (json) => `[${json}]`,
  (json) => JSON.stringify(json),
  (json) => Buffer.from(json, 'utf16le').toString('latin1'),
];

const HUGE: readonly string[] = [
  '['.repeat(50_000),
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
  JSON.stringify({
    version: '24.10.2',
    target: 'demo/generic',
    profile: 'generic',
    packages: Array(20_000).fill('luci'),
  }),
  JSON.stringify({ packages: Array.from({ length: 5_000 }, (_, n) => `no such package ${n}`) }),
  JSON.stringify({ packages_versions: Object.fromEntries(Array.from({ length: 9_000 }, (_, n) => [`p${n}`, '1'])) }),
  JSON.stringify({ version: 'a'.repeat(200_000) }),
  `{"x":${'9'.repeat(200_000)}}`,
  `{"x":"${'\\u0041'.repeat(40_000)}"}`,
  ' '.repeat(256 * 1024),
  ' '.repeat(256 * 1024 + 1),
  'x'.repeat(400_000),
];

const garbage = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 60 }),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.json({ maxDepth: 4 }).map(utf8),
  fc.constantFrom('', 'null', 'true', '0', '""', '[]', '{}', '\xff\xfe', '\xc3\x28', '\xed\xa0\x80', '\xef\xbf\xbd'),
);

function bodyText(known: Known): Arbitrary<string> {
  const bent = fc
    .tuple(goodFields(known), fc.array(bentField, { minLength: 0, maxLength: 2 }))
    .map(([good, bends]) => ({ ...good, ...bends[0], ...bends[1] }))
    .map((fields) => JSON.stringify(fields));
  return fc.oneof(
    { weight: 60, arbitrary: bent.map(utf8) },
    {
      weight: 20,
      arbitrary: fc.tuple(bent, fc.constantFrom(...REWRITINGS)).map(([json, rewrite]) => utf8(rewrite(json))),
    },
    { weight: 10, arbitrary: garbage },
    { weight: 1, arbitrary: fc.constantFrom(...HUGE) },
  );
}

export function arbitraryBody(known: Known): Arbitrary<Body> {
  const text = bodyText(known);
  return fc.oneof(
    { weight: 12, arbitrary: text.map((text): Body => ({ kind: 'length', text })) },
    {
      weight: 6,
      arbitrary: fc
        .tuple(text, fc.integer({ min: 1, max: 5_000 }))
        .map(([text, size]): Body => ({ kind: 'chunked', chunks: inPieces(text, size) })),
    },
    { weight: 1, arbitrary: fc.constant<Body>({ kind: 'none' }) },
    {
      weight: 1,
      arbitrary: text.map((text): Body => ({ kind: 'cut off', text: text.slice(0, 5_000), announcedBytes: 5_001 })),
    },
    {
      weight: 1,
      arbitrary: text.map((text): Body => ({ kind: 'surplus', text, announcedBytes: text.length >> 1 })),
    },
  );
}

/** At most a hundred: a chunk for each byte of a long body tries nothing more. */
function inPieces(text: string, size: number): string[] {
  const step = Math.max(size, Math.ceil(text.length / 100));
  return Array.from({ length: Math.ceil(text.length / step) }, (_, n) => text.slice(n * step, (n + 1) * step));
}
