/**
 * A release day: the Foreman's own code, and around it a farm whose nodes come and go, a long queue, and everybody who asks for
 * an image and waits for it. Everything random comes from the seed, so that the same day can be had again.
 */

import { resultKey } from '../../edge/results/result-key.ts';
import { EDGE_SETTINGS } from '../../shared/edge-settings.ts';
import { seeded, zipfRanks } from '../random.ts';
import { letArrive } from './arrivals.ts';
import { fillBacklog } from './backlog.ts';
import { CallMeter } from './call-meter.ts';
import type { Cast, Play } from './cast.ts';
import { Clients } from './clients.ts';
import { FakeTime } from './fake-time.ts';
import { joinFarm } from './farm.ts';
import { type ForemanHost, hostForeman } from './foreman-host.ts';
import type { IdealNode } from './ideal-farm.ts';
import { Ledger } from './ledger.ts';
import { DAY, scaled } from './parameters.ts';
import { installSeededCrypto } from './seeded-crypto.ts';
import { catalogueObject, MemoryBucket, MemoryKv, simulatedEnv } from './surroundings.ts';
import { documentOf } from './upstream.ts';
import { Wishes } from './wishes.ts';

export interface DayOptions {
  readonly seed: number;
  /** Of nodes, requests, wishes and queue; 1 for all of them. */
  readonly scale: number;
  /** From the beginning; the rush is there. */
  readonly minutes: number;
  /** Whether statements are timed, which takes time. */
  readonly isTimed: boolean;
  readonly onProgress: (line: string) => void;
  /** Who the nodes are; without one they are the operator's own, all honest. */
  readonly play?: Play;
}

export interface Day {
  readonly options: DayOptions;
  readonly ledger: Ledger;
  readonly meter: CallMeter;
  readonly clients: Pick<Clients, 'requests' | 'hits' | 'polls' | 'waits'>;
  readonly nodes: readonly IdealNode[];
  readonly startAt: number;
  /** When the backlog began to wait. */
  readonly queuedAt: number;
  readonly endAt: number;
  readonly backlog: number;
  readonly events: number;
  /** Of real time; on a machine that others use it passes more slowly than the clock. */
  readonly processorSeconds: number;
  readonly statements: ForemanHost['statements'];
  readonly sql: SqlStorage;
  readonly cast: Cast | null;
}

const START = Date.UTC(2026, 11, 1, 6);
/** Between two looks at who got what. */
const LOOK_MS = 15_000;
/** Before the day begins the farm is at work, and who waits has been told so: nothing of this is counted. */
const WARM_UP_MS = 60_000;
const MAX_ATTEMPTS = 3;
const SETTINGS = {
  SERVER_KEY: '0'.repeat(64),
  UPSTREAM_UNSIGNED: '1',
  MAX_QUEUE: '1000000',
  MAX_ATTEMPTS: String(MAX_ATTEMPTS),
};
const BUILD_KEY = resultKey.build('');

export async function simulateDay(options: DayOptions): Promise<Day> {
  const { seed, scale, minutes, isTimed, onProgress, play } = options;
  const began = processorSeconds();
  const queuedAt = START - WARM_UP_MS;
  const endAt = START + minutes * 60_000;
  const time = new FakeTime(queuedAt);
  const restore = [time.install(), installSeededCrypto(seeded(seed + 2))];
  try {
    const random = seeded(seed);
    const wishes = new Wishes(seed);
    const ledger = new Ledger(queuedAt, seeded(seed + 1));
    const meter = new CallMeter();
    const bucket = new MemoryBucket({ mayTakeBack: play !== undefined });
    const kv: MemoryKv = new MemoryKv((key, value) => {
      if (!key.startsWith(BUILD_KEY)) return;
      const requestHash = key.slice(BUILD_KEY.length);
      if (value !== null) ledger.publish(requestHash, time.now);
      cast?.onStored(requestHash, value, time.now);
    });
    // A part of the farm may report as much as its share of it.
    const reports = scaled(Number(EDGE_SETTINGS.REPORTS_PER_MINUTE.fallback), scale);
    const isAnswered = (intentHash: string) => kv.has(resultKey.intent(intentHash));
    const cast = play?.({ seed, wishes, isAnswered, now: () => time.now }) ?? null;
    const env = simulatedEnv(
      { ...SETTINGS, REPORTS_PER_MINUTE: String(reports), ...cast?.settings },
      { kv, bucket, catalogue: catalogueObject(documentOf) },
    );
    const host = await hostForeman(time, env, meter, isTimed);
    const { foreman } = host;
    const clients = new Clients({ time, random, scale, foreman, kv, wishes, ledger });
    const nodes = await joinFarm(
      { random, scale, wishes, withinMs: WARM_UP_MS / 2, endAt, cast },
      { time, foreman, bucket, onOrder: (order) => ledger.give(order, MAX_ATTEMPTS) },
    );

    cast?.prepare(host.storage.sql);
    const backlog = scaled(DAY.backlog, scale);
    const behindTheDays = scaled(DAY.wishes, scale);
    const waiting = zipfRanks(scaled(DAY.backlogClients, scale), backlog, random).map((fleet, at) => ({
      wish: wishes.wish(behindTheDays + at),
      client: `fleet-${fleet}`,
    }));
    for (const [at, requestHash] of fillBacklog(host.storage, waiting, queuedAt, cast?.whomOf).entries()) {
      const { wish, client } = waiting[at] as (typeof waiting)[number];
      ledger.accept(requestHash, wish, client, queuedAt);
      clients.waitFor(requestHash, wish, at, WARM_UP_MS);
    }
    onProgress(`${backlog} builds queued, ${nodes.length} nodes joined`);

    await time.runUntil(START);
    meter.reset();
    letArrive(time, random, scale, () => clients.request());
    await pass(time, host, ledger, options, endAt);
    if (host.faults.length > 0) throw host.faults[0];
    return {
      options,
      ledger,
      meter,
      clients,
      nodes,
      startAt: START,
      queuedAt,
      endAt,
      backlog,
      events: time.events,
      processorSeconds: processorSeconds() - began,
      statements: host.statements,
      sql: host.storage.sql,
      cast,
    };
  } finally {
    for (const giveBack of restore) giveBack();
  }
}

async function pass(
  time: FakeTime,
  host: ForemanHost,
  ledger: Ledger,
  { minutes, onProgress }: DayOptions,
  endAt: number,
): Promise<void> {
  let saidAt = performance.now();
  while (time.now < endAt) {
    await time.runUntil(Math.min(endAt, time.now + LOOK_MS));
    ledger.lookAtFairness();
    if (performance.now() - saidAt < 2_000) continue;
    saidAt = performance.now();
    const { waiting, activeLeases } = await host.stats();
    const passed = ((time.now - START) / 60_000).toFixed(1);
    onProgress(`${passed} of ${minutes} minutes: ${waiting} wait, ${activeLeases} are built`);
  }
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
