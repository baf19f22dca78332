/** A server of one build, a directory for what it sends, and `asu build` between them. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { type AsuProcess, asu, type Ended, inProcess, startAsu } from './asu-process.fixture.ts';
import { buildCommand } from './build-command.ts';
import { BuildServer, IMAGE, sha256 } from './build-server.fixture.ts';

export const WHAT = ['--version', '24.10.2', '--target', 'x86/64', '--profile', 'generic'];

export class BuildScene {
  readonly server: BuildServer;
  readonly directory: string;
  readonly #running: AsuProcess[] = [];

  private constructor(server: BuildServer, directory: string) {
    this.server = server;
    this.directory = directory;
  }

  static async start(): Promise<BuildScene> {
    return new BuildScene(await BuildServer.start(), await mkdtemp(path.join(tmpdir(), 'asu-build-')));
  }

  async close(): Promise<void> {
    for (const one of this.#running) one.process.kill('SIGKILL');
    await this.server.close();
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Where the images go. */
  get out(): string {
    return path.join(this.directory, 'out');
  }

  words(...more: readonly string[]): string[] {
    return ['build', '--server', this.server.url, '--output', this.out, ...more];
  }

  build(...more: readonly string[]): Promise<Ended> {
    return asu(this.words(...WHAT, ...more), { cwd: this.directory });
  }

  /** The same without a process of its own. */
  buildHere(...more: readonly string[]): Promise<Ended> {
    return inProcess(buildCommand, this.words(...WHAT, ...more).slice(1));
  }

  start(...more: readonly string[]): AsuProcess {
    const one = startAsu(this.words(...more), { cwd: this.directory });
    this.#running.push(one);
    return one;
  }

  there(): Promise<string[]> {
    return readdir(this.out).catch(() => []);
  }

  partName(): string {
    return `${IMAGE}.${sha256(this.server.image).slice(0, 12)}.part`;
  }

  /** Of what has come so far. */
  async partBytes(): Promise<number> {
    return (await stat(path.join(this.out, this.partName())).catch(() => null))?.size ?? 0;
  }

  async fileOf(name: string, text: string | Uint8Array): Promise<string> {
    const file = path.join(this.directory, name);
    await writeFile(file, text);
    return file;
  }

  async expectImage(): Promise<void> {
    expect(await this.there()).toEqual([IMAGE]);
    expect(sha256(await readFile(path.join(this.out, IMAGE)))).toBe(sha256(this.server.image));
  }
}

export async function until(check: () => boolean): Promise<void> {
  while (!check()) await sleep(20);
}
