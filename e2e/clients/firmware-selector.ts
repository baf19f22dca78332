/**
 * firmware-selector (a static web page), as of its sources of early 2026: versions, devices and package lists come from the
 * image server, which is not us; from us come the custom image and its files. It posts every field it knows, empty ones
 * too, shows whatever `detail` says, and opens a log panel when there is a `stderr`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Browser } from './browser.ts';
import { ClientFailure, NoAnswer } from './client-failure.ts';
import { type JsonObject, list, object, parsed, text, texts } from './json-field.ts';

export interface SelectorConfig {
  readonly asuUrl: string;
  readonly imageUrl: string;
  readonly extraPackages?: readonly string[];
  readonly repositories?: Readonly<Record<string, string>>;
  readonly repositoriesMode?: 'append' | 'replace';
  readonly repositoryKeys?: readonly string[];
  readonly pollMs?: number;
}

export interface ChosenDevice {
  readonly version: string;
  readonly id: string;
  readonly target: string;
  readonly versionCode: string;
  /** What stands in the text field, ready to be edited. */
  readonly packages: readonly string[];
}

export interface OfferedImage {
  readonly label: string;
  readonly url: string;
  readonly sha256: string;
}

export interface CustomImages {
  readonly requestHash: string;
  readonly response: JsonObject;
  /** In the order of the download buttons. */
  readonly images: readonly OfferedImage[];
  /** Of the panel; null where it stays closed. */
  readonly log: { readonly stdout: unknown; readonly stderr: unknown } | null;
  readonly shown: readonly string[];
}

const MAX_POLLS = 2000;

export class FirmwareSelector {
  readonly browser = new Browser('https://firmware-selector.example');
  readonly #config: SelectorConfig;

  constructor(config: SelectorConfig) {
    this.#config = config;
  }

