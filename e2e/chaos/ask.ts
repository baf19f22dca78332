/** One request by one client: what each of them sends, and how each polls, as its program does (e2e/clients). */
import { PROFILE, TARGET, VERSION } from '../cheap-builds.ts';
import { Auc } from '../clients/auc.ts';
import { FirmwareSelector } from '../clients/firmware-selector.ts';
import type { JsonObject } from '../clients/json-field.ts';
import { Luci } from '../clients/luci.ts';
import { Owut } from '../clients/owut.ts';
import type { RouterState } from '../clients/router-state.ts';
import type { Catalogue } from './catalogue.ts';
import { type ClientName, packagesOf, scriptOf, type Wish } from './wishes.ts';

/** As often as they ask in truth. */
const ROUTERS_POLL_MS = 2_000;
const BROWSERS_POLL_MS = 5_000;
/** LuCI's user waits as long as its page does. */
const FOR_EVER = Number.MAX_SAFE_INTEGER;

/** Until the image is there. @throws ClientFailure with what the client tells its user */
export const ASK: Readonly<
  Record<ClientName, (serverUrl: string, wish: Wish, catalogue: Catalogue) => Promise<unknown>>
> = {
  owut: (serverUrl, wish, catalogue) =>
    new Owut(serverUrl, router(catalogue), { pollMs: ROUTERS_POLL_MS }).request(bodyOf('owut', wish, catalogue)),
  auc: (serverUrl, wish, catalogue) =>
    new Auc(serverUrl, router(catalogue), { pollMs: ROUTERS_POLL_MS }).request({
      ...bodyOf('auc', wish, catalogue),
      version: VERSION,
    }),
  luci: (serverUrl, wish, catalogue) =>
    new Luci(serverUrl, router(catalogue), { pollMs: BROWSERS_POLL_MS, maxIgnored: FOR_EVER }).request(
      bodyOf('luci', wish, catalogue),
    ),
  'firmware-selector': async (serverUrl, wish, catalogue) => {
    const page = new FirmwareSelector({ asuUrl: serverUrl, imageUrl: serverUrl, pollMs: BROWSERS_POLL_MS });
    const { images } = await page.request(bodyOf('firmware-selector', wish, catalogue));
    const [image] = images;
    return image && page.download(image);
  },
};

const ofAll = { target: TARGET, profile: PROFILE, version: VERSION, diff_packages: true } as const;

/** All of them send the whole list of packages. */
export function bodyOf(client: ClientName, wish: Wish, { revision, ownPackages, versions }: Catalogue): JsonObject {
  const packages = [...ownPackages, ...packagesOf(wish)];
  const defaults = scriptOf(wish);
  const withScript = defaults === undefined ? {} : { defaults };
  if (client === 'owut')
    return {
      ...ofAll,
      ...withScript,
      client: 'owut/2026.03.30~39ce6f6b-r1',
      version_code: revision,
      filesystem: 'squashfs',
      packages,
    };
  if (client === 'auc') {
    const known = packages.flatMap((name) => (versions[name] === undefined ? [] : [[name, versions[name]]]));
    // auc names nothing that is not in the lists, unless its user insists.
    const unknown = packages.filter((name) => name.startsWith('demo-') && versions[name] === undefined);
    const insisted = unknown.map((name) => [name, '1.0-r1']);
    return {
      ...ofAll,
      ...withScript,
      version_code: revision,
      packages_versions: Object.fromEntries([...known, ...insisted]),
    };
  }
  if (client === 'luci')
    return {
      ...ofAll,
      client: 'luci/25.103.44783~1d0c6b1',
      packages: packages.toSorted(),
      filesystem: 'squashfs',
      rootfs_size_mb: null,
    };
  return {
    ...ofAll,
    packages,
    defaults: defaults ?? '',
    version_code: revision,
    client: 'ofs/5.0.3',
    repositories: {},
    repository_keys: [],
    repositories_mode: '',
  };
}

const router = ({ revision }: Catalogue): RouterState => ({
  boardName: PROFILE,
  target: TARGET,
  version: VERSION,
  revision,
  rootfsType: 'squashfs',
  installed: {},
  topLevel: [],
});
