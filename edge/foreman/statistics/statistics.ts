/**
 * The statistics as the Foreman keeps them: what isolates counted, how its own builds ended, and the answers about both.
 * Nothing of a private build comes in here, so nothing of one can come out.
 */
import type { BuildRecord, FailureRecord } from '../../../shared/build/build-record.ts';
import { dayOf } from '../../../shared/request/client-key.ts';
import type { NormalizedRequest } from '../../../shared/request/normalize-request.ts';
import { buildSeconds } from '../../../shared/seed/image-facts.ts';
import { LIFETIMES } from '../../lifetimes.ts';
import { logError } from '../../log.ts';
import {
  COUNTED,
  type CountBatch,
  type Counted,
  count,
  isCounted,
  type PrebuildFate,
  SHOWN_FROM,
} from '../../statistics/counted.ts';
import { imageCounts } from '../../statistics/image-counts.ts';
import { KeptAnswers } from '../../statistics/kept-answers.ts';
import { listedImage } from '../../statistics/listed-image.ts';
import { type KeptFailure, keptFailure, type PublicFailure, publicFailure } from '../../statistics/public-failure.ts';
import {
  DAYS,
  MAX_FAILURES,
  MAX_IMAGES,
  MAX_NAMES,
  type NamedCount,
  type StatisticsAnswers,
  type StatisticsQuestion,
  type TargetCount,
  WEEKS,
} from '../../statistics/questions.ts';
import type { Database } from '../database.ts';
import type { Queue } from '../queue/queue.ts';
import { Counters } from './counters.ts';
import { FailureLog } from './failure-log.ts';
import { LatestImages } from './latest-images.ts';

const HOUR_MS = 3_600_000;
const FAILURES_KEPT_MS = 90 * 24 * HOUR_MS;
/** A batch may have waited in its isolate over midnight; one from another time is from a clock that is wrong. */
const MAX_DAYS_LATE = 2;

/** Answers that read many rows. */
const KEPT: readonly (keyof StatisticsAnswers)[] = ['versions', 'packages', 'clients', 'targets', 'images', 'errors'];

const firstDay = (now: number): number => dayOf(now) + 1 - DAYS;

/** For numbers that few builds make, or few hits. */
const firstDayOf = (what: 'image' | 'target_built', now: number): number => dayOf(now) + 1 - COUNTED[what].keptDays;

const hourName = (hour: number): string => String(hour % 24).padStart(2, '0');

export class Statistics {
  readonly #counters: Counters;
  readonly #failures: FailureLog;
  readonly #images: LatestImages;
  readonly #queue: Queue;
  /** However many isolates ask. */
  readonly #kept = new KeptAnswers<object>(LIFETIMES.statisticsMs, 64);
  #forgottenOn = 0;
  #hasWishes = false;

