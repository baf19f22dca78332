/** From the bytes that clients send to identity: whatever spelling, one wish is one hash, and two wishes are two. */
import { describe, it } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { findBranch, OPENWRT_BRANCHES } from '../upstream/branch.ts';
import { targetDocument } from '../upstream/upstream.fixture.ts';
import { parseBuildRequest } from './build-request.ts';
import { intentHash } from './intent.ts';
import { type NormalizedRequest, normalizeRequest } from './normalize-request.ts';
import { requestPolicy } from './request-policy.fixture.ts';

const policy = requestPolicy();
const target = targetDocument();

/** Null where the request is refused. */
function normalized(body: unknown): NormalizedRequest | null {
  // Through JSON, as over the wire.
  const parsed = parseBuildRequest(JSON.parse(JSON.stringify(body)));
  if (!parsed.ok) return null;
  const branch = findBranch(OPENWRT_BRANCHES, parsed.request.version);
  if (!branch) return null;
  try {
    return normalizeRequest(parsed.request, branch, target, policy);
  } catch {
    return null;
  }
}

interface Device {
  readonly names: readonly string[];
  readonly defaults: readonly string[];
}

const DEVICES = {
  'tplink_archer-c7-v4': {
    names: ['tplink_archer-c7-v4', 'tplink,archer-c7-v4', 'archer-c7-v4'],
    defaults: ['base-files', 'dnsmasq', 'ppp', 'kmod-ath10k-ct'],
  },
  'glinet_gl-ar150': {
    names: ['glinet_gl-ar150', 'glinet,gl-ar150', 'gl-ar150'],
    defaults: ['base-files', 'dnsmasq', 'ppp'],
  },
} satisfies Record<string, Device>;

/** What somebody wants, in the one spelling that a test can compare. */
interface Want {
  readonly device: keyof typeof DEVICES;
  readonly more: string[];
  /** Defaults that are not wanted. */
  readonly less: string[];
  readonly rootfsSizeMb: number | null;
  readonly filesystem: string | null;
  readonly defaults: string;
}

const want: fc.Arbitrary<Want> = fc.constantFrom(...(Object.keys(DEVICES) as Want['device'][])).chain((device) =>
  fc.record<Want>({
    device: fc.constant(device),
    more: fc.subarray(['vim', 'luci', 'nano', 'curl', 'constructor', 'wireguard-tools', 'g++', '10']),
    less: fc.subarray<string>([...DEVICES[device].defaults]),
    rootfsSizeMb: fc.constantFrom(null, 256, 1024),
    filesystem: fc.constantFrom(null, 'squashfs', 'ext4'),
    defaults: fc.constantFrom('', '', 'echo 1'),
  }),
);

interface Words {
  readonly words: string[];
  readonly diff_packages: boolean;
}

/** One of the ways in which clients write it. */
const spelled = ({ device, more, less, rootfsSizeMb, filesystem, defaults }: Want): fc.Arbitrary<object> => {
  const { names, defaults: installed } = DEVICES[device];
  const kept: string[] = installed.filter((name) => !less.includes(name));
  const additional = fc.tuple(fc.subarray(kept), fc.subarray(['no-such', 'other'])).map(([named, absent]) => ({
    // Defaults may be named again, and what is not there may be removed.
    words: [...more, ...named, ...[...less, ...absent].map((name) => `-${name}`)],
    diff_packages: false,
  }));
  // An empty list counts as absent, so "nothing at all" has no absolute spelling.
  const absolute = fc.constant<Words>({ words: [...more, ...kept], diff_packages: true });
  const lists: fc.Arbitrary<Words> = more.length + kept.length > 0 ? fc.oneof(additional, absolute) : additional;
  return lists.chain(({ words, diff_packages }) =>
    fc.record(
      {
        version: fc.constant('24.10.2'),
        target: fc.constant('ath79/generic'),
        profile: fc.constantFrom(...names),
        packages: fc
          .tuple(fc.shuffledSubarray(words, { minLength: words.length }), fc.subarray(words))
          .chain(([all, again]) =>
            fc.tuple(
              ...[...all, ...again].map((word) => fc.constantFrom(word, word.startsWith('-') ? word : `+${word}`)),
            ),
          ),
        diff_packages: fc.constant(diff_packages),
        rootfs_size_mb: fc.constantFrom(rootfsSizeMb, rootfsSizeMb === null ? null : String(rootfsSizeMb)),
        filesystem: fc.constant(filesystem),
        defaults: fc.constant(defaults),
        client: fc.option(fc.string({ maxLength: 20 }).filter((name) => name.isWellFormed())),
        version_code: fc.constantFrom('', 'r28427-6df0e3d02a'),
        // Beside a list they are conditions; without one their names are the list.
        packages_versions: fc.constantFrom({}, words.length > 0 ? { vim: '9.1' } : {}),
        repositories: fc.constant({}),
        repositories_mode: fc.constantFrom('append', 'replace'),
        unheard_of: fc.anything({ maxDepth: 1 }).filter((value) => JSON.stringify(value) !== undefined),
      },
      {
        requiredKeys: [
          'version',
          'target',
          'profile',
          'packages',
          'diff_packages',
          'rootfs_size_mb',
          'filesystem',
          'defaults',
        ],
      },
    ),
  );
};

