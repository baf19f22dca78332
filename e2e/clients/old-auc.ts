/**
 * auc (C, on the router) as of 2018 and 2019: 0.0.9 of 18.06 and 0.1.4 of 19.07. It sends all packages with the check, and on
 * its own account the list for the image; polls by GET every three seconds; and tells its user a sentence of its own for each
 * status that it knows. 0.0.9 takes a whole URL, and flashes only what a key in `/etc/opkg/keys` has signed the digest of.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Parsed, parseFields, typeOf } from './blobmsg.ts';
import { ClientFailure, NoAnswer } from './client-failure.ts';
import type { OldRouter } from './old-router.ts';
import { isListed, isSigned } from './opkg-keys.ts';
import type { RawAnswer } from './raw-http.ts';
import { Uclient } from './uclient.ts';

export interface OldAucOptions {
  readonly version: '0.0.9' | '0.1.4';
  /** `upgrade_packages` of `/etc/config/attendedsysupgrade`. */
  readonly upgradePackages?: 0 | 1;
  /** `-F` of 0.0.9: whatever the signature is. */
  readonly ignoreSignature?: boolean;
  readonly pollMs?: number;
}

/** What a user reads before the question whether to go on. */
export interface OldAucOffer {
  readonly version: string;
  /** `name (installed -> offered)` */
  readonly updates: readonly string[];
}

export interface OldAucImage {
  readonly requestHash: string | undefined;
  readonly url: string;
  readonly name: string;
  readonly bytes: Buffer;
  /** What it printed while it waited. */
  readonly shown: readonly string[];
}

const CHECK = { version: 'string', upgrades: 'table' } as const;
const IMAGE = { request_hash: 'string', url: 'string', files: 'string', sysupgrade: 'string' } as const;

/** A status it has words for; after them it hangs up, and no body is read. */
const WORDS: Readonly<Record<number, string>> = {
  400: '',
  413: 'image too big.',
  416: 'File download already fully retrieved; nothing to do.',
  501: "ImageBuilder didn't produce sysupgrade file.",
  206: 'Error: Partial content received, full content requested',
};
/** Anything else as a status of a build that is not done makes it stop. */
const STEPS: Readonly<Record<string, string>> = {
  queue: 'server is dispatching build job',
  building: 'server is now building image...',
  initialize: 'server is setting up ImageBuilder...',
};
const URL_CHARACTERS = 255;
/** Smaller than one line is no list, and smaller than this no signature. */
const MIN_SUMS_BYTES = 68;
const MIN_SIGNATURE_BYTES = 16;
/** Its own is 15 s; here the limit is for a hang, not a measurement. */
const PATIENCE_MS = 60_000;
const MAX_POLLS = 2000;

export class OldAuc {
  readonly wire: Uclient;
  readonly #server: string;
  readonly #router: OldRouter;
  readonly #options: OldAucOptions;
  readonly #shown: string[] = [];

  constructor(server: string, router: OldRouter, options: OldAucOptions) {
    this.wire = new Uclient({ userAgent: `auc (${options.version})`, hostHasPort: false, patienceMs: PATIENCE_MS });
    this.#server = server;
    this.#router = router;
    this.#options = options;
  }

