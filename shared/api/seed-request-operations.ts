/** How routers and pages of 2018 and 2019 ask for an image. Two paths, and one difference between them. */
import type { Answer, Operation } from './operation.ts';

const problem = (text: string, headers: Answer['headers'] = []): Answer => ({
  text,
  shapes: ['SeedProblem'],
  headers,
});

/** Of a build, however it is asked about. */
const OF_BUILD: Operation['answers'] = {
  200: { text: 'The image is there.', shapes: ['SeedFinishedBuild'] },
  202: {
    text: 'The build waits, or runs. Ask again.',
    shapes: ['SeedPendingBuild'],
    headers: ['X-Imagebuilder-Status', 'X-Build-Queue-Position', 'Retry-After'],
  },
  404: problem('Nobody asked for such a build.'),
  409: problem('The packages cannot be installed together.'),
  413: problem('The image is too big for the device; or the body is too large.'),
  422: problem('No such packages.', ['X-Unknown-Package']),
  500: problem('The build failed.'),
  503: problem('Not now, or too many requests from your network; no fault of your request.', ['Retry-After']),
};

const OF_REQUEST: Operation['answers'] = {
  ...OF_BUILD,
  400: problem(
    'No request, or one with a field outside its grammar; or `defaults` where the server does not allow them.',
  ),
  412: problem('No such distribution, version, target or device.'),
  420: problem('`defaults` of more than 10,240 bytes.'),
};

const EXAMPLES = {
  joined: {
    distro: 'OpenWrt',
    version: '24.10.2',
    target: 'ath79/generic',
    board: 'tplink,archer-c7-v4',
    packages: ['luci'],
  },
  split: {
    distro: 'OpenWrt',
    version: '24.10.2',
    target: 'ath79',
    subtarget: 'generic',
    board: 'tl-wdr4300',
    packages: [],
  },
  poll: { request_hash: '359a2afe0281' },
};

const NO_SYSUPGRADE: Operation['answers'] = {
  501: problem('The image was built, but the device has none to upgrade with.'),
};

const ENDPOINTS: readonly { path: string; name: string; what: string; only: Operation['answers'] }[] = [
  { path: '/api/upgrade-request', name: 'Upgrade', what: 'an image to upgrade with', only: NO_SYSUPGRADE },
  { path: '/api/build-request', name: 'Image', what: 'an image for a first installation, or an upgrade', only: {} },
];

export const SEED_REQUEST_OPERATIONS: readonly Operation[] = ENDPOINTS.flatMap(({ path, name, what, only }) => [
  {
    method: 'post' as const,
    paths: [path],
    id: `request${name}BySeed`,
    tag: 'seed' as const,
    summary: `Ask for ${what}, as in 2018`,
    text: 'The same body may be sent again instead of polling. Unknown fields are ignored.',
    body: { shape: 'SeedBuildRequest' as const, examples: EXAMPLES },
    answers: { ...OF_REQUEST, ...only },
  },
  {
    method: 'get' as const,
    head: true as const,
    paths: [`${path}/{request_name}`],
    id: `get${name}BySeed`,
    tag: 'seed' as const,
    summary: 'Ask how it goes',
    text: 'The answer is of the kind that the request was: with whole URLs where that named a `subtarget`.',
    answers: { ...OF_BUILD, ...only },
  },
]);
