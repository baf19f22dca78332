/**
 * owut (a ucode script on the router), as of its sources of February 2025 and March 2026: plan, POST with exact package
 * versions, HEAD every two seconds, GET when it has ended, download, compare digest, revision and every top-level package.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientFailure, NoAnswer } from './client-failure.ts';
import { type JsonObject, list, object, parsed, text, textByName } from './json-field.ts';
import { changesOf, NOT_UPGRADABLE, type PlanOptions, planUpgrade, type UpgradePlan } from './owut-plan.ts';
import type { RouterState } from './router-state.ts';
import { Uclient } from './uclient.ts';

export interface OwutOptions extends PlanOptions {
  /** Builds even where nothing would change. */
  readonly force?: boolean;
  /** Instead of the revision that upstream names. */
  readonly revision?: string;
  readonly rootfsSizeMb?: number;
  readonly initScript?: string;
  readonly pollMs?: number;
}

export interface OwutImage {
  readonly requestHash: string;
  readonly plan: UpgradePlan;
  readonly bytes: Buffer;
  /** What it showed while it waited, without repetitions. */
  readonly shown: readonly string[];
}

const CLIENT = 'owut/2026.03.30~39ce6f6b-r1';
const MAX_POLLS = 2000;

export class Owut {
  readonly wire = new Uclient({ userAgent: CLIENT, hostHasPort: true, patienceMs: 60_000 });
  readonly #server: string;
  readonly #router: RouterState;
  readonly #options: OwutOptions;

  /** `server` as configured; a slash at its end is cut off. */
  constructor(server: string, router: RouterState, options: OwutOptions = {}) {
    this.#server = server.replace(/\/+$/, '');
    this.#router = router;
    this.#options = options;
  }

