/**
 * What is counted, in one table: how long it is kept, and how many names of it a day may have. Names are chosen by strangers
 * or grow with upstream; without a bound whoever likes could fill the Foreman's tables. Nothing of a private build is counted.
 */
interface Row {
  readonly keptDays: number;
  readonly namesADay: number;
  /** Also summed up for ever, under day 0: what Prometheus wants. */
  readonly hasTotal?: true;
}

export const COUNTED = {
  /** POSTs, by what became of them; see OUTCOMES. */
  outcome: { keptDays: 400, namesADay: 16, hasTotal: true },
  /** Builds that ended: `built` or `failed`. */
  build: { keptDays: 400, namesADay: 2, hasTotal: true },
  /** Images built, by the hour of the day (`00` to `23`). */
  hour: { keptDays: 2, namesADay: 24 },
  /** Builds that failed, by kind. */
  failure: { keptDays: 400, namesADay: 32, hasTotal: true },
  /** Images handed out: when one is built, and each time a POST is answered with one. */
  version: { keptDays: 400, namesADay: 256 },
  package: { keptDays: 90, namesADay: 2_000 },
  profile: { keptDays: 90, namesADay: 2_000 },
  target: { keptDays: 90, namesADay: 500 },
  /** POSTs that were answered with an image that was there, by the image's hash of 15 digits. */
  image: { keptDays: 90, namesADay: 2_000 },
  /** Of all files of images that were published. */
  published_bytes: { keptDays: 400, namesADay: 1, hasTotal: true },
  /** Images handed out, by the wish (the whole hash of its intent): what is wanted, whatever generation it was. */
  wish: { keptDays: 30, namesADay: 2_000 },
  /** What became of builds that nobody had asked for; and the seconds that nodes had them. */
  prebuild: { keptDays: 400, namesADay: 8, hasTotal: true },
  prebuild_seconds: { keptDays: 400, namesADay: 1, hasTotal: true },
  /** Images built, and the seconds that all of them took, by target. */
  target_built: { keptDays: 90, namesADay: 500 },
  target_seconds: { keptDays: 90, namesADay: 500 },
  /** POSTs with an answer about an image, by the name that the client gives itself. */
  client: { keptDays: 90, namesADay: 300 },
} as const satisfies Record<string, Row>;

export type Counted = keyof typeof COUNTED;

export const isCounted = (what: string): what is Counted => Object.hasOwn(COUNTED, what);

/** What became of a POST. */
export const OUTCOMES = [
  'hit_memory',
  'hit_kv',
  'hit_store',
  /** A failure that is remembered. */
  'known_failure',
  /** A build of the same wish is under way. */
  'joined',
  'new',
  /** What is certain to fail, told without a build. */
  'failed_early',
  /** Malformed, or not to be had here. */
  'refused',
  'limited',
  'queue_full',
  /** Our fault. */
  'fault',
] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** `joined`: somebody asked for it before it was built, and from then on it was a build like any other. */
export const PREBUILD_FATES = ['queued', 'built', 'failed', 'joined', 'dropped'] as const;

export type PrebuildFate = (typeof PREBUILD_FATES)[number];

export interface Count {
  readonly what: Counted;
  /** Of versions, packages, profiles and targets; else empty. */
  readonly branch: string;
  readonly name: string;
  readonly n: number;
}

/** What an isolate counted since its last batch. `day`: of UTC, since 1970. */
export interface CountBatch {
  readonly day: number;
  readonly counts: readonly Count[];
  /** Request hashes of images of which somebody was told, or fetched something. */
  readonly served?: readonly string[];
}

export const count = (what: Counted, name: string, n = 1): Count => ({ what, branch: '', name, n });

/** From how many uses on a name is shown in public: what fewer ask for might tell who they are. */
export const SHOWN_FROM = 5;
