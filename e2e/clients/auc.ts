/**
 * auc (C, on the router), as of its sources of 0.2.4: branches, the device's document in every version of a branch, two
 * package lists, POST with exact versions, GET until it has ended, download. Its buffers for URLs hold 255 characters and
 * its configured address often ends in a slash, so that it asks for `//json/…`. It shows the server's words for 500 alone.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Parsed, parseFields, typeOf } from './blobmsg.ts';
import { ClientFailure, NoAnswer } from './client-failure.ts';
import { compareDebianVersions } from './debian-version.ts';
import type { RawAnswer } from './raw-http.ts';
import type { RouterState } from './router-state.ts';
import { Uclient } from './uclient.ts';

export interface AucOptions {
  /** `-b`: another release branch. */
  readonly branch?: string;
  /** `-f`: in spite of downgrades and of packages that are not in the lists. */
  readonly force?: boolean;
  readonly pollMs?: number;
}

export interface AucImage {
  readonly requestHash: string;
  readonly version: string;
  readonly url: string;
  readonly bytes: Buffer;
  /** Whenever a poll told one. */
  readonly queuePositions: readonly number[];
}

interface Candidate {
  readonly branch: string;
  readonly version: string;
  readonly versionCode: string;
  readonly path: string;
  readonly arch: string;
}

const BRANCH = {
  enabled: 'bool',
  name: 'string',
  path: 'string',
  path_packages: 'string',
  targets: 'table',
  versions: 'array',
} as const;

/** One policy for a device's document and for every answer about a build. */
const TARGET = {
  arch_packages: 'string',
  bin_dir: 'string',
  detail: 'string',
  images: 'array',
  metadata_version: 'int32',
  queue_position: 'int32',
  request_hash: 'string',
  status: 'string',
  stderr: 'string',
  stdout: 'string',
  target: 'string',
  version_code: 'string',
  version_number: 'string',
} as const;

const IMAGE = { filesystem: 'string', name: 'string', sha256: 'string', type: 'string' } as const;
const BUILT_IN: readonly string[] = ['libc', 'librt', 'libpthread', 'kernel'];
const URL_CHARACTERS = 255;
/** Its own is 15 s; here the limit is for a hang, not a measurement. */
const PATIENCE_MS = 60_000;
const MAX_POLLS = 2000;

export class Auc {
  readonly wire = new Uclient({ userAgent: 'auc (0.2.4-8)', hostHasPort: false, patienceMs: PATIENCE_MS });
  readonly #server: string;
  readonly #router: RouterState;
  readonly #options: AucOptions;

  constructor(server: string, router: RouterState, options: AucOptions = {}) {
    this.#server = server;
    this.#router = router;
    this.#options = options;
  }

  /** Null: "Nothing to be updated". */
  async upgrade(): Promise<AucImage | null> {
    const candidate = this.#select(await this.#candidates());
    const available = await this.#packageLists(candidate);
    if (!this.#isUpgrade(candidate, available)) return null;
    const { target, boardName, topLevel } = this.#router;
    const versions = topLevel
      .filter((name) => !BUILT_IN.includes(name) && available.has(name))
      .map((name) => [name, available.get(name) ?? ''] as const);
    return this.request({
      version: candidate.version,
      version_code: candidate.versionCode,
      target,
      profile: boardName.replaceAll(',', '_'),
      diff_packages: true,
      packages_versions: Object.fromEntries(versions),
    });
  }

  /** From the POST to the file. */
  async request(request: { readonly version: string } & Readonly<Record<string, unknown>>): Promise<AucImage> {
    const queuePositions: number[] = [];
    let reply = await this.#ask(`${this.#server}/api/v1/build`, JSON.stringify(request));
    const requestHash = reply.fields.request_hash ?? '';
    for (let polls = 0; reply.waits; polls += 1) {
      // Without a hash it would post again, and again without a pause.
      if (requestHash === '' || polls > MAX_POLLS)
        throw new ClientFailure('stuck', requestHash === '' ? 'no request_hash in a 202' : 'asked too often');
      if (reply.fields.queue_position !== undefined) queuePositions.push(reply.fields.queue_position);
      await sleep(this.#options.pollMs ?? 2000);
      reply = await this.#ask(`${this.#server}/api/v1/build/${requestHash}`);
    }
    const { images, bin_dir: directory, stdout, stderr, detail } = reply.fields;
    if (!images || directory === undefined)
      throw new ClientFailure('shown', [stdout, stderr, detail, 'Bad message'].filter(Boolean).join('\n'));
    const image = this.#selectImage(images);
    const url = shortened(`${this.#server}/store/${directory}/${image.name}`);
    const bytes = await this.#download(url, image.sha256);
    return { requestHash, version: request.version, url, bytes, queuePositions };
  }

  /** The device's document is asked for in every version of every branch that could be meant. */
  async #candidates(): Promise<readonly Candidate[]> {
    const reply = replyOf(await this.wire.get(shortened(`${this.#server}/json/v1/branches.json`)));
    if (typeOf(reply) !== 'array' && typeOf(reply) !== 'table') throw new ClientFailure('shown', 'No data available');
    const found: Candidate[] = [];
    for (const item of Object.values(reply as object)) {
      const branch = parseFields(BRANCH, item);
      const { name, path, targets, versions } = branch;
      if (!branch.enabled || name === undefined || path === undefined || branch.path_packages === undefined) continue;
      if (!targets || !versions) continue;
      if (this.#options.branch === undefined && !this.#router.version.startsWith(name)) continue;
      const arch = targets[this.#router.target];
      if (typeof arch !== 'string') continue;
      for (const version of versions) {
        if (typeof version !== 'string') throw new ClientFailure('crashed', `a version that is ${typeof version}`);
        const candidate = await this.#candidate(name, version, path.replace('{version}', version), arch);
        if (candidate) found.push(candidate);
      }
    }
    return found;
  }

  async #candidate(branch: string, version: string, path: string, arch: string): Promise<Candidate | undefined> {
    const { target, boardName } = this.#router;
    const url = `${this.#server}/json/v1/${path}/targets/${target}/${boardName}.json`.replaceAll(',', '_');
    const device = parseFields(TARGET, replyOf(await this.wire.get(url)));
    if (device.metadata_version !== 1 || !device.images) return undefined;
    if (device.target !== target || device.arch_packages !== arch) return undefined;
    if (device.version_code === undefined || device.version_number === undefined)
      throw new ClientFailure('crashed', 'it compares a version_code and version_number that were never set');
    return { branch, version, versionCode: device.version_code, path, arch };
  }

  /** On a snapshot it stays on snapshots, on a release it takes the newest release. */
  #select(candidates: readonly Candidate[]): Candidate {
    const wanted = this.#options.branch ?? this.#router.version;
    const ofBranch = candidates.filter(({ branch }) => wanted.toLowerCase().startsWith(branch.toLowerCase()));
    const isSnapshot = (version: string) => version.toLowerCase().includes('snapshot');
    const selected = isSnapshot(wanted)
      ? ofBranch.find(({ version }) => isSnapshot(version))
      : ofBranch
          .filter(({ version }) => !isSnapshot(version))
          .toSorted((a, b) => compareDebianVersions(a.version.replace('-rc', '~'), b.version.replace('-rc', '~')))
          .at(-1);
    if (!selected) throw new ClientFailure('shown', 'Invalid argument');
    return selected;
  }

  async #packageLists({ path, arch }: Candidate): Promise<ReadonlyMap<string, string>> {
    const base = `${this.#server}/json/v1/${path}`;
    const ofTarget = parseFields(
      { architecture: 'string', packages: 'table' },
      replyOf(await this.wire.get(shortened(`${base}/targets/${this.#router.target}/index.json`))),
    );
    if (!ofTarget.packages || ofTarget.architecture === undefined)
      throw new ClientFailure('shown', 'No data available');
    if (ofTarget.architecture !== arch) throw new ClientFailure('shown', 'Bad message');
    const ofArch = replyOf(await this.wire.get(shortened(`${base}/packages/${arch}-index.json`)));
    if (typeOf(ofArch) !== 'table') throw new ClientFailure('shown', 'No data available');
    // The first list wins where both name a package.
    const entries = [...Object.entries(ofArch as object), ...Object.entries(ofTarget.packages)];
    for (const [name, version] of entries)
      if (typeof version !== 'string') throw new ClientFailure('crashed', `${name}: a version that is no string`);
    return new Map(entries as [string, string][]);
  }

