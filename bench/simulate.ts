/**
 * The Foreman's own code under a clock that does not wait: nodes that come, build and are killed, clients that submit and poll.
 * Fails where a build is lost or tried too often, or where a place in the queue grows. Run: `node bench/simulate.ts [--seed N] [--quick]`.
 * Every build ends as one that failed: no images are published, so the Foreman learns no durations and estimates are not judged.
 */
import './simulate/worker-modules.ts';
import { catalogueKey } from '../shared/catalogue-document.ts';
import { sha256Hex } from '../shared/digest.ts';
import { type ForemanForNodes, runSlot } from './simulate/build-simulated.ts';
import { DurableStorage } from './simulate/durable-storage.ts';
import { MemoryBucket, MemoryKv } from './simulate/platform.ts';
import { SimulatedTime } from './simulate/simulated-time.ts';

interface Status {
  readonly state: string;
  readonly position?: number;
  readonly etaSeconds?: number;
  readonly requestHash: string;
}
interface SimulatedForeman extends ForemanForNodes {
  join(newcomer: object, token: object): Promise<unknown>;
  submit(submission: object): Promise<{ readonly accepted: boolean; readonly status?: Status }>;
  status(hashes: readonly string[]): Promise<(Status | null)[]>;
  alarm(): Promise<void>;
  stats(): Promise<{ readonly calls: Readonly<Record<string, number>>; readonly live: number }>;
}