  /** Newest first, release candidates after their release. */
  async versions(): Promise<readonly string[]> {
    const document = object(await this.#upstream('/.versions.json'), '.versions.json');
    return texts(document.versions_list, 'versions_list');
  }

  /** By one of the titles that the search field offers. */
  async choose(version: string, title: string): Promise<ChosenDevice> {
    const directory = version === 'SNAPSHOT' ? '/snapshots/' : `/releases/${version}`;
    const overview = object(await this.#upstream(`${directory}/.overview.json`), '.overview.json');
    const entry = list(overview.profiles, 'profiles')
      .map((item) => object(item, 'profile'))
      .find((profile) => titlesOf(profile.titles).includes(title));
    if (!entry) throw new ClientFailure('shown', `no device ${title}`);
    const [id, target] = [text(entry.id, 'id'), text(entry.target, 'target')];
    const document = object(await this.#upstream(`${directory}/targets/${target}/profiles.json`), 'profiles.json');
    const profile = object(object(document.profiles, 'profiles')[id], id);
    return {
      version,
      id,
      target,
      versionCode: text(document.version_code, 'version_code'),
      packages: [
        ...texts(document.default_packages, 'default_packages'),
        ...texts(profile.device_packages, 'device_packages'),
        ...(this.#config.extraPackages ?? []),
      ],
    };
  }

  /** "Request build" */
  async build(device: ChosenDevice, uciDefaults = ''): Promise<CustomImages> {
    const { repositories = {}, repositoryKeys = [], repositoriesMode = '' } = this.#config;
    return this.request({
      profile: device.id,
      target: device.target,
      packages: device.packages,
      defaults: uciDefaults,
      version_code: device.versionCode,
      version: device.version,
      diff_packages: true,
      client: 'ofs/5.0.3',
      repositories,
      repository_keys: repositoryKeys,
      repositories_mode: repositoriesMode,
    });
  }

  async request(request: JsonObject): Promise<CustomImages> {
    const body = JSON.stringify(request);
    const shown: string[] = [];
    let requestHash: string | undefined;
    for (let polls = 0; polls < MAX_POLLS; polls += 1) {
      const { status, response } = await this.#ask(body, requestHash);
      if (status === 200) return { ...this.#offered(response), shown };
      if (status !== 202) throw shownError(response);
      const word = text(response.detail || response.imagebuilder_status || 'init', 'detail');
      if (shown.at(-1) !== word) shown.push(word);
      if (typeof response.request_hash !== 'string')
        throw new ClientFailure('stuck', 'without a request_hash it posts the same every five seconds');
      requestHash = response.request_hash;
      await sleep(this.#config.pollMs ?? 5000);
    }
    throw new ClientFailure('stuck', `asked ${MAX_POLLS} times, still ${shown.at(-1)}`);
  }

  /** A click on a download button. */
  async download(image: OfferedImage): Promise<{ readonly bytes: Buffer; readonly fileName: string | undefined }> {
    const { status, headers, body } = await this.browser.download(image.url);
    if (status !== 200) throw new ClientFailure('shown', `status ${status} instead of the file`);
    const fileName = /^attachment; filename="([^"]+)"$/.exec(headers.get('content-disposition') ?? '')?.[1];
    return { bytes: body, fileName };
  }

  async #ask(body: string, requestHash: string | undefined): Promise<{ status: number; response: JsonObject }> {
    const url = `${this.#config.asuUrl}/api/v1/build${requestHash === undefined ? '' : `/${requestHash}`}`;
    const answer = await this.browser
      .request({
        method: requestHash === undefined ? 'POST' : 'GET',
        url,
        contentType: 'application/json',
        revalidates: true,
        ...(requestHash === undefined && { body }),
      })
      .catch((error: unknown) => {
        throw error instanceof NoAnswer ? new ClientFailure('shown', `Failed to fetch (${error.message})`) : error;
      });
    try {
      const response = object(parsed(answer.body.toString(), 'answer'), 'answer');
      return { status: answer.status, response };
    } catch (cause) {
      // The rejection of an inner promise, which nobody catches: the page stays as it is.
      throw new ClientFailure('stuck', `status ${answer.status} with a body that is no JSON object`, { cause });
    }
  }

  #offered(response: JsonObject): Omit<CustomImages, 'shown'> {
    const folder = `${this.#config.asuUrl}/store/${text(response.bin_dir, 'bin_dir')}`;
    titlesOf(response.titles);
    for (const field of ['target', 'version_number', 'version_code', 'build_at']) text(response[field], field);
    if (Number.isNaN(Date.parse(text(response.build_at, 'build_at')))) throw new ClientFailure('crashed', 'build_at');
    if (!('build_cmd' in response) || !('manifest' in response))
      throw new ClientFailure('crashed', 'without build_cmd and manifest it takes a custom image for a stock one');
    const images = list(response.images, 'images').map((item) => object(item, 'image'));
    const precedence = ['sysupgrade', 'factory'];
    const rank = (type: string) => (precedence.includes(type) ? precedence.indexOf(type) : precedence.length);
    return {
      response,
      requestHash: text(response.request_hash, 'request_hash'),
      images: images
        .map((image) => ({
          label: text(image.type, 'type'),
          url: `${folder}/${text(image.name, 'name')}`,
          sha256: text(image.sha256, 'sha256'),
        }))
        .toSorted((a, b) => rank(a.label) - rank(b.label) || a.url.localeCompare(b.url)),
      log: 'stderr' in response ? { stdout: response.stdout, stderr: response.stderr } : null,
    };
  }

  async #upstream(path: string): Promise<unknown> {
    const response = await fetch(`${this.#config.imageUrl}${path}`);
    if (response.status !== 200) throw new ClientFailure('shown', `Failed to fetch ${path}`);
    return response.json();
  }
}

const titlesOf = (titles: unknown): readonly string[] =>
  list(titles, 'titles').map((item) => {
    const { title, vendor = '', model = '', variant = '' } = object(item, 'title');
    return typeof title === 'string' && title !== '' ? title : `${vendor} ${model} ${variant}`.trim();
  });

/** The log panel opens beside it. A `detail` that is no text ends the page's script, and the message before it stays. */
function shownError(response: JsonObject): ClientFailure {
  if (!('detail' in response)) return new ClientFailure('shown', 'build failed');
  if (typeof response.detail !== 'string')
    return new ClientFailure('stuck', `a detail that is ${JSON.stringify(response.detail)?.slice(0, 80)}`);
  const log = 'stderr' in response ? [response.stdout, response.stderr] : [];
  return new ClientFailure('shown', [response.detail, ...log].filter(Boolean).join('\n'));
}
