/** What can be asked of the Foreman's counters, and what it says. The charts are drawn from it at the edge. */
import type { NumberedImage } from './listed-image.ts';
import type { PublicFailure } from './public-failure.ts';

export interface DayCount {
  readonly day: number;
  readonly branch: string;
  readonly name: string;
  readonly n: number;
}

export interface NamedCount {
  readonly name: string;
  readonly n: number;
}

export interface TargetCount extends NamedCount {
  /** What its builds take on average; null where there were none. */
  readonly buildSeconds: number | null;
}

export interface StatisticsAnswers {
  readonly summary: { readonly queueLength: number; readonly builds24h: number };
  /** Outcomes and ends of builds, for `DAYS`. */
  readonly days: { readonly outcomes: readonly DayCount[]; readonly builds: readonly DayCount[] };
  /** Images handed out, for `WEEKS`. */
  readonly versions: readonly DayCount[];
  /** Names with at least SHOWN_FROM uses, most used first; at most MAX_NAMES. */
  readonly packages: readonly NamedCount[];
  readonly clients: readonly NamedCount[];
  readonly targets: readonly TargetCount[];
  /** Newest first. */
  readonly errors: readonly PublicFailure[];
  /** Images ever built, builds that wait, and the last images that were built, newest first. */
  readonly images: {
    readonly built: number;
    readonly waiting: number;
    readonly latest: readonly NumberedImage[];
  };
  /** How often one image was handed out. */
  readonly image: { readonly handedOut: number };
  /** Since the beginning; those with names by name. */
  readonly totals: {
    readonly outcomes: readonly NamedCount[];
    readonly builds: readonly NamedCount[];
    readonly failures: readonly NamedCount[];
    readonly prebuilds: readonly NamedCount[];
    readonly prebuildSeconds: number;
    readonly publishedBytes: number;
  };
}

export interface StatisticsQuestion<About extends keyof StatisticsAnswers = keyof StatisticsAnswers> {
  readonly about: About;
  /** Of `packages`: which branch; null for all. */
  readonly branch?: string | null;
  /** Of `image`: its hash of 15 digits. */
  readonly name?: string;
}

export const DAYS = 30;
export const WEEKS = 26;
export const MAX_NAMES = 100;
export const MAX_FAILURES = 500;
export const MAX_IMAGES = 50;
