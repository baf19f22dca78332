/**
 * A client of the v1 API, as a router is one: post, poll, download, check. Used by the demo and by tests; everything it
 * knows it knows from the answers.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { backoffMs, pause } from '../backoff.ts';

export interface ImageRequest {
  readonly version: string;
  readonly target: string;
  readonly profile: string;
  readonly [field: string]: unknown;
}

export interface BuiltImage {
  readonly name: string;
  readonly type: string;
  readonly sha256: string;
  readonly size: number;
}

export interface BuildAnswerBody {
  readonly status: number;
  readonly detail: string;
  readonly request_hash: string;
  readonly imagebuilder_status: string;
  readonly queue_position?: number;
  readonly eta_seconds?: number;
  readonly progress?: { readonly bytes: number; readonly total: number };
  readonly images: readonly BuiltImage[];
  readonly bin_dir: string;
  readonly manifest: Readonly<Record<string, string>>;
  readonly stderr?: string;
}

/** The server said no; `detail` is its sentence. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

const POLL_MS = 400;
const DOWNLOAD_TRIES = 5;

export async function postBuild(
  serverUrl: string,
  request: ImageRequest,
  signal?: AbortSignal,
): Promise<BuildAnswerBody> {
  const response = await fetch(`${serverUrl}/api/v1/build`, {
    method: 'POST',
    body: JSON.stringify(request),
    ...(signal && { signal }),
  });
  return answerOf(response);
}

/** Polls until the image is there. `onPending` sees every answer on the way. */
export async function buildImage(
  serverUrl: string,
  request: ImageRequest,
  onPending: (answer: BuildAnswerBody) => void,
  signal: AbortSignal,
): Promise<BuildAnswerBody> {
  let answer = await postBuild(serverUrl, request, signal);
  while (answer.status === 202) {
    onPending(answer);
    await pause(POLL_MS, signal);
    signal.throwIfAborted();
    answer = await answerOf(await fetch(`${serverUrl}/api/v1/build/${answer.request_hash}`, { signal }));
  }
  return answer;
}

/** @throws RequestRefused */
async function answerOf(response: Response): Promise<BuildAnswerBody> {
  const body = (await response.json()) as BuildAnswerBody;
  if (response.status === 200 || response.status === 202) return body;
  const log = body.stderr ? `\n${body.stderr.split('\n').slice(-12).join('\n')}` : '';
  throw new RequestRefused(response.status, `${body.detail}${log}`);
}

/**
 * Downloads one image and checks its sha256; what was interrupted goes on where it was. Returns the file's path.
 * @throws Error where the bytes are not those that the server promised
 */
export async function downloadImage(
  serverUrl: string,
  binDir: string,
  image: BuiltImage,
  directory: string,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  await mkdir(directory, { recursive: true });
  const file = path.join(directory, path.basename(image.name));
  const part = `${file}.part`;
  for (let failures = 0; ; ) {
    try {
      await continueDownload(
        `${serverUrl}/store/${binDir}/${encodeURIComponent(image.name)}`,
        image,
        part,
        onProgress,
        signal,
      );
      break;
    } catch (error) {
      failures += 1;
      if (signal.aborted || failures >= DOWNLOAD_TRIES) throw error;
      await pause(backoffMs(failures, Math.random()), signal);
    }
  }
  await rename(part, file);
  return file;
}

async function continueDownload(
  url: string,
  image: BuiltImage,
  part: string,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const there = await stat(part).then(
    (found) => found.size,
    () => 0,
  );
  if (there < image.size) {
    const headers = there > 0 ? { range: `bytes=${there}-`, 'if-range': `"${image.sha256}"` } : undefined;
    const response = await fetch(url, { signal, redirect: 'error', ...(headers && { headers }) });
    if (!response.ok || !response.body) throw new Error(`${url}: status ${response.status}`);
    const resumed = response.status === 206;
    let bytes = resumed ? there : 0;
    const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
    body.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      onProgress(bytes);
    });
    await pipeline(body, createWriteStream(part, { flags: resumed ? 'a' : 'w' }), { signal });
  }
  const got = await sha256OfFile(part);
  if (got !== image.sha256) {
    await rm(part, { force: true });
    throw new Error(`${image.name}: expected sha256 ${image.sha256}, got ${got}`);
  }
}

export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}
