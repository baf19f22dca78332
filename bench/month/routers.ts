/**
 * Who asks, for what, and in which words. The same wish arrives in many spellings, because clients differ: owut, auc, LuCI
 * and firmware-selector were read for what each of them sends. A router spells the same way all month.
 */
import { seeded, shuffled, zipfRanks } from '../random.ts';
import {
  boardName,
  defaultPackages,
  defaultPlace,
  devicePackage,
  devicePackages,
  isDefault,
  packageName,
  profileId,
  targetName,
  targetOf,
} from './devices.ts';
import { DAY, FEED, MONTH, TRACKS, type Track } from './parameters.ts';

interface Client {
  readonly name: string;
  /** Of the routers. */
  readonly share: number;
  /** Versions of the client itself, all in use; 0: it does not say. */
  readonly versions: number;
  readonly profile: 'board name' | 'id';
  /** `typed`: defaults and device packages first, as the page fills them in, then the rest in the user's own order. */
  readonly packages: 'all, sorted' | 'all, in its own order' | 'all, typed' | 'additions, with duplicates';
  readonly saysFilesystem: boolean;
  readonly saysRevision: boolean;
  readonly saysPackageVersions: boolean;
  readonly more: Readonly<Record<string, unknown>>;
}

const sorted = { profile: 'id', packages: 'all, sorted', saysFilesystem: true, saysRevision: true } as const;

export const CLIENTS: readonly Client[] = [
  {
    ...{ name: 'luci', share: 0.35, versions: 4, profile: 'board name', packages: 'all, sorted' },
    ...{ saysFilesystem: true, saysRevision: false, saysPackageVersions: false, more: { diff_packages: true } },
  },
  { name: 'owut', share: 0.2, versions: 4, ...sorted, saysPackageVersions: false, more: { diff_packages: true } },
  { name: 'owut', share: 0.1, versions: 2, ...sorted, saysPackageVersions: true, more: { diff_packages: true } },
  {
    ...{ name: 'auc', share: 0.15, versions: 0, profile: 'id', packages: 'all, in its own order' },
    ...{ saysFilesystem: false, saysRevision: true, saysPackageVersions: false, more: { diff_packages: true } },
  },
  {
    ...{ name: 'ofs', share: 0.15, versions: 2, profile: 'id', packages: 'all, typed' },
    ...{ saysFilesystem: false, saysRevision: true, saysPackageVersions: false },
    more: { diff_packages: true, defaults: '', repositories: {}, repository_keys: [] },
  },
  {
    ...{ name: 'script', share: 0.05, versions: 0, profile: 'id', packages: 'additions, with duplicates' },
    ...{ saysFilesystem: false, saysRevision: false, saysPackageVersions: false, more: { distro: 'openwrt' } },
  },
];

interface Choice {
  readonly places: readonly number[];
  /** A default package that is left out; place in the feeds, none of the device's. */
  readonly without: number | null;
  readonly rootfsSizeMb: number | null;
}

interface Selection extends Choice {
  readonly wanted: string;
}

export interface Router {
  readonly number: number;
  readonly profile: number;
  readonly selection: number;
  readonly track: Track;
  readonly client: Client;
  /** In `client`. */
  readonly clientText: string | null;
}

export class Routers {
  readonly #selections: readonly Selection[];
  readonly #profileOf: readonly number[];
  readonly #selectionOf: readonly number[];
  readonly #trackOf: readonly Track[];
  readonly #clientOf: readonly Client[];

