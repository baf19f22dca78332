/**
 * LuCI's "Attended Sysupgrade" page, as of its sources of June 2025 and of 23.05: it runs in a browser on the router's
 * page, puts `?<ms>` behind every URL, sends the board name with its comma, and looks up the server's word for a step in a
 * table. It knows 200, 202, 400, 422 and 500; on anything else it goes on asking every five seconds, without a word.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Browser } from './browser.ts';
import { ClientFailure, NoAnswer } from './client-failure.ts';
import { type JsonObject, list, number, object, parsed, text, texts } from './json-field.ts';
import type { RawAnswer } from './raw-http.ts';
import type { RouterState } from './router-state.ts';

export interface LuciOptions {
  /** Package lists may be edited, and the version that runs may be built anew. */
  readonly advanced?: boolean;
  /** What the user once told owut; UCI knows strings only. */
  readonly rootfsSize?: string;
  /** 23.05 asks elsewhere for the overview, knows fewer words and carries no packages over. */
  readonly release?: '23.05' | 'current';
  readonly pollMs?: number;
  /** So many answers that it does not know are borne; then the user has gone away. */
  readonly maxIgnored?: number;
}

export interface LuciImage {
  readonly requestHash: string | undefined;
  readonly response: JsonObject;
  readonly bytes: Buffer;
  /** `queued 0`, `50% building_image` …, without repetitions. */
  readonly shown: readonly string[];
  readonly request: JsonObject;
}

const STEPS: Readonly<Record<string, number>> = {
  init: 0,
  container_setup: 10,
  validate_revision: 20,
  validate_manifest: 30,
  calculate_packages_hash: 40,
  building_image: 50,
  signing_images: 95,
  done: 100,
  failed: 100,
  download_imagebuilder: 20,
  unpack_imagebuilder: 40,
};
const MAX_POLLS = 2000;

export class Luci {
  readonly browser = new Browser('http://192.168.1.1');
  readonly #server: string;
  readonly #router: RouterState;
  readonly #options: LuciOptions;
  #lastMs = 0;

  constructor(server: string, router: RouterState, options: LuciOptions = {}) {
    this.#server = server;
    this.#router = router;
    this.#options = options;
  }

