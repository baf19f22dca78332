/**
 * chef (a web page that builds images) as of 2019: lists, a search for devices, default packages to edit, a build with a
 * first-boot script, and then a page about the image. It parses every answer before it looks at its status, and after a 404 it
 * asks again at once, for ever.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Browser, pageHeader } from './browser.ts';
import { ClientFailure, NoAnswer } from './client-failure.ts';
import { type JsonObject, list, number, object, parsed, text, textByName, texts } from './json-field.ts';
import type { RawAnswer } from './raw-http.ts';

export interface ChefDevice {
  readonly distro: string;
  readonly version: string;
  /** As its list of devices shows them. */
  readonly model: string;
  readonly target: string;
  readonly profile: string;
  /** What stands in the text field, ready to be edited. */
  readonly packages: readonly string[];
}

/** The page about a finished image. */
export interface ChefImagePage {
  readonly image: JsonObject;
  /** Names in its list of files. */
  readonly files: readonly string[];
  readonly manifest: Readonly<Record<string, string>>;
  readonly sysupgradeUrl: string | null;
  readonly factoryUrl: string | null;
}

export interface ChefOptions {
  readonly distro?: string;
  readonly pollMs?: number;
  /** So many polls that tell the same place in the queue; then it says that something is wrong, and ends. */
  readonly maxSamePosition?: number;
}

/** A status that it shows by words of its own. */
const WORDS: Readonly<Record<number, string>> = {
  412: 'unsupported',
  413: 'image too large',
  501: 'no sysupgrade image',
  503: 'server overloaded',
};
const MAX_POLLS = 2000;
/** So many times in a row without a pause, and its user closes the page. */
const MAX_AT_ONCE = 20;
/** Two and a half minutes, as often as it asks. */
const MAX_SAME_POSITION = 30;

export class Chef {
  readonly browser = new Browser('https://chef.example');
  readonly #server: string;
  readonly #options: ChefOptions;

  constructor(server: string, options: ChefOptions = {}) {
    this.#server = server;
    this.#options = options;
  }