  #isUpgrade(candidate: Candidate, available: ReadonlyMap<string, string>): boolean {
    const { installed, revision } = this.#router;
    const orders = [compareDebianVersions(revision, candidate.versionCode)];
    const unknown: string[] = [];
    for (const [name, version] of Object.entries(installed)) {
      if (BUILT_IN.includes(name)) continue;
      const next = available.get(name);
      if (next === undefined) unknown.push(name);
      else orders.push(compareDebianVersions(version, next));
    }
    if (this.#options.force) return true;
    if (orders.some((order) => order > 0)) throw new ClientFailure('shown', 'Refusing to downgrade');
    if (unknown.length > 0) throw new ClientFailure('shown', `not found in remote lists: ${unknown.join(' ')}`);
    return orders.some((order) => order < 0);
  }

  async #ask(url: string, json?: string): Promise<{ readonly fields: Parsed<typeof TARGET>; readonly waits: boolean }> {
    const short = shortened(url);
    const answer = await (json === undefined ? this.wire.get(short) : this.wire.postJson(short, json)).catch(nothing);
    const fields = parseFields(TARGET, answer && replyOf(answer));
    // In old answers the word stood in `status`; a number there is another type, and not seen.
    const waits = answer?.status === 202 || ['queued', 'started'].includes(fields.status ?? '');
    return { fields, waits };
  }

  #selectImage(images: readonly unknown[]): Required<Parsed<typeof IMAGE>> {
    const complete = images
      .map((image) => parseFields(IMAGE, image))
      .filter((image): image is Required<Parsed<typeof IMAGE>> => Object.keys(image).length === 4);
    const filesystems = [this.#router.rootfsType, 'squashfs'];
    for (const filesystem of filesystems)
      for (const type of ['sysupgrade', 'combined']) {
        const image = complete.find((one) => one.filesystem === filesystem && one.type === type);
        if (image) return image;
      }
    throw new ClientFailure('shown', 'No such file or directory');
  }

  async #download(url: string, sha256: string): Promise<Buffer> {
    const { status, headers, body } = await this.wire.get(url);
    if (status !== 200) throw new ClientFailure('shown', 'image download failed');
    if (body.length !== Number(headers.get('content-length') ?? 0))
      throw new ClientFailure('shown', 'file size mismatch');
    if (createHash('sha256').update(body).digest('hex') !== sha256.slice(0, 64))
      throw new ClientFailure('shown', 'sha256 mismatch');
    return body;
  }
}

/** Cut without a word; what is asked for then is another address. */
const shortened = (url: string): string => url.slice(0, URL_CHARACTERS);

/** Bodies of 200, 201, 202 and 500 are read; with any other status it hangs up before the body. */
function replyOf({ status, body }: RawAnswer): unknown {
  if (![200, 201, 202, 500].includes(status)) return undefined;
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function nothing(error: unknown): undefined {
  if (error instanceof NoAnswer) return undefined;
  throw error;
}
