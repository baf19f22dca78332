/**
 * `npm run demo`: one request as a router would send it, from miss to image, and the same again to show a hit. Everything
 * is real: the edge, the node, the ImageBuilder, the upload, the download.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { PendingAnswer } from '../client/build-answer.ts';
import { downloadImage } from '../client/download-image.ts';
import { followBuild, hashOf, type ImageRequest, postBuild } from '../client/follow-build.ts';
import { Patience } from '../client/patience.ts';
import { sha256OfFile } from '../sha256-of-file.ts';
import { LiveLine } from './live-line.ts';
import type { StackOptions } from './options.ts';
import { type Stack, StackError, startStack } from './stack.ts';

/** As owut would ask: the board's name, an extra package, a default left out. */
const REQUEST: ImageRequest = {
  distro: 'openwrt',
  version: '24.10.2',
  target: 'demo/generic',
  profile: 'acme,ax3000-v1',
  packages: ['luci', '-ppp-mod-pppoe'],
  client: 'asu-demo',
};

/** All of it is on this machine, so what does not answer for so long will not. */
const PATIENCE_MS = 60_000;

export async function runDemo(options: StackOptions, signal: AbortSignal): Promise<void> {
  const stateDirectory = options.keepsState
    ? options.stateDirectory
    : await mkdtemp(path.join(os.tmpdir(), 'asu-demo-'));
  const line = new LiveLine(process.stdout);
  let stack: Stack | undefined;
  try {
    console.log('starting the edge, a farm node and the demo mirror …');
    stack = await startStack({ ...options, stateDirectory }, (text) => line.print(`  ${text}`), signal);
    console.log(`ready: ${stack.url}`);
    await showOneBuild(stack.url, line, signal);
  } finally {
    await stack?.stop();
    if (!options.keepsState) await rm(stateDirectory, { recursive: true, force: true });
  }
}

async function showOneBuild(url: string, line: LiveLine, signal: AbortSignal): Promise<void> {
  console.log(`\nPOST ${url}/api/v1/build\n${JSON.stringify(REQUEST)}\n`);
  const missStarted = performance.now();
  const patience = new Patience({ patienceMs: PATIENCE_MS, onWait: ({ reason }) => line.update(`waiting: ${reason}`) });
  const built = await followBuild(
    url,
    { kind: 'request', request: REQUEST },
    patience,
    { onPending: (pending) => line.update(describe(pending), pending.imagebuilder_status) },
    signal,
  );
  const missMs = performance.now() - missStarted;
  line.end(
    `built after ${seconds(missMs)}: ${Object.keys(built.manifest).length} packages, ${built.images.length} images`,
  );

  const image = built.images.find((candidate) => candidate.type === 'sysupgrade') ?? built.images[0];
  if (!image) throw new StackError('The answer names no image. This is a bug; please report it with the lines above');
  // Of its own for each user of this machine: another one's cannot be written.
  const directory = path.join(os.tmpdir(), `asu-demo-images-${os.userInfo().uid}`);
  const { path: file } = await downloadImage({
    serverUrl: url,
    binDir: built.bin_dir,
    image,
    directory,
    patience,
    onProgress: (bytes) => line.update(`downloading ${image.name}: ${bytes} of ${image.size} bytes`, 'download'),
    signal,
  });
  line.end(`downloaded ${image.size} bytes; sha256 ${await sha256OfFile(file)} is what the answer promised`);

  const hitStarted = performance.now();
  const again = await postBuild(url, REQUEST, signal);
  const hitMs = performance.now() - hitStarted;
  if (again.state !== 'done' || hashOf(again) !== built.request_hash)
    throw new StackError('The second request was no hit. This is a bug; please report it with the lines above');
  console.log(`asked again: ${hitMs.toFixed(1)} ms instead of ${seconds(missMs)}, answered by the edge alone`);
  console.log(`\nthe image: ${file}`);
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

function describe(pending: PendingAnswer): string {
  if (pending.queue_position !== undefined)
    return `queued, position ${pending.queue_position}, about ${pending.eta_seconds} s`;
  const bytes = pending.progress ? `, ${pending.progress.bytes} of ${pending.progress.total} bytes` : '';
  return `${pending.imagebuilder_status}${bytes}`;
}
