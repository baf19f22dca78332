/**
 * LuCI's "Attended Sysupgrade" page as of March 2019, on a page of the router: it asks by POST alone, the same request again
 * every five seconds, and fetches the image from another origin into the browser. It has words for eleven statuses; whatever
 * else comes, its spinner turns for ever.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Browser, pageHeader } from './browser.ts';
import { ClientFailure, NoAnswer } from './client-failure.ts';
import { type JsonObject, object, parsed, text, texts } from './json-field.ts';
import type { OldRouter } from './old-router.ts';
import type { RawAnswer } from './raw-http.ts';

export interface OldLuciOptions {
  /** `upgrade_packages` of `/etc/config/attendedsysupgrade`; UCI knows strings only. */
  readonly upgradePackages?: '0' | '1';
  readonly pollMs?: number;
  /** So many times a server that is overloaded is asked again; then the user has gone away. */
  readonly maxOverloaded?: number;
}

export interface OldLuciOffer {
  readonly version: string | undefined;
  readonly packages: readonly string[];
  /** `name: installed to offered` */
  readonly upgrades: readonly string[];
}

export interface OldLuciImage {
  readonly url: string;
  readonly bytes: Buffer;
  /** Lines of its status box, without repetitions. */
  readonly shown: readonly string[];
  /** Behind "Build log". */
  readonly log: string;
}

/** A status that it shows by words of its own, and ends. */
const WORDS: Readonly<Record<number, string>> = {
  412: 'Unsupported device, release, target, subtraget or board',
  413: 'No firmware created due to image size. Try again with less packages selected.',
  501: 'No sysupgrade file produced, may not supported by model.',
};
const MAX_POLLS = 2000;

export class OldLuci {
  readonly browser = new Browser('http://192.168.1.1');
  readonly shown: string[] = [];
  readonly #server: string;
  readonly #router: OldRouter;
  readonly #options: OldLuciOptions;
  /** One object for check and request: what the first put there goes along with the second. */
  #request: JsonObject = {};

  constructor(server: string, router: OldRouter, options: OldLuciOptions = {}) {
    this.#server = server;
    this.#router = router;
    this.#options = options;
  }

  /** "Search for upgrades". Null: "No upgrades available". */
  async check(): Promise<OldLuciOffer | null> {
    const { distribution, version, target, revision, installed, chosen } = this.#router;
    const own = Object.fromEntries(chosen.map((name) => [name, installed[name]]));
    this.#request = {
      distro: distribution,
      version,
      target,
      revision,
      installed: own,
      upgrade_packages: this.#options.upgradePackages ?? '1',
    };
    const body = await this.#ask('api/upgrade-check');
    if (!body) return null;
    const offered = typeof body.version === 'string' ? body.version : undefined;
    if (offered !== undefined) this.#request = { ...this.#request, version: offered };
    const pairs = Object.entries((body.upgrades ?? {}) as JsonObject);
    const upgrades = pairs.map(([name, pair]) => {
      const [to, from] = texts(pair, `upgrades.${name}`);
      return `${name}: ${from} to ${to}`;
    });
    return { version: offered, packages: texts(body.packages, 'packages'), upgrades };
  }

  /** "Request firmware", and "Flash firmware" up to the upload to the router. */
  async upgrade(): Promise<OldLuciImage | null> {
    const offer = await this.check();
    return offer && this.request(offer.packages);
  }

  async request(packages: readonly string[]): Promise<OldLuciImage> {
    const { boardName, model } = this.#router;
    const { installed: _, ...kept } = this.#request;
    this.#request = { ...kept, board_name: boardName, board: boardName, model, packages };
    const body = await this.#ask('api/upgrade-request');
    // What is not there is written out all the same: `undefined`.
    const url = `${this.#server}${body?.files}${body?.sysupgrade}`;
    return { url, bytes: await this.#download(url), shown: this.shown, log: `${this.#server}${body?.log}` };
  }

  /** Null: 204. */
  async #ask(path: string): Promise<JsonObject | null> {
    let overloaded = 0;
    for (let asked = 0; asked < MAX_POLLS; asked += 1) {
      const answer = await this.#post(`${this.#server}/${path}`, JSON.stringify(this.#request));
      const { status } = answer;
      if (status === 200) return jsonOf(answer);
      if (status === 204) return null;
      if (status === 202) this.#show(stepOf(answer));
      else if (status === 502 || status === 503) {
        this.#show(status === 502 ? 'Server down for maintenance' : 'Server overloaded');
        if (++overloaded > (this.#options.maxOverloaded ?? MAX_POLLS)) throw this.#failure();
      } else throw this.#refusal(answer);
      await sleep(this.#options.pollMs ?? 5000);
    }
    throw new ClientFailure('stuck', `asked ${MAX_POLLS} times, still ${this.shown.at(-1)}`);
  }

  #post(url: string, body: string): Promise<RawAnswer> {
    return this.browser
      .request({ method: 'POST', url, contentType: 'application/json', body })
      .catch((error: unknown) => {
        if (!(error instanceof NoAnswer)) throw error;
        throw this.#failure(`Upgrade server down or could not connect (${error.message})`);
      });
  }

  #refusal(answer: RawAnswer): ClientFailure {
    const { status } = answer;
    const words = WORDS[status];
    if (words !== undefined) return this.#failure(words);
    if (status === 400) return this.#failure(text(jsonOf(answer).error, 'error'));
    if (status === 409) {
      text(jsonOf(answer).log, 'log');
      return this.#failure('Incompatible package selection. See build log for details');
    }
    if (status === 422) return this.#failure(`Unknown package in request: ${pageHeader(answer, 'x-unknown-package')}`);
    if (status === 500) return this.#failure(`Internal server error: ${text(jsonOf(answer).error, 'error')}`);
    return new ClientFailure('stuck', `a spinner turns for ever after a ${status}`);
  }

  /** It has no word for a failed download, and none for one that is no 200. */
  async #download(url: string): Promise<Buffer> {
    const answer = await this.browser.request({ method: 'GET', url }).catch((cause: unknown) => {
      throw new ClientFailure('stuck', 'the page says "Downloading" for ever', { cause });
    });
    if (answer.status !== 200)
      throw new ClientFailure('stuck', `the page says "Downloading" for ever after a ${answer.status}`);
    return answer.body;
  }

  #show(line: string): void {
    if (this.shown.at(-1) !== line) this.shown.push(line);
  }

  #failure(...words: readonly string[]): ClientFailure {
    return new ClientFailure('shown', words.length > 0 ? words.join('\n') : (this.shown.at(-1) ?? ''));
  }
}

function stepOf(answer: RawAnswer): string {
  const word = pageHeader(answer, 'x-imagebuilder-status');
  if (word === 'queue') return `In build queue position ${pageHeader(answer, 'x-build-queue-position')}`;
  // For all else, and for a header that the browser keeps to itself.
  return word === 'building' ? 'Building image' : 'Processing request';
}

const jsonOf = ({ body }: RawAnswer): JsonObject => object(parsed(body.toString(), 'answer'), 'answer');
