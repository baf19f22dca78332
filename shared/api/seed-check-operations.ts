/** How routers of 2018 and 2019 ask whether there is something newer. */
import type { Operation } from './operation.ts';

const EXAMPLES = {
  joined: {
    distro: 'OpenWrt',
    version: '18.06.2',
    target: 'ath79/generic',
    revision: 'r7676-cddd7b4c77',
    installed: { luci: 'git-19.020.41695-6f6641d-1', vim: '8.1-2' },
    upgrade_packages: 1,
  },
  split: {
    distro: 'LEDE',
    version: '17.01.4',
    target: 'ath79',
    subtarget: 'generic',
    packages: { openvpn: '2.4.4-1', polarssl: '1.3.21-1' },
  },
};

export const SEED_CHECK_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    paths: ['/api/upgrade-check'],
    id: 'checkUpgradeBySeed',
    tag: 'seed',
    summary: 'Ask for something newer, as in 2018',
    text: 'Answered from the catalogue alone; nothing is built. Unknown fields are ignored, and so is the media type.',
    body: { shape: 'SeedUpgradeCheck', examples: EXAMPLES },
    answers: {
      200: { text: 'There is a newer version, or newer packages.', shapes: ['SeedUpgrade'] },
      204: { text: 'There is nothing to do.' },
      400: { text: 'No check, or one with a field outside its grammar.', shapes: ['SeedProblem'] },
      412: { text: 'No such distribution, version or target.', shapes: ['SeedProblem'] },
      413: { text: 'The body is too large.', shapes: ['SeedProblem'] },
      422: { text: 'Packages that nobody knows.', shapes: ['SeedProblem'], headers: ['X-Unknown-Package'] },
      503: {
        text: 'Upstream cannot be told now; no fault of yours.',
        shapes: ['SeedProblem'],
        headers: ['Retry-After'],
      },
    },
  },
];
