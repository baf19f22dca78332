/**
 * A farm on a release day: nodes that joined, leases that they were granted, builds that wait and as many that ended. What
 * `submit`, `lease` and `report` leave behind, by the Foreman's own rooms, and where it is too much for those by copies.
 */
import { drizzle } from 'drizzle-orm/durable-sqlite';
import type { Foreman } from '../../../edge/foreman/foreman.ts';
import type { Order } from '../../../edge/foreman/leases/give-lease.ts';
import { Leases } from '../../../edge/foreman/leases/leases.ts';
import { Nodes } from '../../../edge/foreman/nodes/nodes.ts';
import { Queue, type Submission } from '../../../edge/foreman/queue/queue.ts';
import * as schema from '../../../edge/foreman/schema.ts';
import type { ObjectStore } from '../../../edge/storage/object-store.ts';
import { buildRecord, requestEcho } from '../../../shared/build/build-record.fixture.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { seeded, zipfRanks } from '../../random.ts';
import { addEnded, addImages, addQueued } from './copies.ts';

const NODES = 1_000;
const SLOTS = 4;
/** Of ImageBuilders that builds want; some more than a release has targets. */
const IMAGE_BUILDERS = 50;
/** One build in so many is for trusted nodes alone. */
const TRUSTED_EVERY = 50;
/** As long as they can be: nothing is over unless an operation says so. */
const TIMES = { leaseMs: 600_000, buildMs: 7_200_000 };
const TRUSTED_ONE_IN = 10;
const isTrusted = (at: number): boolean => at % TRUSTED_ONE_IN === 0;
const PINS = {
  revision: 'r1-bench',
  imageBuilder: { url: 'https://bench.example/ib', sha256: 'b'.repeat(64) },
  feeds: [],
};

const WISH = { target: 'demo/generic', profile: 'acme_ax3000-v1' };
const ECHO = requestEcho({ ...WISH, packages: ['luci', 'vim'] });

/** The Foreman, whose alarm rings when it is told to. */
export type RungForeman = Pick<Foreman, keyof Foreman> & { ring(): Promise<void> };

export class Farm {
  readonly foreman: RungForeman;
  readonly storage: DurableObjectStorage;
  readonly store: ObjectStore;
  readonly queue: Queue;
  readonly nodes: Nodes;
  readonly leases: Leases;
  readonly random = seeded(6);
  readonly #queued: number;
  readonly #results: number;
  readonly #hashes: string[] = [];
  readonly #clients: readonly number[];
  #intents = 0;
  #nodes = 0;

  constructor(
    foreman: RungForeman,
    storage: DurableObjectStorage,
    store: ObjectStore,
    queued: number,
    results: number,
  ) {
    const db = drizzle(storage, { schema });
    this.foreman = foreman;
    this.storage = storage;
    this.store = store;
    this.queue = new Queue(db);
    this.nodes = new Nodes(db);
    this.leases = new Leases(db, TIMES);
    this.#queued = queued;
    this.#results = results;
    this.#clients = zipfRanks(Math.max(10, queued / 10), 10_000, this.random);
  }

