/**
 * What every bench in workerd needs: a directory of its own with the demo mirror in it, a workerd that reads its configuration there,
 * and an end that removes in reverse order whatever was begun, also where the beginning failed.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateMirror } from '../farm/demo/generate-mirror.ts';
import { serveMirror } from '../farm/demo/mirror-server.ts';
import type { WorkerdDirectories } from '../farm/serve/workerd-config.ts';
import { Child } from '../farm/stack/child-process.ts';

const PROJECT = path.join(import.meta.dirname, '..');
const START_PATIENCE_MS = 60_000;

export interface WorkerdStart {
  /** Its configuration, and the flags before that. */
  readonly config: string;
  readonly flags?: readonly string[];
  readonly secrets?: Readonly<Record<string, string>>;
  /** Asked until `isUp` says so of the answer and its text. */
  readonly url: string;
  readonly isUp?: (response: Response, text: string) => boolean;
}

export class BenchPlace {
  readonly directory: string;
  readonly #onLine: (line: string) => void;
  readonly #cleanups: (() => Promise<unknown>)[] = [];

  private constructor(directory: string, onLine: (line: string) => void) {
    this.directory = directory;
    this.#onLine = onLine;
    this.atEnd(() => rm(directory, { recursive: true, force: true }));
  }

  /** What `work` makes of a new place; where it throws, nothing of it is left. */
  static async with<Made>(onLine: (line: string) => void, work: (place: BenchPlace) => Promise<Made>): Promise<Made> {
    const place = new BenchPlace(await mkdtemp(path.join(os.tmpdir(), 'asu-bench-')), onLine);
    try {
      return await work(place);
    } catch (error) {
      await place.stop();
      throw error;
    }
  }

  atEnd(cleanup: () => Promise<unknown>): void {
    this.#cleanups.push(cleanup);
  }

  async stop(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse())
      await cleanup().catch((error) => this.#onLine(String(error)));
  }

  get mirrorDirectory(): string {
    return path.join(this.directory, 'mirror');
  }

  /** The demo mirror, and the variables by which an edge finds it. */
  async startMirror(): Promise<{ readonly UPSTREAM_URL: string; readonly UPSTREAM_KEYS: string }> {
    const { publicKey } = await generateMirror({ directory: this.mirrorDirectory });
    const mirror = await serveMirror(this.mirrorDirectory);
    this.atEnd(() => mirror.close());
    return { UPSTREAM_URL: mirror.url, UPSTREAM_KEYS: JSON.stringify([publicKey.trim().split('\n').at(-1) ?? '']) };
  }

  /** For what workerd keeps on disk. */
  async storage(): Promise<WorkerdDirectories> {
    const directories = { objects: path.join(this.directory, 'objects'), blobs: path.join(this.directory, 'blobs') };
    for (const each of Object.values(directories)) await mkdir(each);
    return directories;
  }

  /** A script of the project that serves on the port which is its argument. */
  async startNode(script: string, port: number): Promise<void> {
    const node = new Child({
      command: [process.execPath, path.join(PROJECT, script), String(port)],
      cwd: this.directory,
      env: process.env,
      onLine: this.#onLine,
    });
    this.atEnd(() => node.stop());
    await untilUp(`http://127.0.0.1:${port}`, ({ ok }) => ok, node);
  }

  /** Returns its configuration's file, by which its processes are known. */
  async startWorkerd({ config, flags = [], secrets = {}, url, isUp = ({ ok }) => ok }: WorkerdStart): Promise<string> {
    const configFile = path.join(this.directory, 'workerd.capnp');
    await writeFile(configFile, config);
    const workerd = new Child({
      command: [path.join(PROJECT, 'node_modules/.bin/workerd'), 'serve', '--experimental', ...flags, configFile],
      cwd: this.directory,
      env: { ...process.env, ...secrets },
      onLine: this.#onLine,
    });
    this.atEnd(() => workerd.stop());
    await untilUp(url, isUp, workerd);
    return configFile;
  }
}

async function untilUp(url: string, isUp: NonNullable<WorkerdStart['isUp']>, child: Child): Promise<void> {
  const until = Date.now() + START_PATIENCE_MS;
  let last = 'no answer';
  while (Date.now() < until) {
    if (child.hasEnded) throw new Error(`${url}: its server ended while starting (${await child.ended})`);
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
      last = await response.text();
      if (isUp(response, last)) return;
    } catch (error) {
      last = String(error);
    }
    await sleep(200);
  }
  throw new Error(`${url} was not up within ${START_PATIENCE_MS / 1000} s; its last word: ${last.slice(0, 1000)}`);
}