  constructor(random: () => number) {
    const ranks = zipfRanks(FEED.packages, MONTH.selections * MONTH.maxSelected, random);
    this.#selections = Array.from({ length: MONTH.selections }, (_, number) => {
      const count = Math.min(number, Math.floor(random() ** 2 * (MONTH.maxSelected + 1)));
      const from = number * MONTH.maxSelected;
      const without = random() < MONTH.withoutADefault ? defaultPlace(random) : null;
      const choice = {
        places: [...new Set(ranks.slice(from, from + count))].filter((place) => place !== without),
        without,
        rootfsSizeMb: random() < MONTH.withASize ? 128 << Math.floor(random() * 3) : null,
      };
      return { ...choice, wanted: wantedBy(choice) };
    });
    this.#profileOf = zipfRanks(MONTH.profiles, MONTH.routers, random);
    this.#selectionOf = zipfRanks(MONTH.selections, MONTH.routers, random);
    this.#trackOf = Array.from({ length: MONTH.routers }, () => byShare(TRACKS, random));
    this.#clientOf = Array.from({ length: MONTH.routers }, () => byShare(CLIENTS, random));
  }

  router(number: number): Router {
    const client = this.#clientOf[number] as Client;
    return {
      number,
      profile: this.#profileOf[number] ?? 0,
      selection: this.#selectionOf[number] ?? 0,
      track: this.#trackOf[number] as Track,
      client,
      clientText: client.versions === 0 ? null : `${client.name}/1.${number % client.versions}`,
    };
  }

  /** What is wanted, in one spelling: the same text where the same image would do. */
  wish(router: Router, version: string): string {
    const selection = this.selectionOf(router);
    const own = devicePackage(router.profile);
    const wanted = selection.places.includes(own)
      ? wantedBy({ ...selection, places: selection.places.filter((place) => place !== own) })
      : selection.wanted;
    return `${version} ${router.profile} ${wanted}`;
  }

  selectionOf({ selection }: Router): Selection {
    return this.#selections[selection] as Selection;
  }

  /** All that a body says but who asks and under which conditions. */
  body(router: Router, version: string): Readonly<Record<string, unknown>> & { readonly packages: readonly string[] } {
    const { client, profile } = router;
    const { rootfsSizeMb } = this.selectionOf(router);
    return {
      version,
      target: targetName(targetOf(profile)),
      profile: client.profile === 'id' ? profileId(profile) : boardName(profile),
      packages: this.#packages(router),
      ...(client.saysFilesystem && { filesystem: 'squashfs' }),
      ...(rootfsSizeMb !== null && { rootfs_size_mb: rootfsSizeMb }),
      ...client.more,
    };
  }

  /** Top-level packages, as a client would list them all. */
  #packages(router: Router): readonly string[] {
    const { places, without } = this.selectionOf(router);
    const selected = places.map(packageName);
    const installed = [...defaultPackages, ...devicePackages(router.profile)];
    const left = without === null ? installed : installed.filter((name) => name !== packageName(without));
    switch (router.client.packages) {
      case 'all, sorted':
        return [...new Set([...left, ...selected])].sort();
      case 'all, in its own order':
        return shuffled([...left, ...selected], seeded(router.number));
      case 'all, typed':
        return [...left, ...shuffled(selected, seeded(router.number))];
      case 'additions, with duplicates':
        return [
          ...shuffled([...selected.map((name) => `+${name}`), ...selected.slice(0, 2)], seeded(router.number)),
          ...(without === null ? [] : [`-${packageName(without)}`]),
        ];
    }
  }
}

/** Places of defaults are no wish. */
const wantedBy = ({ places, without, rootfsSizeMb }: Choice): string =>
  `${places
    .filter((place) => !isDefault(place))
    .sort((a, b) => a - b)
    .join(' ')}, ${without}, ${rootfsSizeMb}`;

export function versionAt(track: Track, at: number): string {
  const version = track.versions.findLast(({ fromDay }) => fromDay * DAY <= at)?.version;
  if (version === undefined) throw new Error(`expected a version of ${track.name} from the first day on`);
  return version;
}

function byShare<Row extends { readonly share: number }>(rows: readonly Row[], random: () => number): Row {
  let left = random() * rows.reduce((sum, { share }) => sum + share, 0);
  for (const row of rows) {
    left -= row.share;
    if (left < 0) return row;
  }
  return rows[0] as Row;
}