  fill(): void {
    const now = Date.now();
    this.storage.transactionSync(() => {
      for (let at = 0; at < NODES; at += 1) this.addNode(`crowd-${at}`, isTrusted(at) ? 'trusted' : 'volunteer');
    });
    this.#hashes.push(this.queue.add(this.submission(), 1, now, schema.WHOM.anyone).requestHash);
    const copies = Array.from({ length: NODES * SLOTS + this.#queued - 1 }, () => this.submission());
    this.#hashes.push(
      ...addQueued(
        this.storage,
        copies.map(({ clientKey, imageBuilder, request }) => ({
          clientKey,
          imageBuilder,
          needsTrust: request.repositories.length > 0,
        })),
      ),
    );
    this.storage.transactionSync(() => {
      // Of those in the middle: the head of the queue is what nodes are given next.
      for (const [at, hash] of this.#hashes.splice(this.#queued / 2, NODES * SLOTS).entries()) {
        const build = this.queue.byHash(hash);
        const lease = {
          id: crypto.randomUUID(),
          idempotencyKey: `key-${at}`,
          pins: PINS,
          upstreamDigest: 'd'.repeat(64),
        };
        if (build) this.leases.grant(build, this.nodes.byId(`crowd-${at % NODES}`)?.id ?? '', lease, now);
      }
    });
    addEnded(this.storage, this.#results, NODES);
    addImages(this.storage, this.#results);
    // A million results take more than a minute, after which what waits is kept in the store as well. Here it has just come.
    this.storage.sql.exec(`UPDATE builds SET enqueued_at = ? WHERE state = 'queued'`, Date.now());
    // The first round is over.
    this.queue.turns.given(1);
  }

  /** Some build that ended, which is the name of its image and of its lease as well. */
  endedHash(): string {
    return `ended-${1 + Math.floor(this.random() * this.#results)}`;
  }

  /** As long a queue as before: leases take from it. */
  topUp(): void {
    while (this.queue.waiting() < this.#queued)
      this.#hashes.push(this.queue.add(this.submission(), 1, Date.now(), schema.WHOM.anyone).requestHash);
  }

  submission(fields: Partial<Submission> = {}): Submission {
    this.#intents += 1;
    const client = this.#clients[this.#intents % this.#clients.length];
    return {
      intentHash: sha256Hex(`intent ${this.#intents}`),
      seenGeneration: 0,
      request: {
        ...buildRecord().request,
        ...WISH,
        removePackages: [],
        repositories: this.#intents % TRUSTED_EVERY === 0 ? ['own https://feeds.example/'] : [],
      },
      echo: ECHO,
      conditions: { version_code: '', packages_versions: {} },
      sealedDefaults: null,
      upstreamDigest: 'd'.repeat(64),
      clientKey: `client ${client}`,
      imageBuilder: sha256Hex(`ImageBuilder ${this.#intents % IMAGE_BUILDERS}`),
      ...fields,
    };
  }

  /** Some build that waits. */
  waitingHash(): string {
    for (;;) {
      const hash = this.#hashes[Math.floor(this.random() * this.#hashes.length)] ?? '';
      if (this.queue.byHash(hash)?.state === 'queued') return hash;
    }
  }

  addNode(name: string, tier: 'trusted' | 'volunteer', operator = `operator of ${name}`): string {
    const id = name;
    const token = { id: `token of ${name}`, operator, tier, expiresAt: Date.now() + 1000 };
    const joined = this.nodes.join({ id, publicKey: sha256Hex(name), name }, token, Date.now());
    if (!joined.ok) throw new Error(joined.reason);
    const network = `network of ${id}`;
    this.nodes.present(id, { softwareVersion: '1.0.0', slots: SLOTS, held: [], network }, Date.now());
    return id;
  }

  /** A node of its own for each: three faults in a row would drain one. */
  newNode(tier: 'trusted' | 'volunteer' = 'trusted'): string {
    this.#nodes += 1;
    return this.addNode(`node-${this.#nodes}`, tier);
  }

  /** This volunteer has spoken of so many at the head of the queue. */
  vote(node: string, builds: number): void {
    this.storage.sql.exec(
      `INSERT INTO votes (request_hash, operator, node_id, tier, lease_id, outcome, at, verdict)
       SELECT request_hash, ?, ?, 'volunteer', '', 'image', 0, 'open' FROM builds
       WHERE state = 'queued' AND needs_trust = 0 ORDER BY turn, sequence LIMIT ?`,
      `operator of ${node}`,
      node,
      builds,
    );
  }

  /** Each waiting build has a volunteer's vote, and waits for another operator's. */
  begin(): void {
    const volunteers = NODES - NODES / TRUSTED_ONE_IN;
    // The numbers of nodes that are not trusted (isTrusted), one after the other.
    const place = `CAST(sequence % ${volunteers} AS INTEGER)`;
    const most = TRUSTED_ONE_IN - 1;
    this.storage.sql.exec(
      `INSERT INTO votes (request_hash, operator, node_id, tier, lease_id, network, outcome, digest, inputs, at, verdict)
       SELECT request_hash, 'operator of ' || node, node, 'volunteer', 'begun', 'network of ' || node, 'image', 'd', 'i', ?, 'open'
       FROM (SELECT request_hash, 'crowd-' || (${place} / ${most} * ${TRUSTED_ONE_IN} + ${place} % ${most} + 1) AS node FROM builds
         WHERE state = 'queued' AND needs_trust = 0)
       WHERE true ON CONFLICT DO NOTHING`,
      Date.now(),
    );
    this.storage.sql.exec(
      `UPDATE builds SET needs_trust = ?, draw = hex(randomblob(16)), queued_at = ? WHERE state = 'queued' AND needs_trust = 0`,
      schema.WHOM.another,
      Date.now(),
    );
  }

  /** Each node has just asked for work. */
  allAreHere(): void {
    this.storage.sql.exec("UPDATE nodes SET last_seen_at = ? WHERE id LIKE 'crowd-%'", Date.now());
  }

  async lease(nodeId: string): Promise<Order | null> {
    const told = { softwareVersion: '1.0.0', slots: SLOTS, held: [], network: `network of ${nodeId}` };
    const answer = await this.foreman.lease(nodeId, { idempotencyKey: crypto.randomUUID(), waitMs: 0, ...told });
    if ('refused' in answer) throw new Error(answer.refused);
    return answer.order;
  }

  async order(nodeId: string): Promise<Order> {
    const order = await this.lease(nodeId);
    if (!order) throw new Error(`expected an order for ${nodeId}`);
    return order;
  }
}
