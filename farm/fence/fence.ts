/**
 * Whether this machine can fence builds in, found out by doing it: kernels, security modules and containers forbid parts of
 * it in ways that no version number tells. A node that only believed in its fence would run strangers' code without one.
 */
import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { totalmem } from 'node:os';
import path from 'node:path';
import { runProcess, type SandboxWishes } from '../build/run-process.ts';
import { defaultBounds } from './bounds.ts';
import { type FenceHost, type OverlayWay, readFenceHost } from './fence-host.ts';
import { fencedCommand } from './fenced-command.ts';
import { knowsListener, PROXY_PORT } from './inner-listener.ts';
import { removeTree } from './remove-tree.ts';
import { whyForbidden } from './why-forbidden.ts';

/** `told` is one sentence or a few, for the log, doctor and provenance; it names no path of this machine. */
export type Fence =
  | { readonly kind: 'bubblewrap'; readonly canOverlay: boolean; readonly told: string; readonly host: FenceHost }
  | {
      readonly kind: 'none';
      readonly canOverlay: false;
      readonly told: string;
      readonly host: null;
      /** It was tried, and failed: on a machine that has just been switched on and is busy it may for that. */
      readonly mayPass?: true;
    };

/** Of each thing that is tried. */
const TRY_MS = 15_000;

/** Tries it below `<stateDirectory>/work`, where the next start removes what a crash leaves. Never throws. */
export async function probeFence(stateDirectory: string): Promise<Fence> {
  try {
    const found = await readFenceHost();
    if ('missing' in found) {
      const [first] = found.missing;
      return none(`${first?.tool} is not installed (apt-get install ${first?.package})`);
    }
    if (!knowsListener(process.arch)) return none(`nobody has tried it on a processor of the kind ${process.arch}`);
    const works = await attempt(stateDirectory, (place) => tryFence(place, found.host));
    if (works !== null) return { ...none(await because(works)), mayPass: true };
    return await withOverlay(stateDirectory, found.host);
  } catch (error) {
    return { ...none(reasonOf(error, stateDirectory)), mayPass: true };
  }
}

/** What bubblewrap itself says too: the switch that we know of need not be what is in its way. */
async function because(works: string): Promise<string> {
  const why = await whyForbidden();
  return why === null ? works : `${why}; it says: ${works}`;
}

const none = (why: string): Extract<Fence, { readonly kind: 'none' }> => ({
  kind: 'none',
  canOverlay: false,
  told: `Builds run without a fence: ${why}.`,
  host: null,
});

async function withOverlay(stateDirectory: string, host: FenceHost): Promise<Fence> {
  const ways: readonly Exclude<OverlayWay, null>[] =
    process.getuid?.() === 0 ? ['as root', 'in a user namespace'] : ['in a user namespace'];
  const inside = host.canDisableUserNamespaces
    ? ''
    : '; bubblewrap is older than 0.8, so they may make user namespaces';
  const fenced = `Builds run in bubblewrap${inside}`;
  let refused = '';
  for (const overlay of ways) {
    const able = { ...host, overlay };
    const works = await attempt(stateDirectory, (place) => tryOverlay(place, able));
    if (works === null)
      return { kind: 'bubblewrap', canOverlay: true, told: `${fenced}, each over an overlay of the tree.`, host: able };
    refused = works;
  }
  const told = `${fenced}, each in a copy of the tree, since an overlay cannot be had: ${refused}.`;
  return { kind: 'bubblewrap', canOverlay: false, told, host };
}

/** Null when it works, else why it does not. */
async function attempt(stateDirectory: string, tryIn: (place: string) => Promise<void>): Promise<string | null> {
  const work = path.join(stateDirectory, 'work');
  await mkdir(work, { recursive: true, mode: 0o700 });
  const place = await mkdtemp(path.join(work, 'fence-probe-'));
  try {
    for (const part of ['tree', 'upper', 'work', 'bin', 'home', 'tmp', 'lower']) await mkdir(path.join(place, part));
    await tryIn(place);
    return null;
  } catch (error) {
    return reasonOf(error, stateDirectory);
  } finally {
    await removeTree(place).catch(() => {});
  }
}

/** With the node's own Node.js, since builds need it inside, and with somebody to ask as they ask the package proxy. */
async function tryFence(place: string, host: FenceHost): Promise<void> {
  const script = `require('node:http').get('http://127.0.0.1:${PROXY_PORT}', ({ statusCode }) => {
    require('node:fs').writeFileSync('written', [process.getuid(), process.pid, statusCode].join(' '));
    process.exit();
  })`;
  const server = createServer((_, response) => response.writeHead(204).end());
  const serve: SandboxWishes['serve'] = (listener) => {
    server.listen(listener);
    return () => {
      server.close();
      server.closeAllConnections();
    };
  };
  await runIn(place, null, ['node', '-e', script], host, serve);
  const written = await readFile(path.join(place, 'tree/written'), 'utf8');
  if (!/^1000 \d{1,2} 204$/.test(written)) throw new Error('its processes are not in namespaces of their own');
}

/** What every build does to files of the tree below, in ways that overlays are refused in. */
async function tryOverlay(place: string, host: FenceHost): Promise<void> {
  const lower = path.join(place, 'lower');
  for (const file of ['written', 'removed', 'moved']) await writeFile(path.join(lower, file), file);
  await mkdir(path.join(lower, 'directory'));
  const script = 'echo more >>written && rm removed && mv moved elsewhere && rm -r directory && mkdir directory && ls';
  const { stdout } = await runIn(place, lower, ['sh', '-c', script], host);
  const below = [...(await readdir(lower)), await readFile(path.join(lower, 'written'), 'utf8')].join(' ');
  if (stdout !== 'directory\nelsewhere\nwritten\n' || below !== 'directory moved removed written written')
    throw new Error('what was written over a tree was not kept apart from it');
}

async function runIn(
  place: string,
  lower: string | null,
  [file = '', ...args]: string[],
  host: FenceHost,
  serve?: SandboxWishes['serve'],
) {
  const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };
  const enclosure = { workspace: place, lower, hasListener: serve !== undefined };
  const fenced = fencedCommand(enclosure, { file, args, environment }, host);
  // It is tried whether the fence stands; a machine that is short of something at this moment still has one.
  const bounds = { ...defaultBounds(totalmem()), freeBytes: 0, freeFiles: 0, availableMemoryBytes: 0 };
  const run = await runProcess({
    ...fenced,
    cwd: place,
    signal: AbortSignal.timeout(TRY_MS),
    temporaryDirectory: place,
    sandbox: { workspace: place, bounds, serve },
  });
  if (run.ended.state !== 'exited' || run.ended.exitCode !== 0)
    throw new Error(run.stderr.trim().split('\n').at(-1) || `it ended with ${JSON.stringify(run.ended)}`);
  return run;
}

const MAX_REASON_LENGTH = 200;

/** Its last line is what the tool that failed says. */
function reasonOf(error: unknown, stateDirectory: string): string {
  const lines = (error instanceof Error ? error.message : String(error)).trim().split('\n');
  return (lines.at(-1) ?? '').replaceAll(stateDirectory, '<state>').slice(0, MAX_REASON_LENGTH);
}