const hashOf = (body: object): string => {
  const request = normalized(body);
  if (!request) throw new Error(`expected a good request: ${JSON.stringify(body)}`);
  return intentHash('1', request);
};

// Patience for machines that do other things too; it takes some seconds.
describe('of all that a client may ask', { timeout: 120_000 }, () => {
  it('one wish is one hash: order, duplicates, plus signs, aliases, defaults named or not, both spellings', () => {
    fc.assert(
      fc.property(
        want.chain((one) => fc.tuple(spelled(one), spelled(one))),
        ([a, b]) => hashOf(a) === hashOf(b),
      ),
      { numRuns: 1000 },
    );
  });

  it('two wishes are two hashes', () => {
    const key = (one: Want) => JSON.stringify({ ...one, more: [...one.more].sort(), less: [...one.less].sort() });
    fc.assert(
      fc.property(
        fc
          .tuple(want, want)
          .filter(([a, b]) => key(a) !== key(b))
          .chain(([a, b]) => fc.tuple(spelled(a), spelled(b))),
        ([a, b]) => hashOf(a) !== hashOf(b),
      ),
      { numRuns: 1000 },
    );
  });

  it('nothing that reaches the ImageBuilder has a byte in it that make or a shell expands', () => {
    const hostile = fc.oneof(
      fc.constantFrom(
        '$(id)',
        '`id`',
        'a;b',
        'a b',
        '\n',
        '%',
        '$$',
        '#',
        '\\',
        '*',
        '~',
        '{a,b}',
        "'",
        '"',
        '..',
        '|',
        '&',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    );
    /** Mostly as it should be, so that much is accepted; sometimes hostile, or hostile behind something good. */
    const near = (good: readonly string[]) =>
      fc.oneof(
        { weight: 14, arbitrary: fc.constantFrom(...good) },
        { weight: 1, arbitrary: hostile },
        { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...good), hostile).map((parts) => parts.join('')) },
      );
    const wild = fc.record(
      {
        version: fc.constant('24.10.2'),
        target: fc.constant('ath79/generic'),
        profile: near(['gl-ar150', 'tplink,archer-c7-v4']),
        packages: fc.array(near(['vim', 'luci', '-ppp', '+nano', 'g++']), { maxLength: 4 }),
        filesystem: near(['ext4', 'squashfs']),
        rootfs_size_mb: near(['256', '1024']),
        repositories: fc.dictionary(near(['mine', 'my.feed']), near(['https://feeds.example/x/']), { maxKeys: 1 }),
      },
      { requiredKeys: ['version', 'target', 'profile', 'packages'] },
    );
    let accepted = 0;
    fc.assert(
      fc.property(wild, (body) => {
        const request = normalized(body);
        if (!request) return true;
        accepted++;
        const words = [
          request.profile,
          ...request.addPackages,
          ...request.removePackages,
          request.filesystem ?? '',
          String(request.rootfsSizeMb ?? 0),
          ...request.repositories.flatMap((line) => line.split(' ', 1)),
        ];
        return words.every((word) => /^[A-Za-z0-9_.+-]*$/.test(word));
      }),
      { numRuns: 3000 },
    );
    if (accepted < 300) throw new Error(`expected the property to see accepted requests, got ${accepted}`);
  });
});