  /** `owut check` */
  check(): Promise<UpgradePlan> {
    return planUpgrade(this.wire, this.#server, this.#router, this.#options);
  }

  /** `owut download`; null where there is nothing to upgrade. */
  async download(): Promise<OwutImage | null> {
    const plan = await this.check();
    const changes = [...changesOf(plan)];
    const missing = changes.filter(([name, change]) => change === 'missing' && plan.packages.get(name)?.topLevel);
    if (missing.length > 0)
      throw new ClientFailure('shown', `missing in the new version: ${missing.map(([name]) => name).join(' ')}`);
    if (changes.some(([, change]) => change === 'older') && !this.#options.force)
      throw new ClientFailure('shown', 'packages would be downgraded');
    if (changes.length === 0 && !this.#options.force) return null;
    const { response, shown } = await this.request(this.requestBody(plan));
    const bytes = await this.#fetchImage(response, plan);
    return { requestHash: text(response.request_hash, 'request_hash'), plan, bytes, shown };
  }

  /** Exact versions where all of them are known, else names alone. */
  requestBody(plan: UpgradePlan): JsonObject {
    const { rootfsSizeMb, initScript, revision } = this.#options;
    if ((rootfsSizeMb ?? 0) > plan.maxRootfsSizeMb)
      throw new ClientFailure('shown', 'over the size that this server allows');
    if ((initScript?.length ?? 0) > plan.maxDefaultsLength)
      throw new ClientFailure('shown', 'the init script is too long');
    const names = topLevelOf(plan);
    const versions = names
      .map((name) => [name, plan.packages.get(name)?.available] as const)
      .filter(([name, version]) => version !== undefined || !['kernel', 'libc'].includes(name));
    const areKnown = versions.every(([, version]) => version !== undefined);
    return {
      client: CLIENT,
      target: this.#router.target,
      profile: plan.profile,
      version: plan.version,
      version_code: revision ?? plan.revision,
      filesystem: plan.filesystem,
      diff_packages: true,
      ...(areKnown ? { packages_versions: Object.fromEntries(versions) } : { packages: names }),
      ...(rootfsSizeMb !== undefined && { rootfs_size_mb: rootfsSizeMb }),
      ...(initScript !== undefined && { defaults: initScript }),
    };
  }

  /** Posts and waits; the body of the 200. */
  async request(body: JsonObject): Promise<{ readonly response: JsonObject; readonly shown: readonly string[] }> {
    const answer = await this.#try(() => this.wire.postJson(`${this.#server}/api/v1/build`, JSON.stringify(body)));
    return this.#follow(answer);
  }

  /** Waits for a build that was asked for before. */
  async #follow(first: JsonObject): Promise<{ readonly response: JsonObject; readonly shown: readonly string[] }> {
    const pollMs = this.#options.pollMs ?? 2000;
    const shown: string[] = [];
    let response = first;
    for (let polls = 0; polls < MAX_POLLS; polls += 1) {
      const detail = text(response.detail, 'detail');
      if (shown.at(-1) !== detail) shown.push(detail);
      if (response.status === 200) return { response, shown };
      if (response.status !== 202) throw new ClientFailure('shown', errorText(response));
      await sleep(polls === 0 ? Math.min(500, pollMs) : pollMs);
      response = await this.poll(text(first.request_hash, 'request_hash'));
    }
    throw new ClientFailure('stuck', `asked ${MAX_POLLS} times, still ${shown.at(-1)}`);
  }

  /** HEAD says how far it is; anything but 202 is asked for again with GET. */
  async poll(requestHash: string): Promise<JsonObject> {
    const url = `${this.#server}/api/v1/build/${requestHash}`;
    const head = await this.wire.head(url).catch(rethrowUnlessNoAnswer);
    if (head?.status === 202) {
      const step = head.headers.get('x-imagebuilder-status');
      const position = head.headers.get('x-queue-position');
      if (step === 'queued' && !/^\d+$/.test(position ?? ''))
        throw new ClientFailure('crashed', `x-queue-position: expected a number, got ${position}`);
      return { status: 202, detail: step ?? 'queued', request_hash: requestHash };
    }
    return this.#try(() => this.wire.get(url));
  }

  async #try(send: () => ReturnType<Uclient['get']>): Promise<JsonObject> {
    const answer = await send().catch(rethrowUnlessNoAnswer);
    if (!answer) return { status: -1, detail: 'Error: unknown server error' };
    const body = object(parsed(answer.body.toString().trim(), 'answer'), 'answer');
    // It goes by the number in the body; another there than on the wire would be taken for another state.
    if (body.status !== answer.status)
      throw new ClientFailure('crashed', `status ${JSON.stringify(body.status)} in the body of a ${answer.status}`);
    return body;
  }

  async #fetchImage(response: JsonObject, plan: UpgradePlan): Promise<Buffer> {
    const image = list(response.images, 'images')
      .map((item) => object(item, 'image'))
      .find((item) => item.filesystem === plan.filesystem && item.type === plan.imageType);
    if (!image) throw new ClientFailure('shown', `no ${plan.filesystem} ${plan.imageType} image in the answer`);
    const url = `${this.#server}/store/${text(response.bin_dir, 'bin_dir')}/${text(image.name, 'name')}`;
    const { status, body } = await this.wire.get(url);
    if (status !== 200) throw new ClientFailure('shown', `status ${status} for the image`);
    if (createHash('sha256').update(body).digest('hex') !== text(image.sha256, 'sha256'))
      throw new ClientFailure('shown', 'the image has another digest than was promised');
    this.#verify(response, plan);
    return body;
  }

  #verify(response: JsonObject, plan: UpgradePlan): void {
    const requested = text(object(response.request, 'request').version_code, 'request.version_code');
    if (requested !== '' && response.version_code !== requested)
      throw new ClientFailure('shown', `revision ${response.version_code} instead of ${requested}`);
    const manifest = textByName(response.manifest, 'manifest');
    for (const name of topLevelOf(plan).filter((one) => !NOT_UPGRADABLE.includes(one))) {
      const expected = plan.packages.get(name)?.available;
      if (manifest[name] !== expected)
        throw new ClientFailure('shown', `${name}: expected ${expected} in the image, got ${manifest[name]}`);
    }
  }
}

const topLevelOf = (plan: UpgradePlan): readonly string[] =>
  [...plan.packages].filter(([, { topLevel }]) => topLevel).map(([name]) => name);

function errorText(response: JsonObject): string {
  const parts = [response.detail, response.error, response.stdout, response.stderr];
  return `${parts.filter((part) => part).join('\n')}\nfailed with status ${response.status}`;
}

function rethrowUnlessNoAnswer(error: unknown): undefined {
  if (error instanceof NoAnswer) return undefined;
  throw error;
}