  /** `auc -c`. Null: "system is up to date." */
  async check(): Promise<OldAucOffer | null> {
    const answer = await this.#repeated(() => this.#ask('api/upgrade-check', this.#checkBody()));
    if (answer.status === 204) return null;
    const { version, upgrades } = parseFields(CHECK, answer.reply);
    if (version === undefined && upgrades === undefined) throw this.#failure('server reply invalid.');
    const updates = Object.entries(upgrades ?? {}).flatMap(([name, pair]) => {
      const [offered, current] = Array.isArray(pair) ? pair : [];
      // One that is written in another way is passed over.
      return typeof offered === 'string' && typeof current === 'string' ? [`${name} (${current} -> ${offered})`] : [];
    });
    return { version: version ?? this.#router.version, updates };
  }

  /** Up to the file, and the user says yes. */
  async upgrade(): Promise<OldAucImage | null> {
    const offer = await this.check();
    return offer && this.request(offer.version);
  }

  async request(version: string, more: Readonly<Record<string, unknown>> = {}): Promise<OldAucImage> {
    const body = { version, ...this.#place(), board: this.#router.boardName, packages: this.#router.chosen, ...more };
    let answer = await this.#ask('api/upgrade-request', body);
    let fields = parseFields(IMAGE, answer.reply);
    const requestHash = fields.request_hash;
    // Once it knows a hash it polls for it, also where it was answered with the image.
    for (let polls = 0; polls === 0 ? answer.waits || requestHash !== undefined : answer.waits; polls += 1) {
      if (polls > MAX_POLLS) throw new ClientFailure('stuck', `asked ${MAX_POLLS} times`);
      await sleep(this.#options.pollMs ?? 3000);
      answer =
        requestHash === undefined
          ? await this.#ask('api/upgrade-request', body)
          : await this.#ask(`api/upgrade-request/${requestHash}`);
      fields = parseFields(IMAGE, answer.reply);
    }
    const url = this.#imageUrl(fields);
    const name = url.slice(url.lastIndexOf('/') + 1);
    const bytes = await this.#download(url, 'image download failed', 'file size mismatch');
    if (this.#options.version === '0.0.9') await this.#verify(url, name, bytes);
    return { requestHash, url, name, bytes, shown: this.#shown };
  }

  #checkBody(): Readonly<Record<string, unknown>> {
    const { installed, version, revision } = this.#router;
    const upgrade_packages = this.#options.upgradePackages ?? 1;
    return this.#options.version === '0.0.9'
      ? { ...this.#place(), version, packages: installed, upgrade_packages }
      : { ...this.#place(), version, revision, installed, upgrade_packages };
  }

  #place(): Readonly<Record<string, string>> {
    const { distribution: distro, target } = this.#router;
    if (this.#options.version === '0.1.4') return { distro, target };
    const [family = '', subtarget = ''] = target.split('/');
    return { distro, target: family, subtarget };
  }

  #imageUrl({ files, sysupgrade }: Parsed<typeof IMAGE>): string {
    if (sysupgrade === undefined) throw this.#failure('no sysupgrade image returned');
    if (this.#options.version === '0.1.4') {
      if (files === undefined) throw this.#failure('no sysupgrade image returned');
      return shortened(`${this.#server}/${files}/${sysupgrade}`);
    }
    if (sysupgrade.length > URL_CHARACTERS)
      throw new ClientFailure('crashed', `a URL of ${sysupgrade.length} characters has no end in its buffer`);
    if (!/^https?:\/\//.test(sysupgrade)) throw this.#failure('image download failed');
    return sysupgrade;
  }

  /** The list first and then the signature of it, both from beside the image. */
  async #verify(url: string, name: string, image: Buffer): Promise<void> {
    const beside = url.slice(0, url.lastIndexOf('/'));
    const sums = await this.#download(
      `${beside}/sha256sums`,
      'sha256sums download failed',
      'sha256sums download incomplete',
    );
    if (sums.length < MIN_SUMS_BYTES) throw this.#failure('sha256sums size mismatch');
    if (!isListed(sums, name, image)) throw this.#failure('checksum verification failed');
    const signature = await this.#download(
      `${beside}/sha256sums.sig`,
      'sha256sums.sig download failed',
      'sha256sums.sig download incomplete',
    );
    if (signature.length < MIN_SIGNATURE_BYTES) throw this.#failure('sha256sums.sig size mismatch');
    if (isSigned(sums, signature, this.#router.keys)) return;
    if (!this.#options.ignoreSignature) throw this.#failure('signature verification failed');
    this.#shown.push('signature verification failed');
  }

  /** It compares the length of the file with that of the head: without one there it has nothing. */
  async #download(url: string, failed: string, incomplete: string): Promise<Buffer> {
    const answer = await this.wire.get(url).catch(nothing);
    if (answer?.status !== 200) throw this.#failure(...(answer ? this.#wordsFor(answer) : []), failed);
    if (answer.body.length !== Number(answer.headers.get('content-length') ?? 0)) throw this.#failure(incomplete);
    return answer.body;
  }

  async #repeated(ask: () => Promise<Reply>): Promise<Reply> {
    for (let asked = 0; asked < MAX_POLLS; asked += 1) {
      const answer = await ask();
      if (!answer.waits) return answer;
      await sleep(this.#options.pollMs ?? 3000);
    }
    throw new ClientFailure('stuck', `asked ${MAX_POLLS} times`);
  }

  async #ask(path: string, body?: Readonly<Record<string, unknown>>): Promise<Reply> {
    const url = shortened(`${this.#server}/${path}`);
    const answer = await (body ? this.wire.postJson(url, JSON.stringify(body), 'text/json') : this.wire.get(url)).catch(
      nothing,
    );
    if (!answer) return { status: 0, waits: false, reply: undefined };
    const { status, headers } = answer;
    if (status === 200 || status === 204) return { status, waits: false, reply: jsonObjectIn(answer) };
    if (status !== 202) {
      this.#shown.push(...this.#wordsFor(answer));
      // It ends with what it has printed, and prints no more for a status that it knows.
      if (isKnown(status)) throw this.#failure();
      return { status, waits: false, reply: undefined };
    }
    const word = headers.get('x-imagebuilder-status');
    const known = word !== undefined && Object.hasOwn(STEPS, word);
    if (known) this.#showStep(word, headers.get('x-build-queue-position'));
    else if (word !== undefined) this.#shown.push(`unrecognized remote imagebuilder status '${word}'`);
    return { status, waits: known, reply: jsonObjectIn(answer) };
  }

  #showStep(word: string, position: string | undefined): void {
    const step = STEPS[word] ?? '';
    if (!this.#shown.includes(step)) this.#shown.push(step);
    else if (word === 'queue' && position !== undefined)
      this.#shown.push(`build is in queue position ${Number.parseInt(position, 10) || 0}.`);
  }

  #wordsFor({ status, headers }: RawAnswer): readonly string[] {
    const { distribution, target, boardName } = this.#router;
    if (status === 412) return [`${distribution} target ${target} (${boardName}) not found.`];
    if (status === 422) {
      const names = headers.get('x-unknown-package');
      if (names === undefined) throw new ClientFailure('crashed', 'a 422 without X-Unknown-Package');
      return [`unknown package '${names}' requested.`];
    }
    const words = WORDS[status] ?? `HTTP error ${status}`;
    return words === '' ? [] : [words];
  }

  #failure(...words: readonly string[]): ClientFailure {
    return new ClientFailure('shown', [...this.#shown, ...words].join('\n'));
  }
}

interface Reply {
  /** 0: no answer. */
  readonly status: number;
  readonly waits: boolean;
  /** A JSON object; undefined for anything else, and where it does not read the body. */
  readonly reply: unknown;
}

const isKnown = (status: number): boolean => Object.hasOwn(WORDS, status) || status === 412 || status === 422;

const shortened = (url: string): string => url.slice(0, URL_CHARACTERS);

function jsonObjectIn({ body }: RawAnswer): unknown {
  try {
    const json: unknown = JSON.parse(body.toString());
    return typeOf(json) === 'table' ? json : undefined;
  } catch {
    return undefined;
  }
}

function nothing(error: unknown): undefined {
  if (error instanceof NoAnswer) return undefined;
  throw error;
}
