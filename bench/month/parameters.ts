/**
 * Everything that the simulated month assumes, in one place: change a number here and see what hangs on it. Shares that
 * nobody has measured are guesses; docs/benchmarks.md says which of them are kind to whom.
 */
export const HOUR = 3600;
export const DAY = 24 * HOUR;

export const MONTH = {
  seed: 20261101,
  days: 30,
  requests: 1_000_000,
  /** Each asks for the same thing in the same words all month, whenever it asks. */
  routers: 150_000,
  profiles: 300,
  targets: 30,
  architectures: 12,
  /** Selections beside the defaults; rank r is chosen with a probability in proportion to 1/r, as are profiles. */
  selections: 20_000,
  maxSelected: 25,
  /** Of the selections, how many leave out one of the defaults, and how many ask for a size of their own. */
  withoutADefault: 0.1,
  withASize: 0.05,
  /** A build takes so long, however many there are: no queue. */
  buildSeconds: 90,
  literalLifeSeconds: 24 * HOUR,
  /**
   * How old the edge's knowledge of upstream may be while somebody asks: interval of refresh 60 s, of writing to KV 30 s,
   * spread of KV 60 s, memory of an isolate 60 s, and some. All of it, always.
   */
  catalogueLagSeconds: 4 * 60,
  /** After the last question the Catalogue looks at a document for so long; the next question gets the copy it left. */
  catalogueHotSeconds: 10 * 60,
} as const;

/** Packages of an architecture's feeds, the most popular first. */
export const FEED = {
  packages: 5_000,
  /** Of them, those that come as dependencies of others: 0 to 3 of each. */
  libraries: 500,
  /** The updates of a day: this share falls on the most popular, the rest anywhere. */
  popular: 300,
  shareOnPopular: 0.3,
} as const;

export interface Branch {
  readonly name: string;
  /** Packages of the feeds that get a new version a day. Architectures are built one after the other, over the day. */
  readonly updatesADay: number;
}

export const BRANCHES: readonly Branch[] = [
  { name: '24.10', updatesADay: 12 },
  { name: '23.05', updatesADay: 3 },
  { name: 'SNAPSHOT', updatesADay: 45 },
];

export interface Track {
  readonly name: string;
  readonly branch: string;
  /** Of the routers. */
  readonly share: number;
  /** What a router of the track asks for, from which day on. */
  readonly versions: readonly { readonly version: string; readonly fromDay: number }[];
  /** Days between two revisions under one version's name; null: a release, which stays as it is. */
  readonly movesEveryDays: number | null;
}

export const TRACKS: readonly Track[] = [
  {
    name: 'stable',
    branch: '24.10',
    share: 0.8,
    versions: [
      { version: '24.10.2', fromDay: 0 },
      { version: '24.10.3', fromDay: 10 },
    ],
    movesEveryDays: null,
  },
  {
    name: 'oldstable',
    branch: '23.05',
    share: 0.1,
    versions: [
      { version: '23.05.5', fromDay: 0 },
      { version: '23.05.6', fromDay: 20 },
    ],
    movesEveryDays: null,
  },
  {
    name: 'branch snapshot',
    branch: '24.10',
    share: 0.03,
    versions: [{ version: '24.10-SNAPSHOT', fromDay: 0 }],
    movesEveryDays: 2,
  },
  {
    name: 'snapshot',
    branch: 'SNAPSHOT',
    share: 0.07,
    versions: [{ version: 'SNAPSHOT', fromDay: 0 }],
    movesEveryDays: 1,
  },
];
