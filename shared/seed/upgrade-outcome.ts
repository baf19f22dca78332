/**
 * What a router that asks for something newer is answered, once it is known what there is for it. Clients read an answer without
 * `version` as "the same version"; what they cannot install must not be in `packages`, and what nobody knows is told by name
 * before a build fails for it.
 */
import { isPart } from './base-packages.ts';
import { type CarriedOver, type CarriedPackage, hasPackage, type VersionIndex } from './carry-over.ts';
import type { SteadyPackages } from './steady-packages.ts';
import type { UpgradeCheck } from './upgrade-check-fields.ts';

/** The version that a router is to have: a newer one, or its own. */
export interface Offer extends VersionIndex {
  readonly version: string;
  readonly isNewer: boolean;
  /** The distribution brings feeds of its own, which may have any package. */
  readonly hasOtherFeeds: boolean;
}

export type Upgrade = CarriedPackage & { readonly offered: string };

/** As `upgradeJson` writes it. */
export interface UpgradeAnswer {
  /** Null for the one that is installed. */
  readonly version: string | null;
  /** Null where none were told. */
  readonly comparison: PackageComparison | null;
}

export interface PackageComparison {
  /** Beside `packages` and `upgrades`. */
  readonly steady: SteadyPackages;
  readonly packages: readonly string[];
  /** Each of `packages`. */
  readonly upgrades: readonly Upgrade[];
  /** Sorted. */
  readonly dropped: readonly string[];
}

export type UpgradeOutcome =
  | { readonly state: 'nothing to do' }
  | { readonly state: 'upgrade'; readonly answer: UpgradeAnswer }
  /** Sorted; never empty. */
  | { readonly state: 'unknown packages'; readonly names: readonly string[] };

/** Whether packages matter at all: otherwise the answer is known without them. */
export const comparesPackages = ({ installed, wantsUpgrades }: UpgradeCheck, newer: object | null): boolean =>
  installed !== null && (newer !== null || wantsUpgrades);

/** Of a check that compares none. @param newer the version that is offered, where there is one */
export const outcomeWithoutPackages = (newer: { readonly version: string } | null): UpgradeOutcome =>
  newer ? { state: 'upgrade', answer: { version: newer.version, comparison: null } } : { state: 'nothing to do' };

/**
 * @param carried of what the router has installed, for this offer
 * @param before the packages of the version that is installed; null where upstream does not list it any more
 */
export function upgradeOutcome(offer: Offer, carried: CarriedOver, before: VersionIndex | null): UpgradeOutcome {
  const isUpstreams = (name: string): boolean => (before ? hasPackage(before, name) : isPart(name));
  const dropped = [...carried.gone, ...carried.unsettled.filter(isUpstreams)].sort();
  const others = carried.unsettled.filter((name) => !isUpstreams(name)).sort();
  if (others.length > 0 && !offer.hasOtherFeeds) return { state: 'unknown packages', names: others };
  const upgrades = carried.packages.filter(isUpgrade);
  if (!offer.isNewer && upgrades.length === 0 && carried.steady.upgradesLength === 0) return { state: 'nothing to do' };
  const packages = [...carried.packages.map(({ name }) => name), ...others];
  return {
    state: 'upgrade',
    answer: {
      version: offer.isNewer ? offer.version : null,
      comparison: { steady: carried.steady, packages, upgrades, dropped },
    },
  };
}

const isUpgrade = (carried: CarriedPackage): carried is Upgrade =>
  carried.offered !== undefined && carried.offered !== carried.installed;
