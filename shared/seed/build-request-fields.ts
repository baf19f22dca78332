/**
 * What routers and pages of 2018 and 2019 ask for, and the request of today that it is. Grammar and limits are those of the v1
 * API, by its own schema: a name that only one of the two would refuse is a hole in the other.
 */
import { z } from 'zod';
import { invalidRequest, refuseField } from '../build/build-error.ts';
import { type BuildRequest, MAX_PACKAGES, parseBuildRequest } from '../request/build-request.ts';
import { printable } from '../text/printable.ts';
import type { Dialect } from './dialect.ts';

/** Of `defaults`, as the old API promised it. */
export const MAX_SEED_DEFAULTS_BYTES = 10_240;
const MAX_BOARD_CHARACTERS = 128;
const MAX_MODEL_CHARACTERS = 256;
const LIST_EXPECTED = 'expected a list of package names, or an object of names and versions';

/** A PC's board and model are whatever its maker wrote into it: looked up and told again, and nothing else is made of them. */
const label = (max: number) =>
  z
    .string('expected text')
    .max(max, `expected at most ${max} characters`)
    .refine((text) => text.isWellFormed() && printable(text) === text, 'expected text without control characters')
    .nullish()
    .transform((text) => text ?? '');

const word = z.string('expected text');

/** auc writes a list, others an object of names and versions; LuCI writes what it was told, which may be nothing. */
function names(packages: unknown, context: z.RefinementCtx): unknown {
  if (packages === null || packages === '') return [];
  if (typeof packages !== 'object') return packages;
  // Before they are looked at: each of eighty thousand that are no names would be an issue.
  if (Object.keys(packages).length > MAX_PACKAGES)
    context.addIssue({ code: 'custom', message: `expected at most ${MAX_PACKAGES} packages` });
  if (Array.isArray(packages)) return packages;
  return Object.values(packages).every((version) => typeof version === 'string') ? Object.keys(packages) : packages;
}

export const seedRequestSchema = z.object({
  distro: word.describe('In any case; `lede` is OpenWrt.').meta({ examples: ['OpenWrt'] }),
  version: word.meta({ examples: ['24.10.2'] }),
  target: word
    .describe('With its subtarget, or beside it; answers are of the kind that the request was.')
    .meta({ examples: ['ath79/generic'] }),
  subtarget: word.nullish(),
  board: label(MAX_BOARD_CHARACTERS)
    .describe('As the router names itself.')
    .meta({ examples: ['tplink,archer-c7-v4'] }),
  model: label(MAX_MODEL_CHARACTERS)
    .describe('Where the board is unknown: exactly as upstream has it, in any case.')
    .meta({ examples: ['TP-Link Archer C7 v4'] }),
  packages: z
    .preprocess(names, z.array(z.string('expected the name of a package'), LIST_EXPECTED))
    .optional()
    .describe('The whole list: defaults of the device outside it are removed. An object has its names as members.')
    .meta({ examples: [['luci', 'vim']] }),
  defaults: z
    .string('expected text')
    .nullish()
    .transform((text) => text ?? '')
    .describe(
      `A script for the first boot; at most ${MAX_SEED_DEFAULTS_BYTES} bytes, and only where the server allows it.`,
    ),
  request_hash: word.nullish().describe('Polls for this one; nothing else is read then.'),
});

/** A request of the old API, whole and of the right shape. */
export interface SeedRequest {
  readonly dialect: Dialect;
  /** As they were sent. */
  readonly distro: string;
  readonly version: string;
  readonly target: string;
  readonly subtarget?: string;
  /** With `_` for each `,`. */
  readonly board: string;
  readonly model: string;
  /** What it asks for, but for the distribution's own name and the profile, which are the catalogue's to say. */
  readonly request: BuildRequest;
}

/**
 * The hash that a body polls for; null where it asks for an image.
 * @throws BuildError `invalid_request` for what is no JSON object
 */
export function polledHash(json: unknown): string | null {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) refuseField('', 'expected a JSON object');
  const hash = Object.hasOwn(json, 'request_hash') ? (json as { request_hash: unknown }).request_hash : null;
  if (hash === null || hash === '') return null;
  if (typeof hash !== 'string') refuseField('request_hash', 'expected text');
  return hash;
}

/** @throws BuildError `invalid_request` naming the field and what was expected */
export function parseSeedRequest(json: unknown): SeedRequest {
  const parsed = seedRequestSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    refuseField(issue?.path.map(String).join('.') ?? '', issue?.message ?? 'unexpected');
  }
  const { distro, version, board, model, packages = [], defaults } = parsed.data;
  const place = placeOf(parsed.data);
  const inV1 = parseBuildRequest({
    distro,
    version,
    target: place.dialect === 'joined' ? place.target : `${place.target}/${place.subtarget}`,
    profile: 'generic',
    packages,
    diff_packages: packages.length > 0,
    defaults,
  });
  if (!inV1.ok) throw invalidRequest(inV1.errors);
  return { ...place, distro, version, board: board.replaceAll(',', '_'), model, request: inV1.request };
}

export type Place = Pick<SeedRequest, 'dialect' | 'target' | 'subtarget'>;

/** @throws BuildError `invalid_request` */
export function placeOf({ target, subtarget }: { target: string; subtarget?: string | null | undefined }): Place {
  if (subtarget === undefined || subtarget === null || subtarget === '') {
    if (target.includes('/')) return { dialect: 'joined', target };
    refuseField('target', 'expected target/subtarget, or a subtarget beside it');
  }
  if (target.includes('/')) refuseField('subtarget', 'expected none beside target/subtarget');
  return { dialect: 'split', target, subtarget };
}
