/**
 * A release day: the Foreman's own code, and around it a farm whose nodes come and go, a long queue, and everybody who asks for
 * an image and waits for it. Everything random comes from the seed, so that the same day can be had again.
 */

import type { PendingStatus } from '../../edge/results/pending-builds.ts';
import { resultKey } from '../../edge/results/result-key.ts';
import { requestEcho } from '../../shared/build-record.fixture.ts';
import type { BuildStatus } from '../../shared/build-state.ts';
import { seeded, zipfRanks } from '../random.ts';
import { fillBacklog } from './backlog.ts';
import { CallMeter } from './call-meter.ts';
import { EdgeIsolate } from './edge-isolate.ts';
import { FakeTime } from './fake-time.ts';
import { FarmNode } from './farm-node.ts';
import { hostForeman } from './foreman-host.ts';
import type { IdealNode } from './ideal-farm.ts';
import { Ledger } from './ledger.ts';
import { honestNode } from './node-model.ts';
import { CLIENTS, type ClientKind, DAY, EDGE, FARM } from './parameters.ts';
import { catalogueObject, MemoryBucket, MemoryKv, simulatedEnv } from './surroundings.ts';
import { documentOf, TARGETS } from './upstream.ts';
import { logNormal, type Wish, Wishes } from './wishes.ts';

export interface DayOptions {
  readonly seed: number;
  /** Of nodes, requests, wishes and queue; 1 for all of them. */
  readonly scale: number;
  /** From the beginning; the rush is there. */
  readonly minutes: number;
  /** Whether statements are timed, which takes time. */
  readonly isTimed: boolean;
  readonly onProgress: (line: string) => void;
}

