/**
 * What the tests of the fence share: each runs as root, where the tests do, and as an ordinary user, because the two are kept
 * apart from the machine by different means. The driver is bundled into a directory that such a user can read, wherever the
 * project itself lies.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Bounds } from './bounds.ts';
import type { Fence } from './fence.ts';
import type { DriverJob, DriverResult } from './fence-driver.fixture.ts';
import type { Enclosure } from './fenced-command.ts';
import { removeTree } from './remove-tree.ts';

/** Of nobody on any machine. */
const ORDINARY_USER = 54_321;
const STRAY_AT = 40;
const isRoot = process.getuid?.() === 0;

export type User = 'root' | 'an ordinary user';
export const USERS: readonly User[] = isRoot ? ['root', 'an ordinary user'] : ['an ordinary user'];

export interface RunOptions {
  readonly overlay?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  readonly bounds?: Partial<Bounds>;
  readonly abortAt?: string;
  /** Of the node itself. */
  readonly nodeEnvironment?: Readonly<Record<string, string>>;
  /** A descriptor of ours that the node inherits, as from a careless service manager. */
  readonly stray?: number;
}

/** The state directory of one user's node, with workspaces in it. */
export class FenceUnderTest {
  readonly state: string;
  readonly fence: Fence;
  readonly #user: User;
  readonly #program: string;
  readonly #drivers = new Set<ChildProcess>();
  #builds = 0;

  private constructor(state: string, user: User, program: string, fence: Fence) {
    this.state = state;
    this.#user = user;
    this.#program = program;
    this.fence = fence;
  }

  static async start(user: User): Promise<FenceUnderTest> {
    const root = await mkdtemp(path.join(tmpdir(), 'fence-'));
    await chmod(root, 0o755);
    const program = path.join(root, 'program');
    await mkdir(program);
    await build({
      entryPoints: [fileURLToPath(new URL('fence-driver.fixture.ts', import.meta.url))],
      outfile: path.join(program, 'driver.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      // What it bundles may be CommonJS.
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      logLevel: 'error',
    });
    await copyFile(process.execPath, path.join(program, 'node'));
    const state = path.join(root, 'state');
    await mkdir(state, { mode: 0o700 });
    const self = new FenceUnderTest(state, user, program, null as unknown as Fence);
    await self.own(state);
    const fence = (await self.#last(self.#start({ do: 'probe', stateDirectory: state }, {}))) as unknown as Fence;
    if (fence.kind === 'none') throw new Error(`expected a fence for ${user}, got: ${fence.told}`);
    return new FenceUnderTest(state, user, program, fence);
  }

  /** On a machine that is lacking something: `shell` takes it away, in namespaces that nobody else is in. */
  async probeWithout(shell: string, stateDirectory = this.state): Promise<Fence> {
    const under = ['unshare', '--user', '--map-root-user', '--mount', '--', 'sh', '-ec', `${shell}; exec "$@"`, 'sh'];
    return (await this.#last(this.#start({ do: 'probe', stateDirectory }, {}, undefined, under))) as unknown as Fence;
  }

  async own(file: string): Promise<void> {
    if (isRoot && this.#user !== 'root') await chown(file, ORDINARY_USER, ORDINARY_USER);
  }

  async workspace(name: string): Promise<string> {
    const workspace = path.join(this.state, 'work', name);
    for (const part of ['', 'tree', 'upper', 'work', 'bin', 'home', 'tmp']) {
      await mkdir(path.join(workspace, part), { mode: 0o755 });
      await this.own(path.join(workspace, part));
    }
    return workspace;
  }

  /** Workspaces that newWorkspace made. */
  get builds(): number {
    return this.#builds;
  }

  async newWorkspace(): Promise<string> {
    return await this.workspace(`build-${this.#builds++}`);
  }

  /** In a new workspace, without an overlay and without a proxy. */
  async runAlone(command: readonly string[], options?: RunOptions): Promise<DriverResult> {
    return await this.run({ workspace: await this.newWorkspace(), lower: null, hasListener: false }, command, options);
  }

  async run(enclosure: Enclosure, command: readonly string[], options: RunOptions = {}): Promise<DriverResult> {
    return (await this.#last(this.start(enclosure, command, options))) as unknown as DriverResult;
  }

  /** Without waiting for its end; it prints `{"ready":true}` when the command prints "ready". */
  start(enclosure: Enclosure, command: readonly string[], options: RunOptions = {}): ChildProcess {
    if (this.fence.host === null) throw new Error('expected a fence');
    const { environment = { PATH: '/usr/bin:/bin' }, bounds = {}, abortAt = null } = options;
    const { host } = this.fence;
    return this.#start(
      { do: 'run', host, enclosure, command, environment, bounds, abortAt },
      options.nodeEnvironment ?? {},
      options.stray,
    );
  }

  #start(
    job: DriverJob,
    environment: Readonly<Record<string, string>>,
    stray?: number,
    under: readonly string[] = [],
  ): ChildProcess {
    const command = [
      ...under,
      path.join(this.#program, 'node'),
      path.join(this.#program, 'driver.mjs'),
      JSON.stringify(job),
    ];
    const as = ['setpriv', `--reuid=${ORDINARY_USER}`, `--regid=${ORDINARY_USER}`, '--clear-groups', '--'];
    const [file = '', ...args] = isRoot && this.#user !== 'root' ? [...as, ...command] : command;
    const driver = spawn(file, args, {
      env: { PATH: process.env.PATH, ...environment },
      // High enough that Node.js, which looks at the first few, does not close it by itself.
      stdio: ['ignore', 'pipe', 'inherit', ...Array(STRAY_AT - 3).fill('ignore'), stray ?? 'ignore'],
    });
    this.#drivers.add(driver);
    driver.once('exit', () => this.#drivers.delete(driver));
    return driver;
  }

  async #last(driver: ChildProcess): Promise<Record<string, unknown>> {
    let last = '';
    if (driver.stdout !== null) for await (const line of createInterface({ input: driver.stdout })) last = line;
    return JSON.parse(last) as Record<string, unknown>;
  }

  async stop(): Promise<void> {
    for (const driver of this.#drivers) driver.kill('SIGKILL');
    await nobodyHas(path.dirname(this.state));
    await removeTree(path.dirname(this.state));
  }
}

/** Living processes with `word` in their command line. */
export async function processesWith(word: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const isZombie = stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
    if (line.includes(word) && !isZombie && Number(pid) !== process.pid) found.push(line.replaceAll('\0', ' '));
  }
  return found;
}

/** The test's own timeout is the only bound: a slow machine is no failure. */
export async function nobodyHas(word: string): Promise<void> {
  while ((await processesWith(word)).length > 0) await sleep(20);
}
