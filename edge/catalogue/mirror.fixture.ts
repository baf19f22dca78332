/**
 * A mirror for the catalogue's tests: files in memory behind a `fetch` that answers as nginx does (ETag, 304, 404), a release
 * published and signed the way upstream does it, and weather, which is what the tests are about.
 */
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { signUsign, type UsignKeyPair, usignKeyFromSeed } from '../../shared/crypto/usign.ts';

export interface Publication {
  readonly version: string;
  readonly target: string;
  readonly arch: string;
  readonly revision?: string;
  readonly packages?: Readonly<Record<string, string>>;
  readonly kmods?: Readonly<Record<string, string>>;
  /** Changes profiles.json before it is listed and signed. */
  readonly profiles?: Readonly<Record<string, unknown>>;
  readonly era?: Era;
}

/** In the opkg era `Packages` lies beside each `index.json` and tells what packages provide. */
export type Era = 'opkg' | 'apk';

/** `Packages`, with the other lines of a stanza where there are any: `Provides: …`, `ABIVersion: …`. */
export const packagesText = (
  packages: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>> = {},
): string =>
  Object.entries(packages)
    .map(([name, version]) => `Package: ${name}\nVersion: ${version}\n${more[name] ? `${more[name]}\n` : ''}`)
    .join('\n');

export interface Mirror {
  readonly url: string;
  readonly key: UsignKeyPair;
  /** Path without a leading slash → text. */
  readonly files: Map<string, string>;
  /** Path, or `*` for all → what happens instead of an answer. */
  readonly weather: Map<string, (path: string) => Response | Promise<Response>>;
  /** Every request, as `<path>` or `<path> if-none-match`. */
  readonly requests: string[];
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  publishTarget(publication: Publication): Promise<void>;
  publishArch(
    version: string,
    arch: string,
    feeds: Readonly<Record<string, Readonly<Record<string, string>>>>,
    era?: Era,
  ): void;
  publishVersions(versions: Readonly<Record<string, Readonly<Record<string, string>>>>): void;
  /** Signs what `sha256sums` is now. */
  sign(directory: string, key?: UsignKeyPair): Promise<void>;
}

const KERNEL = { version: '6.6.93', release: '1', vermagic: 'bd9d9154a1742ed614ebf04a97aa40af' };
export const KMODS = `kmods/${KERNEL.version}-${KERNEL.release}-${KERNEL.vermagic}`;

export const directoryOf = (version: string): string => (version === 'SNAPSHOT' ? 'snapshots' : `releases/${version}`);

const index = (packages: Readonly<Record<string, string>>): string =>
  JSON.stringify({ version: 2, architecture: 'x86_64', packages });

let mirrors = 0;

