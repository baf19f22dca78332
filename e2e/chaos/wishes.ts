/** What simulated visitors ask for, and what must come of it whatever the weather: an image that has it, or a failure that is true. */
import type { BuildErrorKind } from '../../shared/build/build-error.ts';
import { packagesOf as chosen, PACKAGES } from '../cheap-builds.ts';

export const CLIENTS = ['owut', 'auc', 'luci', 'firmware-selector'] as const;
/** Those with which a first-boot script can be sent. */
export const SCRIPT_CLIENTS = ['owut', 'firmware-selector'] as const;
export type ClientName = (typeof CLIENTS)[number];

/** `script`: an image with a first-boot script, which is private. */
export type WishKind = 'image' | 'script' | 'clash' | 'postinst' | 'too big' | 'unknown';

interface KindRow {
  /** How many of a hundred wishes are such. */
  readonly share: number;
  /** Beside those that tell one from another. */
  readonly package?: string;
  /** The only true failures; absent: there is an image. */
  readonly failures?: readonly BuildErrorKind[];
}

export const WISH_KINDS: Readonly<Record<WishKind, KindRow>> = {
  image: { share: 62 },
  script: { share: 12 },
  // These three pass the edge's checks and fail in make.
  clash: { share: 7, package: 'demo-clash', failures: ['conflict', 'build_failed'] },
  postinst: { share: 6, package: 'demo-badpostinst', failures: ['build_failed'] },
  'too big': { share: 7, package: 'demo-huge', failures: ['image_too_big'] },
  // Refused by the edge, and never queued.
  unknown: { share: 6, package: 'demo-is-nowhere', failures: ['unknown_package'] },
};

export interface Wish {
  readonly kind: WishKind;
  /** Which of PACKAGES, bit by bit. */
  readonly packages: number;
}

const KINDS = Object.keys(WISH_KINDS) as WishKind[];
/** Of new ones; the others ask for what somebody asked for before. */
const REPEATS_ONE_IN = 3;

export function drawWish(random: () => number, earlier: readonly Wish[]): Wish {
  const [repeats, which, kindAt, bits] = [random() < 1 / REPEATS_ONE_IN, random(), random() * 100, random()];
  const again = earlier[Math.floor(which * earlier.length)];
  if (repeats && again) return again;
  return { kind: kindOfHundred(kindAt), packages: Math.floor(bits * 2 ** PACKAGES.length) };
}

function kindOfHundred(at: number): WishKind {
  let share = 0;
  for (const kind of KINDS) {
    share += WISH_KINDS[kind].share;
    if (at < share) return kind;
  }
  return 'image';
}

/** Equal for wishes that are. */
export const keyOf = ({ kind, packages }: Wish): string => `${kind} ${packages}`;

export const ordinaryPackagesOf = ({ packages }: Wish): readonly string[] => chosen(packages);

export function packagesOf(wish: Wish): readonly string[] {
  const special = WISH_KINDS[wish.kind].package;
  return [...ordinaryPackagesOf(wish), ...(special === undefined ? [] : [special])];
}

/** Of a wish with a script; else undefined. */
export const scriptOf = (wish: Wish): string | undefined =>
  wish.kind === 'script' ? `uci set system.@system[0].hostname=chaos-${wish.packages}\n` : undefined;

/** The wish of a request body that a client sent, whatever else it says. */
export function wishOf(body: unknown): Wish | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const request = body as Readonly<Record<string, unknown>>;
  const names = Array.isArray(request.packages) ? request.packages : Object.keys(request.packages_versions ?? {});
  const special = KINDS.find((kind) => names.includes(WISH_KINDS[kind].package));
  const hasScript = typeof request.defaults === 'string' && request.defaults !== '';
  const packages = PACKAGES.reduce((bits, name, bit) => (names.includes(name) ? bits | (1 << bit) : bits), 0);
  return { kind: special ?? (hasScript ? 'script' : 'image'), packages };
}
