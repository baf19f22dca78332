/** Puts a node together and runs it until told to stop. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Agent } from './agent.ts';
import { pause } from './backoff.ts';
import type { NodeConfig } from './config.ts';
import { openDatabase } from './db/open-database.ts';
import { foremanClient } from './edge-client.ts';
import { Memberships } from './membership.ts';
import { loadNodeKey } from './node-key.ts';
import { Outbox } from './outbox.ts';

const RENEW_CHECK_MS = 10 * 60_000;

/** @throws JoinRefused where the edge will not have this node */
export async function runNode(config: NodeConfig, signal: AbortSignal): Promise<void> {
  const { edgeUrl, stateDirectory } = config;
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  const key = await loadNodeKey(stateDirectory);
  const { db, close } = openDatabase(path.join(stateDirectory, 'node.sqlite'));
  try {
    const memberships = new Memberships(db, edgeUrl);
    const client = foremanClient(edgeUrl, key, memberships.current);
    await memberships.establish(client, key, { token: config.joinToken, name: config.name }, signal);
    if (signal.aborted) return;
    console.log(`ready: ${config.slots} slots for ${edgeUrl}`);
    const renewing = renewUntil(
      signal,
      () => memberships.isDue(Date.now()),
      () => memberships.renew(client, signal),
    );
    const agent = new Agent({
      edgeUrl,
      client,
      key,
      membership: memberships.current,
      outbox: new Outbox(db, edgeUrl),
      stateDirectory,
      slots: config.slots,
      reportMs: config.reportMs,
      log: (line) => console.log(line),
    });
    await agent.run(signal);
    await renewing;
  } finally {
    close();
  }
}

async function renewUntil(signal: AbortSignal, isDue: () => boolean, renew: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    if (isDue()) await renew().catch((error) => console.error(`renewing the certificate failed: ${error.message}`));
    await pause(RENEW_CHECK_MS, signal);
  }
}