  readonly #answers: {
    readonly [About in keyof StatisticsAnswers]: (
      now: number,
      branch: string | null,
      name: string,
    ) => StatisticsAnswers[About];
  } = {
    summary: (now) => ({ queueLength: this.#queue.waiting(), builds24h: this.#builds24h(now) }),
    totals: () => ({
      outcomes: this.#counters.totals('outcome'),
      builds: this.#counters.totals('build'),
      failures: this.#counters.totals('failure'),
      prebuilds: this.#counters.totals('prebuild'),
      prebuildSeconds: this.#total('prebuild_seconds'),
      publishedBytes: this.#total('published_bytes'),
    }),
    days: (now) => ({
      outcomes: this.#counters.since('outcome', firstDay(now)),
      builds: this.#counters.since('build', firstDay(now)),
    }),
    versions: (now) => this.#counters.since('version', dayOf(now) + 1 - WEEKS * 7),
    packages: (now, branch) => this.#counters.top('package', firstDay(now), branch).slice(0, MAX_NAMES),
    clients: (now) => this.#counters.top('client', firstDay(now), null).slice(0, MAX_NAMES),
    targets: (now) => this.#targets(now),
    images: () => ({
      built: this.#total('build', 'built'),
      waiting: this.#queue.waiting(),
      latest: this.#images.all(),
    }),
    image: (now, _, name) => ({
      handedOut: this.#counters.ofName('image', name, firstDayOf('image', now), dayOf(now)),
    }),
    errors: (now) => this.#publicFailures(now),
  };

  constructor(db: Database, queue: Queue) {
    this.#counters = new Counters(db);
    this.#failures = new FailureLog(db, MAX_FAILURES);
    this.#images = new LatestImages(db, MAX_IMAGES);
    this.#queue = queue;
  }

  take({ day, counts }: CountBatch, now: number): void {
    const today = dayOf(now);
    const isLate = day <= today && today - day <= MAX_DAYS_LATE;
    this.#counters.add(
      isLate ? day : today,
      // An isolate may be of another version than we are.
      counts.filter(({ what }) => isCounted(what)),
    );
    this.forget(now);
  }

  /** An image was built, and with that handed out for the first time, but for one that nobody has asked for. */
  built(record: BuildRecord, now: number, isPrebuild = false): void {
    if (record.private) return;
    const { request, durationMs } = record;
    const bytes = record.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    attempt(() => this.#counters.add(dayOf(now), [count('published_bytes', 'images', bytes)]));
    if (isPrebuild) this.prebuild('built', now);
    else
      attempt(() => {
        const images = imageCounts({ ...request, packages: request.addPackages });
        const hour = count('hour', hourName(Math.floor(now / HOUR_MS)));
        const ofTarget = [
          count('target_built', request.target),
          count('target_seconds', request.target, buildSeconds(durationMs)),
        ];
        const wish = count('wish', record.intentHash);
        this.#counters.add(dayOf(now), [count('build', 'built'), hour, ...images, ...ofTarget, wish]);
        const listed = listedImage(record);
        if (listed) this.#images.add(listed);
      });
  }

  /** Images by the beginnings of their hashes: those that were handed out most since yesterday. */
  mostServed(now: number): NamedCount[] {
    return this.#counters.top('image', dayOf(now) - 1, null);
  }

  /** Wishes by the hashes of their intents: those that were handed out most in thirty days. */
  wanted(now: number): NamedCount[] {
    return this.#counters.top('wish', firstDay(now), null);
  }

  /** Was anything ever handed out that could be wanted again? */
  hasWishes(): boolean {
    this.#hasWishes ||= this.#counters.isAny('wish');
    return this.#hasWishes;
  }

  /** Of builds that nobody had asked for: they are counted here and nowhere else. */
  prebuild(fate: PrebuildFate, now: number, n = 1): void {
    attempt(() => this.#counters.add(dayOf(now), [count('prebuild', fate, n)]));
  }

  /** So long a node had one. */
  prebuildTime(ms: number, now: number): void {
    const seconds = Math.ceil(Math.max(0, ms) / 1000);
    if (seconds > 0) attempt(() => this.#counters.add(dayOf(now), [count('prebuild_seconds', 'all', seconds)]));
  }

  /** Of the day. */
  prebuildSeconds(now: number): number {
    return this.#counters.ofName('prebuild_seconds', 'all', dayOf(now), dayOf(now));
  }

  failed(failure: FailureRecord, request: NormalizedRequest, now: number): void {
    if (failure.private) return;
    attempt(() => {
      const kept = keptFailure(failure, request);
      const profile = imageCounts({ ...request, packages: [] }).filter(({ what }) => what === 'profile');
      this.#counters.add(dayOf(now), [count('build', 'failed'), count('failure', failure.kind), ...profile]);
      this.#failures.add(kept);
    });
  }

  async answer<About extends keyof StatisticsAnswers>(
    { about, branch = null, name = '' }: StatisticsQuestion<About>,
    now: number,
  ): Promise<StatisticsAnswers[About]> {
    const make = () => this.#answers[about](now, branch, name);
    if (!KEPT.includes(about)) return make();
    return (await this.#kept.get(`${about} ${branch}`, async () => make())) as StatisticsAnswers[About];
  }

  /** What is over its time; once a day is enough. */
  forget(now: number): void {
    const today = dayOf(now);
    if (this.#forgottenOn === today) return;
    this.#forgottenOn = today;
    attempt(() => {
      this.#counters.forget(today);
      this.#failures.forget(now - FAILURES_KEPT_MS);
    });
  }

  /** Since the beginning: of one name, or of all. */
  #total(what: Counted, name?: string): number {
    const totals = this.#counters.totals(what).filter((one) => name === undefined || one.name === name);
    return totals.reduce((sum, { n }) => sum + n, 0);
  }

  #targets(now: number): TargetCount[] {
    const since = firstDayOf('target_built', now);
    const built = this.#counters.sums('target_built', since);
    const seconds = this.#counters.sums('target_seconds', since);
    const targets = this.#counters.top('target', firstDay(now), null).slice(0, MAX_NAMES);
    return targets.map(({ name, n }) => {
      const builds = built.get(name) ?? 0;
      return { name, n, buildSeconds: builds > 0 ? Math.round((seconds.get(name) ?? 0) / builds) : null };
    });
  }

  #builds24h(now: number): number {
    const hour = Math.floor(now / HOUR_MS);
    return this.#counters
      .since('hour', dayOf(now) - 1)
      .filter(({ day, name }) => day * 24 + Number(name) > hour - 24)
      .reduce((sum, { n }) => sum + n, 0);
  }

  #publicFailures(now: number): PublicFailure[] {
    const failures = this.#failures.all();
    const common = {
      // A package that no image has, since it fails, is told once it failed often enough.
      package: new Set([...names(this.#counters.top('package', firstDay(now), null)), ...oftenNamed(failures)]),
      profile: new Set(names(this.#counters.top('profile', firstDay(now), null))),
    };
    return failures.map((failure) => publicFailure(failure, (what, name) => common[what].has(name)));
  }
}

/** What is counted must never stop what is built, nor the alarm that keeps it going. */
function attempt(work: () => void): void {
  try {
    work();
  } catch (error) {
    logError('statistics: something was not counted, or not forgotten', { error });
  }
}

const names = (counts: readonly NamedCount[]): string[] => counts.map(({ name }) => name);

function oftenNamed(failures: readonly KeptFailure[]): string[] {
  const uses = new Map<string, number>();
  for (const name of failures.flatMap((failure) => failure.names)) uses.set(name, (uses.get(name) ?? 0) + 1);
  return [...uses].filter(([, n]) => n >= SHOWN_FROM).map(([name]) => name);
}
