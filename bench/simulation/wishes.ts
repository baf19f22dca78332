/**
 * What is asked for: a device with its packages, by a number, from which everything follows. One in the day's Zipf order is
 * asked for by many; one of the backlog by nobody but its client.
 */
import type { Submission } from '../../edge/foreman/queue/queue.ts';
import { requestEcho } from '../../shared/build/build-record.fixture.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { normalizedRequest } from '../../shared/request/normalized-request.fixture.ts';
import { seeded } from '../random.ts';
import { logNormal } from './distributions.ts';
import { FARM, UPSTREAM } from './parameters.ts';
import { profileName, someTarget, type Target } from './upstream.ts';

export interface Wish {
  readonly intentHash: string;
  readonly target: Target;
  readonly profile: string;
  readonly packages: readonly string[];
  /** Of a node as fast as most, which has the ImageBuilder. */
  readonly workMs: number;
  readonly failure: 'image_too_big' | null;
}

export class Wishes {
  readonly #seed: number;
  readonly #byNumber = new Map<number, Wish>();
  readonly #byIntent = new Map<string, Wish>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  wish(number: number): Wish {
    const known = this.#byNumber.get(number);
    if (known) return known;
    const made = this.#make(number);
    this.#byNumber.set(number, made);
    this.#byIntent.set(made.intentHash, made);
    return made;
  }

  /** One that somebody had. @throws Error where nobody had */
  ofIntent(intentHash: string): Wish {
    const wish = this.#byIntent.get(intentHash);
    if (!wish) throw new Error(`expected a wish with intent ${intentHash}`);
    return wish;
  }

  #make(number: number): Wish {
    const random = seeded(this.#seed * 1_000_003 + number);
    const target = someTarget(random);
    const failure = random() < FARM.failing ? 'image_too_big' : null;
    return {
      intentHash: sha256Hex(`wish ${this.#seed} ${number}`),
      target,
      profile: profileName(Math.floor(random() * UPSTREAM.profilesOfTarget)),
      packages: ['luci', `package-${number}`],
      // What does not fit is known at the end, a little sooner.
      workMs: FARM.buildMs * logNormal(random, FARM.workSpread) * (failure ? 0.8 : 1),
      failure,
    };
  }
}

export function submissionOf(wish: Wish, clientKey: string): Submission {
  const { target, profile, packages } = wish;
  return {
    intentHash: wish.intentHash,
    seenGeneration: 0,
    request: normalizedRequest({ version: UPSTREAM.version, target: target.name, profile, addPackages: packages }),
    echo: requestEcho({ target: target.name, profile, packages: [...packages] }),
    conditions: { version_code: '', packages_versions: {} },
    sealedDefaults: null,
    upstreamDigest: target.upstreamDigest,
    clientKey,
    imageBuilder: target.imageBuilder,
  };
}
