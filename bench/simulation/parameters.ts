/** The release day that is simulated: guesses, all in one place, and what was measured elsewhere. */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const DAY = {
  hours: 6,
  /** Of routers and people, in those hours. */
  requests: 1_000_000,
  /** Devices with their sets of packages that somebody wants, by Zipf's law. */
  wishes: 400_000,
  /** At the beginning so many times the evening's. */
  rush: 7,
  /** After so long it is e times less. */
  rushMs: HOUR,
  /** Builds that wait when the day begins, and nobody of the day asks for them. */
  backlog: 100_000,
  /** Whose those are, by Zipf's law: a few have thousands. */
  backlogClients: 20_000,
} as const;

export const FARM = {
  nodes: 1_000,
  slots: 4,
  /** ImageBuilders that a node has room for, and has when the day begins. */
  imageBuilders: 24,
  warm: 12,
  /** Spread of speed between nodes, and of work between wishes: standard deviations of the logarithm. */
  speedSpread: 0.3,
  workSpread: 0.3,
  /** Of a build by a node as fast as most: packages are fetched, the image is made, its files are sent. */
  buildMs: 40 * SECOND,
  /** The ImageBuilder is fetched and unpacked. */
  coldMs: 35 * SECOND,
  /** Of each file. */
  uploadMs: 500,
  /** A profile with two images: these, a manifest, profiles.json, sha256sums. */
  files: 5,
  /** Up and down by turns, on average. */
  upMs: 3 * HOUR,
  downMs: 10 * MINUTE,
  /** Of those that go, so many say nothing. */
  dying: 0.5,
  /** Builds that fail for the request's own reason, and by a fault of their node. */
  failing: 0.02,
  faulty: 0.005,
} as const;

/** Of a farm of volunteers, whose machines have one slot each. */
export const TRUST = {
  operators: 60,
  /** Of the nodes so many are the operator's own, and of two operators that lie. */
  trusted: 0.1,
  lying: 0.05,
  /** The patient ones behaved for so long, each node with so many images that others confirmed. */
  patienceDays: 40,
  confirmedBefore: 12,
} as const;

/** Of farm/agent/. */
export const AGENT = {
  leaseWaitMs: 25 * SECOND,
  /** Where the edge does not ask for more. */
  reportMs: 5 * SECOND,
  /** Between two pieces of a log, at first. */
  logMs: 5 * SECOND,
  /** Ends within a moment are one report. */
  gatherMs: 200,
} as const;

export const EDGE = {
  /** Isolates that clients of the day come to. */
  isolates: 40,
  /** So long KV says no to a place where it said so before. */
  kvMissMs: MINUTE,
} as const;

export interface ClientKind {
  readonly name: string;
  readonly share: number;
  readonly firstPollMs: number;
  readonly pollMs: number;
  /** So long it waits on average before the page is closed; null: to the end. */
  readonly patienceMs: number | null;
}

/** See docs/clients.md. */
export const CLIENTS: readonly ClientKind[] = [
  { name: 'owut', share: 0.45, firstPollMs: 500, pollMs: 2 * SECOND, patienceMs: null },
  { name: 'auc', share: 0.15, firstPollMs: 2 * SECOND, pollMs: 2 * SECOND, patienceMs: null },
  { name: 'LuCI', share: 0.25, firstPollMs: 5 * SECOND, pollMs: 5 * SECOND, patienceMs: 2 * HOUR },
  { name: 'firmware-selector', share: 0.15, firstPollMs: 5 * SECOND, pollMs: 5 * SECOND, patienceMs: 2 * HOUR },
];

/** Of OpenWrt: some forty targets, a handful of which most routers have. */
export const UPSTREAM = { version: '24.10.2', targets: 50, arch: 'aarch64_generic', profilesOfTarget: 30 } as const;

/** Of a number of nodes, builds, clients or isolates, so many in a part of it all. */
export const scaled = (count: number, scale: number): number => Math.max(1, Math.round(count * scale));