  /** What "Search for firmware upgrade" offers; the first is preselected. */
  async check(): Promise<readonly string[]> {
    const { version, target, revision } = this.#router;
    const isSnapshot = version.endsWith('SNAPSHOT');
    const isOld = this.#options.release === '23.05';
    const overview = isOld ? '/api/overview' : '/api/v1/overview';
    const answer = await this.#get(isSnapshot ? `/api/v1/revision/${version}/${target}` : overview);
    if (answer.status !== 200) throw new ClientFailure('shown', `Could not reach API: ${answer.body}`);
    const document = jsonOf(answer);
    const candidates: string[] = [];
    if (isSnapshot) {
      const remote = text(document.revision, 'revision');
      if (revisionCount(revision) < revisionCount(remote)) candidates.push(version);
    } else {
      const latest = texts(document.latest, 'latest');
      for (const offered of isOld ? latest : latest.toSorted().reverse()) {
        if (offered === version) break;
        const isSameBranch = branchOf(offered) === branchOf(version);
        if (isOld && !isSameBranch && !this.#options.advanced) continue;
        candidates.unshift(offered);
        if (isSameBranch) break;
      }
    }
    if (this.#options.advanced) candidates.unshift(version);
    return candidates;
  }

  /** "Request firmware image", and then "Install" up to the upload to the router. */
  async upgrade(version: string, packages: readonly string[] = this.#router.topLevel): Promise<LuciImage> {
    const { boardName, target, rootfsType } = this.#router;
    const names = packages.toSorted();
    const request = {
      client: 'luci/25.103.44783~1d0c6b1',
      packages: this.#options.release === '23.05' ? names : await this.#carriedOver(version, names),
      profile: boardName,
      target,
      version,
      diff_packages: true,
      filesystem: rootfsType,
      ...(this.#options.release !== '23.05' && { rootfs_size_mb: this.#options.rootfsSize ?? null }),
    };
    const { response, requestHash, shown } = await this.request(request);
    const bytes = await this.#install(response);
    return { request, response, requestHash, shown, bytes };
  }

  /** From the overview and the target's revision: what was renamed or dropped until then. */
  async #carriedOver(version: string, packages: readonly string[]): Promise<readonly string[]> {
    const [overview, revision] = await Promise.all([
      this.#get('/api/v1/overview'),
      this.#get(`/api/v1/revision/${version}/${this.#router.target}`),
    ]);
    const branches = object(jsonOf(overview).branches, 'branches');
    const changes = list(object(branches[branchOf(version)], branchOf(version)).package_changes, 'package_changes');
    const target = revisionCount(text(jsonOf(revision).revision, 'revision'));
    const carried = [...packages];
    for (const item of changes) {
      const change = object(item, 'package change');
      const at = carried.indexOf(text(change.source, 'source'));
      if (at < 0 || number(change.revision, 'revision') > target) continue;
      if (typeof change.target === 'string') carried[at] = change.target;
      else carried.splice(at, 1);
    }
    return carried;
  }

  /** Polls, and the first of them is the POST. */
  async request(request: JsonObject): Promise<Pick<LuciImage, 'response' | 'requestHash' | 'shown'>> {
    const shown: string[] = [];
    let requestHash: string | undefined;
    let ignored = 0;
    for (let polls = 0; polls < MAX_POLLS; polls += 1) {
      const answer = await this.#poll(request, requestHash);
      if (answer?.status === 202) {
        const body = jsonOf(answer);
        requestHash = text(body.request_hash, 'request_hash');
        const line = this.#progress(body);
        if (line !== undefined && shown.at(-1) !== line) shown.push(line);
      } else if (answer?.status === 200) return { response: jsonOf(answer), requestHash, shown };
      else if (answer && [400, 422, 500].includes(answer.status)) throw shownError(jsonOf(answer));
      else if (++ignored > (this.#options.maxIgnored ?? 5))
        throw new ClientFailure('stuck', `goes on asking after ${ignored} × ${answer?.status ?? 'no answer'}`);
      await sleep(this.#options.pollMs ?? 5000);
    }
    throw new ClientFailure('stuck', `asked ${MAX_POLLS} times, still ${shown.at(-1)}`);
  }

  /** A GET with a content type, which is why browsers ask for leave before every poll. */
  #poll(request: JsonObject, requestHash: string | undefined): Promise<RawAnswer | undefined> {
    const url = `${this.#server}/api/v1/build`;
    const contentType = 'application/json';
    const sent =
      requestHash === undefined
        ? this.browser.request({ method: 'POST', url: this.#fresh(url), contentType, body: JSON.stringify(request) })
        : this.browser.request({ method: 'GET', url: this.#fresh(`${url}/${requestHash}`), contentType });
    return sent.catch((error: unknown) => {
      if (error instanceof NoAnswer) return undefined;
      throw error;
    });
  }

  /** Undefined where 23.05 meets a word of later: its dialog stays as it was until the next that it knows. */
  #progress(body: JsonObject): string | undefined {
    if ('queue_position' in body) return `queued ${body.queue_position}`;
    const word = text(body.imagebuilder_status, 'imagebuilder_status');
    if (Object.hasOwn(STEPS, word)) return `${STEPS[word]}% ${word}`;
    if (this.#options.release === '23.05') return undefined;
    throw new ClientFailure('stuck', `the dialog freezes on the unknown step ${word}`);
  }

  async #install(response: JsonObject): Promise<Buffer> {
    const image = list(response.images, 'images')
      .map((item) => object(item, 'image'))
      .find(({ filesystem, type }) => filesystem === this.#router.rootfsType && isInstallable(type));
    if (!image) throw new ClientFailure('crashed', `no ${this.#router.rootfsType} image to install`);
    for (const field of ['version_number', 'version_code', 'id', 'target', 'build_at']) text(response[field], field);
    text(image.sha256_unsigned, 'sha256_unsigned');
    const url = `${this.#server}/store/${text(response.bin_dir, 'bin_dir')}/${text(image.name, 'name')}`;
    const answer = await this.browser
      .request({ method: 'GET', url: this.#fresh(url), contentType: 'application/x-www-form-urlencoded' })
      .catch((cause: unknown) => {
        throw new ClientFailure('stuck', 'the page says "Downloading" for ever', { cause });
      });
    // It looks at no status; whatever came is uploaded, and the router's digest of it is compared.
    if (createHash('sha256').update(answer.body).digest('hex') !== text(image.sha256, 'sha256'))
      throw new ClientFailure('shown', 'Wrong checksum');
    return answer.body;
  }

  async #get(path: string): Promise<RawAnswer> {
    return this.browser
      .request({ method: 'GET', url: this.#fresh(`${this.#server}${path}`) })
      .catch((cause: unknown) => {
        throw new ClientFailure('stuck', `the page says "Searching" for ever: ${path}`, { cause });
      });
  }

  /** No two URLs are equal, so that no cache on the way can answer. */
  #fresh(url: string): string {
    this.#lastMs = Math.max(Date.now(), this.#lastMs + 1);
    return `${url}?${this.#lastMs}`;
  }
}

const jsonOf = ({ body }: RawAnswer): JsonObject => object(parsed(body.toString(), 'answer'), 'answer');

/** Whatever `detail` is; a list of objects is shown as `[object Object]`. */
const shownError = (body: JsonObject): ClientFailure =>
  new ClientFailure('shown', [body.detail, body.stdout, body.stderr].filter(Boolean).map(String).join('\n'));

const isInstallable = (type: unknown): boolean => type === 'sysupgrade' || type === 'combined';
const branchOf = (version: string): string => version.replace('-SNAPSHOT', '').split('.').slice(0, 2).join('.');
const revisionCount = (revision: string): number => Number.parseInt(revision.slice(1).split('-')[0] ?? '', 10);