  /** What is asked when the page opens. */
  async open(): Promise<{
    readonly versions: readonly string[];
    readonly latest: string;
    readonly imagesTotal: number;
  }> {
    const distributions = object(await this.#json('/api/distributions'), 'distributions');
    const total = number(object(await this.#json('/api/v1/stats/image_stats'), 'image_stats').total, 'total');
    // Before the lists are there it searches for nothing in nothing; what comes must be JSON all the same.
    await this.#json('/api/models?model_search=&distro=&version=');
    const distro = object(distributions[this.#distro], this.#distro);
    text(distro.distro_alias, 'distro_alias');
    const versions = object(distro.versions, 'versions');
    for (const [version, about] of Object.entries(versions)) object(about, version);
    return { versions: Object.keys(versions), latest: text(distro.latest, 'latest'), imagesTotal: total };
  }

  /** Three letters at least are typed, and one of the devices that come is taken. */
  async choose(version: string, search: string, model: string): Promise<ChefDevice> {
    const where = `distro=${this.#distro}&version=${version}`;
    const models = list(await this.#json(`/api/models?model_search=${search}&${where}`), 'models');
    const rows = models.map((row) => {
      const { model: name, target, profile } = object(row, 'model');
      return { model: text(name, 'model'), value: `${text(target, 'target')}/${text(profile, 'profile')}` };
    });
    const row = rows.find((one) => one.model === model);
    if (!row) throw new ClientFailure('shown', `Not found: ${rows.map((one) => one.model).join(', ')}`);
    // The option's value is cut at its slashes again: three parts of it count.
    const [family = '', subtarget = '', profile = ''] = row.value.split('/');
    const target = `${family}/${subtarget}`;
    const query = `${where}&target=${encodeURI(target)}&profile=${profile}`;
    const packages = texts(await this.#json(`/api/packages_image?${query}`), 'packages_image');
    return { distro: this.#distro, version, model, target, profile, packages };
  }

  /** "Create": up to the answer that names an image. */
  async build(device: ChefDevice, defaults = '', packages = device.packages): Promise<JsonObject> {
    const { distro, version, target, profile } = device;
    const body = JSON.stringify({ distro, version, target, board: profile, defaults, packages });
    let requestHash: unknown;
    let atOnce = 0;
    let same: { readonly position: string | null; readonly times: number } = { position: null, times: 0 };
    for (let polls = 0; polls < MAX_POLLS; polls += 1) {
      const answer = await this.#send(body, requestHash);
      const response = object(parsed(answer.body.toString(), 'answer'), 'answer');
      requestHash = response.request_hash;
      const { status } = answer;
      if (status === 200) return response;
      if (status === 404) {
        if (++atOnce > MAX_AT_ONCE) throw new ClientFailure('stuck', 'asks again and again after a 404');
        continue;
      }
      if (status !== 202) throw refusal(answer, response);
      const position = pageHeader(answer, 'x-build-queue-position');
      same = { position, times: position !== null && position === same.position ? same.times + 1 : 0 };
      if (same.times >= (this.#options.maxSamePosition ?? MAX_SAME_POSITION))
        throw new ClientFailure('shown', `for too long at place ${position} in the queue`);
      await sleep(this.#options.pollMs ?? 5000);
    }
    throw new ClientFailure('stuck', `asked ${MAX_POLLS} times`);
  }

  /** The page behind `#<image_hash>`. */
  async show(imageHash: string): Promise<ChefImagePage> {
    const image = object(await this.#json(`/api/image/${imageHash}`), 'image');
    const folder = `${this.#server}/download/${image.files}`;
    const rows = list(await this.#json(`/json/${image.files}`), 'files').map((row) => object(row, 'file'));
    const files = rows.map(({ name }) => text(name, 'name'));
    const manifest = textByName(await this.#json(`/api/manifest/${image.manifest_hash}`), 'manifest');
    text(image.build_date, 'build_date');
    const factories = files.filter((name) => name.includes('factory'));
    return {
      image,
      files,
      manifest,
      sysupgradeUrl: image.sysupgrade ? `${folder}/${image.sysupgrade}` : null,
      factoryUrl: factories.length === 1 ? `${folder}/${factories[0]}` : null,
    };
  }

  /** A click on a link. */
  async download(url: string): Promise<Buffer> {
    const { status, body } = await this.browser.download(url);
    if (status !== 200) throw new ClientFailure('shown', `status ${status} instead of the file`);
    return body;
  }

  get #distro(): string {
    return this.#options.distro ?? 'openwrt';
  }

  /** `fetch(…).then((response) => response.json())`: without a look at the status, and nobody catches what is thrown. */
  async #json(path: string): Promise<unknown> {
    const answer = await this.browser
      .request({ method: 'GET', url: `${this.#server}${path}` })
      .catch((cause: unknown) => {
        throw new ClientFailure('crashed', `${path}: Failed to fetch`, { cause });
      });
    return parsed(answer.body.toString(), path);
  }

  /** A GET with a content type, before which browsers ask for leave. */
  #send(body: string, requestHash: unknown): Promise<RawAnswer> {
    const url = `${this.#server}/api/build-request`;
    const contentType = 'application/json';
    const sent = requestHash
      ? this.browser.request({ method: 'GET', url: `${url}/${requestHash}`, contentType })
      : this.browser.request({ method: 'POST', url, contentType, body });
    return sent.catch((error: unknown) => {
      throw error instanceof NoAnswer ? new ClientFailure('shown', `server down (${error.message})`) : error;
    });
  }
}

function refusal(answer: RawAnswer, { error }: JsonObject): ClientFailure {
  const { status } = answer;
  if (status === 400 || status === 500) return new ClientFailure('shown', text(error, 'error'));
  if (status === 422) return new ClientFailure('shown', `unknown package: ${pageHeader(answer, 'x-unknown-package')}`);
  const words = WORDS[status];
  if (words !== undefined) return new ClientFailure('shown', words);
  return new ClientFailure('stuck', `its last message stays after a ${status}`);
}