export interface Day {
  readonly options: DayOptions;
  readonly ledger: Ledger;
  readonly meter: CallMeter;
  readonly nodes: readonly IdealNode[];
  readonly startAt: number;
  /** When the backlog began to wait. */
  readonly queuedAt: number;
  readonly endAt: number;
  readonly backlog: number;
  readonly requests: number;
  readonly hits: number;
  readonly refused: number;
  readonly polls: number;
  /** Of those who waited to the end; milliseconds. */
  readonly waits: readonly number[];
  readonly left: number;
  readonly events: number;
  /** Of real time; on a machine that others use it passes more slowly than the clock. */
  readonly processorSeconds: number;
  readonly statements: ReadonlyMap<string, { readonly n: number; readonly ms: number }>;
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

interface Waiter {
  readonly isolate: EdgeIsolate;
  readonly kind: ClientKind;
  readonly requestHash: string;
  readonly since: number;
  readonly leavesAt: number;
}

export async function simulateDay(options: DayOptions): Promise<Day> {
  const { seed, scale, minutes, onProgress } = options;
  const began = processorSeconds();
  const time = new FakeTime(START - WARM_UP_MS);
  const random = seeded(seed);
  const endAt = START + minutes * 60_000;
  const many = (count: number) => Math.max(1, Math.round(count * scale));
  const restore = time.install();
  try {
    const meter = new CallMeter();
    const ledger = new Ledger(time.now, seeded(seed + 1));
    const [kv, bucket] = [new MemoryKv(), new MemoryBucket()];
    const env = simulatedEnv(SETTINGS, { kv, bucket, catalogue: catalogueObject(documentOf) });
    const host = await hostForeman(time, env, meter, options.isTimed);
    const { foreman } = host;

    const wishes = new Wishes(seed);
    const byNumber = new Map<number, Wish>();
    const byIntent = new Map<string, Wish>();
    const wish = (number: number): Wish => {
      const known = byNumber.get(number);
      if (known) return known;
      const made = wishes.wish(number);
      byNumber.set(number, made);
      byIntent.set(made.intentHash, made);
      return made;
    };

    const byKey = new Map<string, string>();
    kv.onWrite = (key) => {
      const requestHash = byKey.get(key);
      if (requestHash === undefined) return;
      const { wish: made } = ledger.builds.get(requestHash) ?? {};
      ledger.end(requestHash, made?.failure ? 'failure' : 'image', time.now);
      byKey.delete(key);
    };
    const accept = (requestHash: string, of: Wish, client: string): void => {
      ledger.accept(requestHash, of, client, time.now);
      byKey.set(resultKey.build(requestHash), requestHash);
    };
    const onTold = (status: BuildStatus): void => {
      if (status.state === 'failed' && status.failure.kind === 'cancelled')
        ledger.end(status.failure.requestHash, 'cancelled', time.now);
      ledger.tell(status, time.now);
    };

    const isolates = Array.from({ length: many(EDGE.isolates) }, () => new EdgeIsolate({ time, foreman, kv, onTold }));
    const anIsolate = () => isolates[Math.floor(random() * isolates.length)] as EdgeIsolate;
    const aKind = (): ClientKind => {
      let left = random();
      for (const kind of CLIENTS) {
        left -= kind.share;
        if (left < 0) return kind;
      }
      return CLIENTS[0] as ClientKind;
    };

    const tally = { requests: 0, hits: 0, refused: 0, polls: 0, left: 0 };
    const waits: number[] = [];
    const wait = (isolate: EdgeIsolate, requestHash: string, kind: ClientKind, offsetMs = kind.firstPollMs): void => {
      const patience = kind.patienceMs === null ? Number.POSITIVE_INFINITY : -Math.log(1 - random()) * kind.patienceMs;
      const waiter: Waiter = { isolate, kind, requestHash, since: time.now, leavesAt: time.now + patience };
      const poll = (): unknown => {
        if (time.now >= waiter.leavesAt) {
          tally.left += 1;
          return undefined;
        }
        tally.polls += 1;
        if (isolate.remembered(requestHash)) {
          time.in(kind.pollMs, poll);
          return undefined;
        }
        return ask();
      };
      const ask = async (): Promise<void> => {
        const answer = await isolate.poll(requestHash);
        if (answer === 'over') waits.push(time.now - waiter.since);
        else if (answer.state === 'failed') onTold(answer);
        else time.in(kind.pollMs, poll);
      };
      time.in(offsetMs, poll);
    };

    const cumulative = zipfSums(many(DAY.wishes));
    const request = async (): Promise<void> => {
      tally.requests += 1;
      const wanted = wish(rankOf(cumulative, random()));
      const isolate = anIsolate();
      const kind = aKind();
      if (isolate.hasResult(wanted)) {
        tally.hits += 1;
        return;
      }
      const client = `client-${Math.floor(random() * many(DAY.requests / 2))}`;
      const answer = await isolate.post(wanted, client);
      if (!answer) {
        tally.refused += 1;
        return;
      }
      const { status } = answer;
      if (status.state === 'done' || status.state === 'failed') return;
      if (answer.isNew) accept(status.requestHash, wanted, client);
      ledger.tell(status, time.now);
      wait(isolate, status.requestHash, kind);
    };

    const nodes: IdealNode[] = [];
    for (let number = 0; number < many(FARM.nodes); number += 1) {
      const slowness = logNormal(random, FARM.speedSpread);
      const model = honestNode(
        `operator-${number}`,
        slowness,
        (order) => byIntent.get(order.intentHash) as Wish,
        random,
      );
      const warm = Array.from(
        { length: FARM.warm },
        () => TARGETS[Math.floor(TARGETS.length * random() ** 3)]?.imageBuilder ?? '',
      );
      const node = new FarmNode(`node-${number}`, model, warm, {
        time,
        foreman,
        bucket,
        onOrder: (order) => ledger.give(order, MAX_ATTEMPTS),
      });
      await node.join();
      const up: [number, number][] = [];
      // Some of them are away when the day begins.
      const isAway = random() < FARM.downMs / (FARM.upMs + FARM.downMs);
      for (
        let at = time.now + (isAway ? exponential(random, FARM.downMs) : random() * WARM_UP_MS * 0.5);
        at < endAt;
      ) {
        const falls = at + exponential(random, FARM.upMs);
        up.push([at, falls]);
        time.at(at, () => node.rise());
        const isDying = random() < FARM.dying;
        time.at(falls, () => node.fall(isDying));
        at = falls + exponential(random, FARM.downMs);
      }
      nodes.push({ slots: FARM.slots, slowness, up });
    }

    const backlog = many(DAY.backlog);
    const clients = zipfRanks(many(DAY.backlogClients), backlog, random);
    const waiting = clients.map((client, at) => ({ wish: wish(many(DAY.wishes) + at), client: `fleet-${client}` }));
    for (const [at, requestHash] of fillBacklog(host.storage, waiting, time.now).entries()) {
      const { wish: wanted, client } = waiting[at] as (typeof waiting)[number];
      accept(requestHash, wanted, client);
      const kind = aKind();
      const isolate = anIsolate();
      // As if it had been submitted in the last minute, in this isolate, as each of them was in its time.
      time.in(random() * WARM_UP_MS, () => {
        isolate.remember(saidOf(requestHash, wanted, at / scale, time.now));
        wait(isolate, requestHash, kind);
      });
    }
    onProgress(`${backlog} builds queued, ${nodes.length} nodes joined`);

    const perMs = ratePerMs(scale);
    const arrive = (): void => {
      time.in(exponential(random, 1 / perMs.most), () => {
        arrive();
        return random() < perMs.at(time.now - START) / perMs.most ? request() : undefined;
      });
    };
    await time.runUntil(START);
    meter.reset();
    arrive();

    let saidAt = performance.now();
    for (let at = START; at < endAt; ) {
      at = Math.min(endAt, at + LOOK_MS);
      await time.runUntil(at);
      ledger.lookAtFairness();
      if (performance.now() - saidAt < 2_000) continue;
      saidAt = performance.now();
      const { waiting: queued, activeLeases } = await host.stats();
      onProgress(
        `${((at - START) / 60_000).toFixed(1)} of ${minutes} minutes: ${queued} wait, ${activeLeases} are built`,
      );
    }
    if (host.faults.length > 0) throw host.faults[0];
    return {
      options,
      ledger,
      meter,
      nodes,
      backlog,
      startAt: START,
      queuedAt: START - WARM_UP_MS,
      endAt,
      ...tally,
      waits,
      events: time.events,
      processorSeconds: processorSeconds() - began,
      statements: host.statements,
    };
  } finally {
    restore();
  }
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** What whoever submitted it was told; of how long it takes no more than that it is long. */
const saidOf = (requestHash: string, { target, profile }: Wish, place: number, now: number): PendingStatus => ({
  state: 'queued',
  requestHash,
  echo: requestEcho({ target: target.name, profile }),
  enqueuedAt: now,
  etaSeconds: Math.round(60 + (place * FARM.buildMs) / 1000 / (FARM.nodes * FARM.slots)),
  // The queue of the whole farm: further back than it can be here.
  position: place,
  ahead: place,
});

const exponential = (random: () => number, mean: number): number => -Math.log(1 - random()) * mean;

/** Requests in a millisecond: many at first, ever fewer, as many on the whole as the day has. */
function ratePerMs(scale: number): { readonly most: number; at(elapsedMs: number): number } {
  const { hours, requests, rush, rushMs } = DAY;
  const dayMs = hours * 3_600_000;
  const shape = (elapsedMs: number) => 1 + (rush - 1) * Math.exp(-elapsedMs / rushMs);
  const whole = dayMs + (rush - 1) * rushMs * (1 - Math.exp(-dayMs / rushMs));
  const unit = (requests * scale) / whole;
  return { most: unit * rush, at: (elapsedMs) => unit * shape(elapsedMs) };
}

/** Of Zipf's law with exponent 1, up to each rank. */
function zipfSums(distinct: number): Float64Array {
  const sums = new Float64Array(distinct);
  for (let rank = 0, total = 0; rank < distinct; rank += 1) {
    total += 1 / (rank + 1);
    sums[rank] = total;
  }
  return sums;
}

/** `share`: from 0 to 1. */
function rankOf(sums: Float64Array, share: number): number {
  const wanted = share * (sums.at(-1) ?? 0);
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sums[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
