/** What a server allows, with nothing forbidden that a request may ask for; feeds come from one place. */
import { OPENWRT } from '../upstream/distro.ts';
import type { RequestPolicy } from './normalize-request.ts';

export const requestPolicy = (fields: Partial<RequestPolicy> = {}): RequestPolicy => ({
  distros: [OPENWRT],
  allowDefaults: true,
  maxDefaultsBytes: 20_480,
  maxRootfsSizeMb: 1024,
  repositoryAllowList: ['https://feeds.example/'],
  defaultsKey: new Uint8Array(32).fill(1),
  ...fields,
});
