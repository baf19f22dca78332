/** Requests of the demo distribution that cost a node as little as may be, and are told from one another. */

export const VERSION = '24.10.2';
export const TARGET = 'demo/generic';
/** The device with one image, which is the cheapest build there is, and little flash. */
export const PROFILE = '3oaks_pocket2';

/** Present or absent, they tell one request from another. None draws in another, and each leaves a file of its name. */
export const PACKAGES = [
  'babeld',
  'baresip',
  'collectd',
  'curl',
  'olsrd',
  'rtpengine',
  'terminfo',
  'wireguard-tools',
] as const;

/** `bits`: which of them, 0 to 255. */
export const packagesOf = (bits: number): readonly string[] => PACKAGES.filter((_, bit) => bits & (1 << bit));
