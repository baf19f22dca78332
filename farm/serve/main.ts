/**
 * `npm run serve`: the edge without Cloudflare, in the foreground, for systemd or a container to keep. It ends when workerd ends, with a
 * status that says that this was not asked for; every failure is a sentence that says what to do.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EdgeSettingName, EdgeSettings } from '../../shared/edge-settings.ts';
import { UsageError } from '../cli/flags.ts';
import { takeState } from '../disk/take-state.ts';
import { BucketRefused, ensureBucket } from '../stack/bucket.ts';
import { configTable, type Given } from '../stack/config-table.ts';
import { adminKeyFile, loadAdminKey, loadServerKey } from '../stack/secrets.ts';
import { gather, judge, parseServeCommand, SERVE_HELP, type ServeCommand } from './serve-options.ts';
import { serveDirectory, startWorkerdEdge } from './workerd-edge.ts';

type Wish = Exclude<ServeCommand, { readonly command: 'help' }>;

const BUCKET_PATIENCE_MS = 60_000;
const BUCKET_AGAIN_MS = 1_000;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());

try {
  const wish = parseServeCommand(process.argv.slice(2));
  if (wish.command === 'help') console.log(SERVE_HELP);
  else if (wish.command === 'print-config') console.log(configTable(await variablesOf(wish)));
  else await serve(wish);
} catch (error) {
  process.exitCode = error instanceof UsageError ? 2 : 1;
  console.error((error as Error).message);
}

async function serve(wish: Wish): Promise<void> {
  const given = await variablesOf(wish);
  const settings = judge(given);
  // Two would write into each other's databases.
  using _lock = await takeState(serveDirectory(wish.stateDirectory));
  await untilBucket(settings);
  if (stop.signal.aborted) return;
  const variables = Object.fromEntries([...given].map(([name, { value }]) => [name, value]));
  const { address, stateDirectory } = wish;
  const edge = await startWorkerdEdge({
    address,
    stateDirectory,
    variables,
    signal: stop.signal,
    onLine: (line) => console.log(line),
  }).catch((error) => {
    if (stop.signal.aborted) return null;
    throw error;
  });
  if (!edge) return;
  console.log(`ready: http://${address} serves ${settings.UPSTREAM_URL}; state in ${stateDirectory}; SIGTERM stops it`);
  if (given.get('ADMIN_KEY')?.from === stateDirectory)
    console.log(`operators: asu nodes --edge http://${address} --admin-key-file ${adminKeyFile(stateDirectory)}`);
  const asked = new Promise<'asked'>((resolve) => {
    if (stop.signal.aborted) resolve('asked');
    stop.signal.addEventListener('abort', () => resolve('asked'), { once: true });
  });
  const how = await Promise.race([asked, edge.ended]);
  await edge.stop();
  if (how !== 'asked') throw new Error(`workerd ended by itself (${how}); its last lines say why`);
}

/** With the keys of the state directory where none are given. @throws UsageError */
async function variablesOf(wish: Wish): Promise<Map<EdgeSettingName, Given>> {
  const { settingsFile, stateDirectory } = wish;
  const text =
    settingsFile === null
      ? ''
      : await readFile(settingsFile, 'utf8').catch((error) => {
          throw new UsageError(`--settings: ${error.message}`);
        });
  const given = new Map(gather(wish, text, process.env));
  for (const [name, load] of [
    ['SERVER_KEY', loadServerKey],
    ['ADMIN_KEY', loadAdminKey],
  ] as const)
    if (!given.has(name))
      given.set(name, {
        // Who only looks makes none.
        value: wish.command === 'print-config' ? '(made at the first start)' : await load(stateDirectory),
        from: stateDirectory,
      });
  return given;
}

/** A store that starts at the same time is waited for; one that refuses is told at once. */
async function untilBucket(settings: EdgeSettings): Promise<void> {
  const until = Date.now() + BUCKET_PATIENCE_MS;
  for (let tries = 0; !stop.signal.aborted; tries += 1) {
    try {
      const place = {
        endpoint: settings.S3_ENDPOINT,
        bucket: settings.S3_BUCKET,
        region: settings.S3_REGION,
        accessKeyId: settings.S3_ACCESS_KEY_ID,
        secretAccessKey: settings.S3_SECRET_ACCESS_KEY,
      };
      return await ensureBucket(place, stop.signal);
    } catch (error) {
      if (stop.signal.aborted) return;
      if (error instanceof BucketRefused) throw error;
      if (tries === 0) console.error(`${(error as Error).message}; trying again for ${BUCKET_PATIENCE_MS / 1000} s`);
      if (Date.now() > until) break;
      await sleep(BUCKET_AGAIN_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  }
  // What is in KV is answered without the store, and the rest as what it is: ours, and for now.
  if (!stop.signal.aborted)
    console.error('starting without the S3 store: no image can be served or built until it answers');
}
