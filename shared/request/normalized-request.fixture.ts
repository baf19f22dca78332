/** A plain request: a device of a release, with nothing changed. */
import type { NormalizedRequest } from './normalize-request.ts';

export const normalizedRequest = (fields: Partial<NormalizedRequest> = {}): NormalizedRequest => ({
  distro: 'openwrt',
  version: '24.10.2',
  target: 'x86/64',
  profile: 'generic',
  addPackages: [],
  removePackages: [],
  rootfsSizeMb: null,
  filesystem: null,
  repositories: [],
  repositoriesMode: 'append',
  repositoryKeys: [],
  defaultsMac: '',
  ...fields,
});