const argument = (name: string): string | undefined => process.argv[process.argv.indexOf(name) + 1 || Infinity];
const isQuick = process.argv.includes('--quick');
const NODES = isQuick ? 4 : 10;
const SLOTS = 4;
const BUILDS = isQuick ? 100 : 400;
const CLIENTS = isQuick ? 5 : 10;
const MAX_ATTEMPTS = 3;
const LONGEST_MS = 6 * 3_600_000;
let seed = Number(argument('--seed') ?? 1) >>> 0;
/** Mulberry32. */
const random = (): number => {
  seed = (seed + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
};

const startedAt = performance.now();
const time = new SimulatedTime(1_800_000_000_000);
const uninstall = time.install();
const { Foreman } = await import(String('../edge/foreman/foreman.ts'));
const { pendingMs } = await import(String('../edge/results/pending-builds.ts'));
const kv = new MemoryKv();
const up = sha256Hex('https://downloads.openwrt.org');
const doc = { fetchedAt: time.now(), checkedAt: time.now() + 1e12 };
await kv.put(
  catalogueKey.versions(up),
  JSON.stringify({
    kind: 'versions',
    versions: [{ version: '24.10.2', branch: '24.10', targets: { 'x86/64': 'x86_64' } }],
    stableVersion: '24.10.2',
    oldstableVersion: '',
    upcomingVersion: '',
    ...doc,
  }),
);
await kv.put(
  catalogueKey.target(up, '24.10.2', 'x86/64'),
  JSON.stringify({
    kind: 'target',
    version: '24.10.2',
    target: 'x86/64',
    versionCode: 'r1',
    archPackages: 'x86_64',
    defaultPackages: [],
    profiles: {},
    imageBuilder: { path: 'x', sha256: 'b'.repeat(64) },
    feeds: [],
    signedBy: 'unsigned',
    packages: {},
    packagesDigest: 'd',
    provides: [],
    providesKnown: true,
    ...doc,
  }),
);
await kv.put(
  catalogueKey.arch(up, '24.10.2', 'x86_64'),
  JSON.stringify({
    kind: 'arch',
    version: '24.10.2',
    arch: 'x86_64',
    feeds: [],
    packages: {},
    packagesDigest: 'd',
    provides: [],
    providesKnown: true,
    ...doc,
  }),
);
let foreman: SimulatedForeman | undefined;
let alarm: number | undefined;
const storage = new DurableStorage((at) => {
  if (alarm !== undefined) time.cancel(alarm);
  alarm = time.at(at, () => {
    alarm = undefined;
    void foreman?.alarm();
  });
});
const opening: Promise<unknown>[] = [];
const context = {
  storage,
  blockConcurrencyWhile: (work: () => Promise<unknown>) => opening.push(work()),
  waitUntil: (work: Promise<unknown>) => void work,
};
const env = {
  CACHE: kv,
  IMAGES: new MemoryBucket(),
  SERVER_KEY: '5e'.repeat(32),
  UPSTREAM_UNSIGNED: '1',
  MAX_QUEUE: '1000000',
  MAX_ATTEMPTS: String(MAX_ATTEMPTS),
};
const opened: SimulatedForeman = new Foreman(context, env);
foreman = opened;
await Promise.all(opening);

const IMAGE_BUILDER = 'b'.repeat(64);
const request = {
  distro: 'openwrt',
  version: '24.10.2',
  target: 'x86/64',
  profile: 'generic',
  addPackages: [],
  removePackages: [],
  rootfsSizeMb: null,
  filesystem: null,
  repositories: [],
  repositoriesMode: 'append',
  repositoryKeys: [],
  defaultsMac: '',
};
const violations: string[] = [];
const began = new Map<string, { client: number; waitMs: number }>();
const ended = new Set<string>();
const owners = new Map<string, { client: number; at: number }>();
let busyMs = 0;
let lastEnd = 0;
const lives: number[] = [];
const begin = time.now();

for (let node = 0; node < NODES; node += 1) {
  lives.push(0);
  await opened.join(
    { id: `n${node}`, publicKey: 'k', name: `n${node}` },
    { id: `t${node}`, operator: 'op', tier: 'trusted', expiresAt: 0 },
  );
}
/** As the edge polls: not again before its last answer has grown old. */
async function poll(hash: string): Promise<void> {
  for (let place = Infinity; !ended.has(hash); ) {
    const [status] = await opened.status([hash]);
    if (!status || status.state === 'failed' || status.state === 'done') {
      if (!status) violations.push(`lost: ${hash}`);
      ended.add(hash);
      return;
    }
    if (status.state === 'queued' && status.position !== undefined) {
      if (status.position > place) violations.push(`place of ${hash} grew from ${place} to ${status.position}`);
      place = status.position;
    } else place = Infinity;
    await time.pass(Math.max(2000, pendingMs(status)));
  }
}
// One client asks for half of everything; the others share the rest.
for (let index = 0; index < BUILDS; index += 1) {
  const client = index % 2 === 0 ? 0 : 1 + Math.floor(random() * (CLIENTS - 1));
  const { status } = await opened.submit({
    intentHash: sha256Hex(`wish ${index}`),
    seenGeneration: 0,
    request,
    echo: { distro: 'openwrt', version: '24.10.2', packages: [], defaults: null },
    conditions: { version_code: '', packages_versions: {} },
    sealedDefaults: null,
    upstreamDigest: 'd',
    clientKey: `client ${client}`,
    imageBuilder: IMAGE_BUILDER,
  });
  if (!status) throw new Error('the queue is full');
  owners.set(status.requestHash, { client, at: time.now() });
  void poll(status.requestHash);
}
/** Builds begun per client while every client still waits: until the first of them has nothing left. */
const left = new Map<number, number>();
for (const { client } of owners.values()) left.set(client, (left.get(client) ?? 0) + 1);
const shares = new Map([...left.keys()].map((client) => [client, 0]));
let doAllWait = true;

function start(node: number): void {
  for (let slot = 0; slot < SLOTS; slot += 1)
    void runSlot(opened, time, {
      nodeId: `n${node}`,
      name: `n${node}-${slot}`,
      slots: SLOTS,
      imageBuilder: IMAGE_BUILDER,
      life: () => lives[node] ?? 0,
      isOver: () => ended.size >= BUILDS,
      buildMs: () => 20_000 + random() * 40_000,
      began(hash, attempt) {
        if (attempt > MAX_ATTEMPTS) violations.push(`attempt ${attempt} of ${hash}`);
        const owner = owners.get(hash);
        if (!owner || began.has(hash)) return;
        began.set(hash, { client: owner.client, waitMs: time.now() - owner.at });
        const rest = (left.get(owner.client) ?? 0) - 1;
        left.set(owner.client, rest);
        if (doAllWait) shares.set(owner.client, (shares.get(owner.client) ?? 0) + 1);
        if (rest === 0) doAllWait = false;
      },
      ended(_hash, tookMs) {
        busyMs += tookMs;
        lastEnd = time.now();
      },
    });
}
for (let node = 0; node < NODES; node += 1) start(node);
/** Every two minutes one node is killed, and comes back a minute later. */
function kill(): void {
  if (ended.size >= BUILDS) return;
  const node = Math.floor(random() * NODES);
  lives[node] = (lives[node] ?? 0) + 1;
  const life = lives[node];
  time.in(60_000, () => {
    if (lives[node] === life) start(node);
  });
  time.in(120_000, kill);
}
time.in(60_000, kill);
while (ended.size < BUILDS && time.now() < begin + LONGEST_MS) await time.run(time.now() + 10_000);
const { calls } = await opened.stats();
uninstall();

if (ended.size < BUILDS) violations.push(`${BUILDS - ended.size} builds never ended`);
const waits = [...began.values()].map(({ waitMs }) => waitMs / 1000).sort((one, other) => one - other);
const at = (share: number): string => `${(waits[Math.floor(share * (waits.length - 1))] ?? 0).toFixed(0)} s`;
const counts = [...shares.values()];
const sum = counts.reduce((total, count) => total + count, 0);
const jain = sum ** 2 / (counts.length * counts.reduce((total, count) => total + count ** 2, 0));
const passed = lastEnd - begin;
const total = Object.values(calls).reduce((all, count) => all + count, 0);
console.log(`${NODES} nodes x ${SLOTS} slots, ${BUILDS} builds of ${shares.size} clients, nodes killed and restarted`);
console.log(
  `throughput / ideal         ${(busyMs / (passed * NODES * SLOTS)).toFixed(2)} (slots busy with builds that counted)`,
);
console.log(`Foreman calls/s, mean      ${(total / (passed / 1000)).toFixed(1)}`);
console.log(`Jain index between clients ${jain.toFixed(3)} (${sum} builds begun while all waited)`);
console.log(`wait p50 / p99             ${at(0.5)} / ${at(0.99)}`);
console.log(
  `took                       ${((performance.now() - startedAt) / 1000).toFixed(0)} s for ${(passed / 60_000).toFixed(0)} min`,
);
for (const violation of violations.slice(0, 10)) console.log(`VIOLATED: ${violation}`);
if (violations.length > 10) console.log(`... and ${violations.length - 10} more`);
process.exit(violations.length > 0 ? 1 : 0);
