/**
 * What is asked for: a device with its packages, by a number, from which everything follows. One in the day's Zipf order is
 * asked for by many; one of the backlog by nobody but its client.
 */
import type { Submission } from '../../edge/foreman/queue.ts';
import { requestEcho } from '../../shared/build-record.fixture.ts';
import { sha256Hex } from '../../shared/digest.ts';
import { seeded } from '../random.ts';
import { FARM, UPSTREAM } from './parameters.ts';
import { profileName, TARGETS, type Target } from './upstream.ts';

export interface Wish {
  readonly number: number;
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

  constructor(seed: number) {
    this.#seed = seed;
  }

  wish(number: number): Wish {
    const random = seeded(this.#seed * 1_000_003 + number);
    // A handful of targets are most of what there is.
    const target = TARGETS[Math.floor(TARGETS.length * random() ** 3)] as Target;
    const failure = random() < FARM.failing ? 'image_too_big' : null;
    return {
      number,
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
    request: {
      distro: 'openwrt',
      version: UPSTREAM.version,
      target: target.name,
      profile,
      addPackages: packages,
      removePackages: [],
      rootfsSizeMb: null,
      filesystem: null,
      repositories: [],
      repositoriesMode: 'append',
      repositoryKeys: [],
      defaultsMac: '',
    },
    echo: requestEcho({ target: target.name, profile, packages: [...packages] }),
    conditions: { version_code: '', packages_versions: {} },
    sealedDefaults: null,
    upstreamDigest: target.upstreamDigest,
    clientKey,
    imageBuilder: target.imageBuilder,
  };
}

/** Around 1. */
export const logNormal = (random: () => number, spread: number): number =>
  Math.exp(spread * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
