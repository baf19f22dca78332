/** Puts a node together and runs it until told to stop. */
import os from 'node:os';
import path from 'node:path';
import { nodeIdOf } from '../shared/node/node-identity.ts';
import { Agent } from './agent/agent.ts';
import { Outbox } from './agent/outbox.ts';
import { Workshop } from './build/workshop.ts';
import type { NodeConfig } from './config.ts';
import { openDatabase } from './db/open-database.ts';
import { DiskWatch } from './disk/disk-watch.ts';
import { settleDiskBudget } from './disk/settle-disk-budget.ts';
import { defaultBounds } from './fence/bounds.ts';
import type { Fence } from './fence/fence.ts';
import { ListenError } from './listen-on.ts';
import { nodeLog } from './log/node-log.ts';
import { foremanClient } from './membership/edge-client.ts';
import { Memberships, tierOf } from './membership/membership.ts';
import { loadNodeKey } from './membership/node-key.ts';
import { serveMetrics } from './metrics/metrics-server.ts';
import { NodeMetrics } from './metrics/node-metrics.ts';
import { onceFree } from './once-free.ts';
import { nodeService } from './server/node-service.ts';
import { serveNode } from './server/serve-node.ts';
import { BegunUploads } from './upload/begun-uploads.ts';
import { DirectStore } from './upload/direct-store.ts';
import { type StorePlace, secretsOf } from './upload/node-s3.ts';

/** What was read and tried before the start; see cli/node-command.ts. */
export interface NodeStart extends Omit<NodeConfig, 's3'> {
  readonly s3: StorePlace | null;
  /** usign public keys, checked. */
  readonly upstreamKeys: readonly string[];
  readonly fence: Fence;
}

/**
 * The state directory must be there, and locked.
 * @throws JoinRefused where the edge will not have this node; ListenError; the signal's reason while it waits for a port
 */
export async function runNode(config: NodeStart, signal: AbortSignal): Promise<void> {
  const { edgeUrl, stateDirectory } = config;
  const log = nodeLog({
    format: config.logFormat,
    write: (line) => console.log(line),
    now: () => new Date(),
    secrets: [config.joinToken, ...(config.s3 ? secretsOf(config.s3) : [])],
  });
  const key = await loadNodeKey(stateDirectory);
  const { db, close } = openDatabase(path.join(stateDirectory, 'node.sqlite'));
  const outbox = new Outbox(db, edgeUrl);
  const store = config.s3 && new DirectStore({ place: config.s3, begun: new BegunUploads(db), log: log.line });
  const leftBehind = outbox.unfinished();
  const workshop = await openWorkshop(config, leftBehind, log.line, (bytes) =>
    metrics.imageBuilderBytesDownloaded(bytes),
  );
  const metrics = new NodeMetrics({
    slots: config.slots,
    disk: () => workshop.budget.space(),
    packages: () => workshop.packages.counters,
    unheard: () => outbox.unacknowledged().length,
  });
  try {
    const whenFree = <Served>(serve: () => Promise<Served>) =>
      onceFree(serve, { isTaken: (error) => error instanceof ListenError && error.passes, signal, tell: log.line });
    const { metrics: metricsAt, listen: listenAt } = config;
    await using _metrics = metricsAt && (await whenFree(() => serveMetrics(metricsAt, () => metrics.text())));
    const memberships = new Memberships(db, edgeUrl);
    const client = foremanClient(edgeUrl, key, memberships.current);
    await memberships.establish(client, key, { token: config.joinToken, name: config.name }, signal);
    if (signal.aborted) return;
    if (store && tierOf(memberships.current()?.certificate ?? '') !== 'trusted')
      store.refuse('this node is a volunteer');
    // Beside the work: a store that hangs takes minutes for each of them.
    const dropping = store
      ?.dropAllBut(leftBehind, signal)
      .catch((error) => log.log('dropping uploads that were begun failed', { reason: error.message }));
    const agent = new Agent({
      edgeUrl,
      client,
      key,
      membership: memberships.current,
      clock: memberships.clock,
      outbox,
      store,
      workshop,
      disk: new DiskWatch(workshop.budget),
      metrics,
      slots: config.slots,
      foreignFeeds: config.foreignFeeds,
      reportMs: config.reportMs,
      log: log.line,
    });
    const facts = { nodeId: nodeIdOf(key.publicKey), name: config.name, sandbox: config.fence.told };
    await using listener = listenAt && (await whenFree(() => serveNode(listenAt, nodeService(agent, facts))));
    signal.addEventListener('abort', () => listener?.stop(), { once: true });
    log.line(config.fence.told);
    log.line(`ready: ${config.slots} slots for ${edgeUrl}`);
    const renewing = memberships.keepRenewed(client, log.line, signal);
    await agent.run(signal);
    await Promise.all([renewing, dropping]);
  } finally {
    await workshop.close();
    close();
  }
}

const openWorkshop = async (
  config: NodeStart,
  keep: readonly string[],
  tell: (line: string) => void,
  onImageBuilderBytes: (bytes: number) => void,
): Promise<Workshop> =>
  await Workshop.open({
    stateDirectory: config.stateDirectory,
    keep,
    trust: {
      keys: config.upstreamKeys,
      allowUnsigned: config.allowsUnsigned,
      keysSetting: '--upstream-keys',
      gpgKeyFile: config.upstreamGpgKeyFile,
    },
    diskBytes: await settleDiskBudget(config.stateDirectory, config.diskBudgetBytes),
    reserveBytes: config.diskReserveBytes,
    bounds: {
      ...defaultBounds(os.totalmem()),
      memoryBytes: config.buildMemoryBytes,
      processes: config.buildProcesses,
      freeBytes: config.diskReserveBytes,
    },
    fence: config.fence,
    foreignFeeds: config.foreignFeeds,
    mirrorRedirectsTo: config.mirrorRedirectsTo,
    onImageBuilderBytes,
    tell,
  });
