/** The routers of the month: how they, their targets and packages are called, and what each has without asking. */
import type { ProfileEntry } from '../../shared/upstream/catalogue-document.ts';
import { FEED, MONTH } from './parameters.ts';

export const TARGET_PACKAGES = ['base-files', ...Array.from({ length: 80 }, (_, n) => `kmod-module-${n}`)];
export const DEFAULTS_OF_TARGET = TARGET_PACKAGES.slice(0, 6);
/** Neither popular nor libraries: every router has them. */
const FIRST_DEFAULT = FEED.popular + FEED.libraries;
export const DEFAULTS_OF_FEEDS = Array.from({ length: 24 }, (_, n) => FIRST_DEFAULT + n);
/** Any default that comes from the feeds. */
export const defaultPlace = (random: () => number): number =>
  DEFAULTS_OF_FEEDS[Math.floor(random() * DEFAULTS_OF_FEEDS.length)] as number;

export const isDefault = (place: number): boolean =>
  place >= FIRST_DEFAULT && place < FIRST_DEFAULT + DEFAULTS_OF_FEEDS.length;

const PACKAGE_NAMES = Array.from({ length: FEED.packages }, (_, place) => `package-${String(place).padStart(4, '0')}`);
export const packageName = (place: number): string => PACKAGE_NAMES[place] ?? '';
export const profileId = (profile: number): string => `vendor-${profile % 40}_router-${profile}`;
export const boardName = (profile: number): string => `vendor-${profile % 40},router-${profile}`;
export const targetOf = (profile: number): number => profile % MONTH.targets;
export const targetName = (target: number): string => `family${target % 10}/sub${target}`;
export const archOf = (target: number): number => target % MONTH.architectures;

export const deviceModules = (profile: number): readonly string[] => [
  `kmod-module-${10 + (profile % 60)}`,
  `kmod-module-${10 + ((profile * 7 + 1) % 60)}`,
];
export const devicePackage = (profile: number): number => FEED.popular + FEED.libraries + 100 + (profile % 50);

/** A device's own: two kernel modules and a package of the feeds. */
export const devicePackages = (profile: number): readonly string[] => [
  ...deviceModules(profile),
  packageName(devicePackage(profile)),
];

export const defaultPackages: readonly string[] = [...DEFAULTS_OF_TARGET, ...DEFAULTS_OF_FEEDS.map(packageName)];

export function profilesOf(target: number): Record<string, ProfileEntry> {
  const ofTarget = Array.from({ length: MONTH.profiles }, (_, profile) => profile).filter(
    (profile) => targetOf(profile) === target,
  );
  return Object.fromEntries(
    ofTarget.map((profile) => [
      profileId(profile),
      {
        devicePackages: devicePackages(profile),
        supportedDevices: [boardName(profile)],
        titles: [],
        imagePrefix: profileId(profile),
      },
    ]),
  );
}