export async function openMirror(): Promise<Mirror> {
  // Each is a mirror of its own: documents in KV are kept apart by its URL.
  const url = `https://mirror-${++mirrors}.example`;
  const key = await usignKeyFromSeed(new Uint8Array(32).fill(7));
  const files = new Map<string, string>();
  const weather: Mirror['weather'] = new Map();
  const requests: string[] = [];

  const fetch: Mirror['fetch'] = async (address, init) => {
    const path = address.slice(url.length + 1);
    const ifNoneMatch = new Headers(init.headers).get('If-None-Match');
    requests.push(ifNoneMatch === null ? path : `${path} if-none-match`);
    const storm = weather.get(path) ?? weather.get('*');
    if (storm) return storm(path);
    const text = files.get(path);
    if (text === undefined) return new Response('<h1>404 Not Found</h1>', { status: 404 });
    const etag = `"${sha256Hex(text)}"`;
    return etag === ifNoneMatch
      ? new Response(null, { status: 304, headers: { ETag: etag } })
      : new Response(text, { headers: { ETag: etag } });
  };

  const sign: Mirror['sign'] = async (directory, signer = key) => {
    const sums = files.get(`${directory}/sha256sums`) ?? '';
    files.set(`${directory}/sha256sums.sig`, await signUsign(new TextEncoder().encode(sums), signer));
  };

  /** All devices of a version, as upstream lists them beside its targets. */
  const addToOverview = (version: string, target: string, profiles: Record<string, { titles?: unknown }>): void => {
    const path = `${directoryOf(version)}/.overview.json`;
    const before = JSON.parse(files.get(path) ?? '{"profiles":[]}').profiles as { target: string }[];
    const own = Object.entries(profiles).map(([id, { titles }]) => ({ id, target, titles }));
    const others = before.filter((profile) => profile.target !== target);
    files.set(path, JSON.stringify({ release: version, profiles: [...others, ...own] }));
  };

  return {
    url,
    key,
    files,
    weather,
    requests,
    fetch,
    sign,
    async publishTarget({ version, target, arch, revision = 'r28427-6df0e3d02a', profiles, era = 'apk', ...feeds }) {
      const directory = `${directoryOf(version)}/targets/${target}`;
      const { packages = { 'base-files': '1', dnsmasq: '2.90' }, kmods } = feeds;
      const own: Record<string, string> = {
        'version.buildinfo': `${revision}\n`,
        'profiles.json': JSON.stringify({
          metadata_version: 1,
          target,
          version_number: version,
          version_code: revision,
          arch_packages: arch,
          default_packages: ['base-files', 'dnsmasq'],
          ...(kmods && { linux_kernel: KERNEL }),
          profiles: {
            generic: { device_packages: ['kmod-e1000'], supported_devices: [], titles: [], image_prefix: 'p' },
          },
          ...profiles,
        }),
        'packages/index.json': index(packages),
        ...(kmods && { [`${KMODS}/index.json`]: index(kmods) }),
        ...(era === 'opkg' && { 'packages/Packages': packagesText(packages) }),
        ...(era === 'opkg' && kmods && { [`${KMODS}/Packages`]: packagesText(kmods) }),
      };
      const sums = Object.entries(own).map(([name, text]) => `${sha256Hex(text)} *${name}\n`);
      const slug = target.replace('/', '-');
      addToOverview(version, target, JSON.parse(own['profiles.json'] ?? '').profiles);
      sums.push(`${sha256Hex(revision)} *openwrt-imagebuilder-${version}-${slug}.Linux-x86_64.tar.zst\n`);
      for (const [name, text] of Object.entries(own)) files.set(`${directory}/${name}`, text);
      files.set(`${directory}/sha256sums`, sums.join(''));
      await sign(directory);
    },
    publishArch(version, arch, feeds, era = 'apk') {
      const directory = `${directoryOf(version)}/packages/${arch}`;
      const names = Object.keys(feeds).filter((name) => name !== 'base');
      files.set(
        `${directory}/feeds.conf`,
        names.map((name) => `src-git ${name} https://git.example/${name}\n`).join(''),
      );
      for (const [name, packages] of Object.entries(feeds)) {
        files.set(`${directory}/${name}/index.json`, index(packages));
        if (era === 'opkg') files.set(`${directory}/${name}/Packages`, packagesText(packages));
      }
    },
    publishVersions(versions) {
      const releases = Object.keys(versions).filter((version) => !version.endsWith('SNAPSHOT'));
      files.set(
        '.versions.json',
        JSON.stringify({
          stable_version: releases[0],
          oldstable_version: '',
          upcoming_version: '',
          versions_list: releases,
        }),
      );
      for (const [version, targets] of Object.entries(versions))
        files.set(`${directoryOf(version)}/.targets.json`, JSON.stringify(targets));
    },
  };
}

/** A mirror with one release of one target, all in order. */
export async function openGoodMirror(): Promise<Mirror> {
  const mirror = await openMirror();
  mirror.publishVersions({ '24.10.2': { 'x86/64': 'x86_64' } });
  await mirror.publishTarget({
    version: '24.10.2',
    target: 'x86/64',
    arch: 'x86_64',
    kmods: { 'kmod-e1000': '6.6.93-r1' },
  });
  mirror.publishArch('24.10.2', 'x86_64', { base: { curl: '8.1-r1' }, luci: { 'luci-base': '25.1' } });
  return mirror;
}
