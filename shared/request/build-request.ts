/**
 * What a client may ask for (`POST /api/v1/build`): one schema for validation, for the types and for the OpenAPI document.
 * Unknown fields are dropped, because old clients send more; a value outside its grammar is refused by name.
 */
import { z } from 'zod';
import type { FieldError } from '../build/build-error.ts';
import { isJsonObject } from '../text/json-object.ts';
import {
  FILESYSTEMS,
  PACKAGE_FILE,
  PACKAGE_SELECTION,
  PACKAGE_VERSION,
  REPOSITORY_KEY,
  REPOSITORY_NAME,
  TARGET,
  VERSION_CODE,
  WORD,
} from './grammar.ts';

export const MAX_BODY_BYTES = 256 * 1024;
export const MAX_PACKAGES = 1000;
export const MAX_CLIENT_CHARACTERS = 100;
/** Of all names together: they become one argument of make and one word of a shell, which end at 128 KiB. */
export const MAX_PACKAGES_CHARACTERS = 32 * 1024;
const MAX_REPOSITORIES = 16;
const MAX_KEY_BYTES = 1024;
const MAX_ERRORS = 20;
/** As many digits as a number in digits may have. */
const MAX_ROOTFS_MIB = 999_999;

/** For the API's document: what the checks beside them refuse. */
const NO_DOTS = { not: { enum: ['.', '..'] } };
const NO_DOTS_NOR_PROTO = { not: { enum: ['.', '..', '__proto__'] } };
const SIX_DIGITS = { minimum: 1, maximum: MAX_ROOTFS_MIB };

const word = (max: number, pattern: RegExp, expected: string) =>
  z
    .string()
    .max(max, `expected at most ${max} characters`)
    .regex(pattern, `expected ${expected}`)
    .refine((value) => value !== '.' && value !== '..', `expected ${expected}`)
    .meta(NO_DOTS);

/** Text that goes on as UTF-8: a lone surrogate would become U+FFFD, so that two secrets could share one identity. */
const freeText = () => z.string().refine((text) => text.isWellFormed(), 'expected well-formed Unicode');

const record = <V extends z.ZodType>(name: RegExp, expected: string, value: V, max: number) =>
  z.preprocess(
    (entries, context) => {
      // Before they are looked at: thirty thousand wrong ones are as many issues, which take a Worker all its time.
      if (isJsonObject(entries) && Object.keys(entries).length > max)
        context.addIssue({ code: 'custom', message: `expected at most ${max} entries` });
      // zod leaves it out without a word, and an entry that a client named must not vanish.
      if (isJsonObject(entries) && Object.hasOwn(entries, '__proto__'))
        context.addIssue({ code: 'custom', path: ['__proto__'], message: `expected ${expected}` });
      return entries;
    },
    z
      .record(
        z
          .string()
          .max(128)
          .regex(name, `expected ${expected}`)
          .refine((key) => key !== '.' && key !== '..', `expected ${expected}`)
          .meta(NO_DOTS_NOR_PROTO),
        value,
      )
      .meta({ maxProperties: max }),
  );

/** owut sends numbers, LuCI numeric strings, others null. */
const rootfsSize = z
  .union(
    [
      z.int().meta(SIX_DIGITS),
      z
        .string()
        .regex(/^[0-9]{1,6}$/)
        .transform(Number),
    ],
    'expected a whole number of MiB',
  )
  .nullish()
  .transform((value) => value ?? null)
  .refine((value) => value === null || (value >= 1 && value <= MAX_ROOTFS_MIB), `expected 1 to ${MAX_ROOTFS_MIB} MiB`)
  .describe('Size of the root file system in MiB; at most `server.max_custom_rootfs_size_mb` of the overview.')
  .meta({ examples: [512] });

/** As `PACKAGE_NAME`, and no package file. */
const VERSIONED_PACKAGE = /^(?!.*\.(?:ipk|apk)$)[A-Za-z0-9][A-Za-z0-9_.+-]{0,126}$/;

function packageProblem(name: string): string | null {
  if (name.length > 128) return 'expected at most 128 characters';
  if (!PACKAGE_SELECTION.test(name))
    return 'expected a package name: letters, digits, "_", ".", "+" or "-", with "-" before it to remove';
  return PACKAGE_FILE.test(name) ? 'expected a package name, not a package file' : null;
}

/** Descriptions and examples are for the API's document; they cost nothing when a request is checked. */
export const buildRequestSchema = z.object({
  distro: word(64, WORD, 'letters, digits, "_", ".", "," or "-"').default('openwrt'),
  version: word(64, WORD, 'letters, digits, "_", ".", "," or "-"')
    .describe('A release, or the snapshot of a branch.')
    .meta({ examples: ['24.10.2', '24.10-SNAPSHOT', 'SNAPSHOT'] }),
  version_code: z
    .string()
    .max(64, 'expected at most 64 characters')
    .regex(VERSION_CODE, 'expected letters, digits, "_", ".", "," or "-"')
    .default('')
    .describe(
      'The revision that upstream must be at, where it matters. It is a condition and makes no image of its own.',
    )
    .meta({ examples: ['r28427-6df0e3d02a'] }),
  target: word(128, TARGET, 'target/subtarget').meta({ examples: ['x86/64', 'ath79/generic'] }),
  profile: word(128, WORD, 'letters, digits, "_", ".", "," or "-"')
    .describe("A profile's id, or any name by which its images know the device.")
    .meta({ examples: ['generic', 'tplink,archer-c7-v4'] }),
  // One check for the list, not three for each of its names: they are most of a request, and a check costs more than its
  // expression.
  packages: z
    .array(
      z.string().meta({ maxLength: 128, pattern: PACKAGE_SELECTION.source, not: { pattern: PACKAGE_FILE.source } }),
    )
    .max(MAX_PACKAGES, `expected at most ${MAX_PACKAGES} packages`)
    .check(({ value, issues }) => {
      for (const [at, name] of value.entries()) {
        const message = packageProblem(name);
        if (message !== null) issues.push({ code: 'custom', input: name, path: [at], message });
      }
      const characters = value.reduce((sum, name) => sum + name.length + 1, 0);
      if (characters > MAX_PACKAGES_CHARACTERS)
        issues.push({
          code: 'custom',
          input: value,
          path: [],
          message: `expected at most ${MAX_PACKAGES_CHARACTERS} characters in all names together, got ${characters}`,
        });
    })
    .default([])
    .describe('Beside the defaults of the device, or instead of them. `-name` removes one; `+name` is `name`.')
    .meta({ examples: [['luci', '-ppp']] }),
  packages_versions: record(
    VERSIONED_PACKAGE,
    'a package name',
    z
      .string()
      .max(128, 'expected at most 128 characters')
      .regex(PACKAGE_VERSION, 'expected letters, digits, "_", "+", ".", ",", "~", ":" or "-"'),
    MAX_PACKAGES,
  )
    .refine(
      (versions) => Object.keys(versions).join(' ').length < MAX_PACKAGES_CHARACTERS,
      `expected at most ${MAX_PACKAGES_CHARACTERS} characters in all names together`,
    )
    .default({})
    .describe(
      'Versions that these packages must have in the image. A condition, as `version_code` is; without `packages`, its names are the list.',
    )
    .meta({ examples: [{ luci: '25.1' }] }),
  diff_packages: z
    .boolean()
    .default(false)
    .describe('True: `packages` is the whole list, and defaults of the device outside it are removed.'),
  defaults: freeText()
    .nullish()
    .transform((text) => text ?? '')
    .describe(
      'A script for the first boot; at most `server.max_defaults_length` bytes, and only where `server.allow_defaults`. It is never told again; such an image has a short life.',
    ),
  rootfs_size_mb: rootfsSize,
  filesystem: z
    .enum(FILESYSTEMS, `expected one of ${FILESYSTEMS.join(', ')}`)
    .nullish()
    .transform((fs) => fs ?? null)
    .describe('Images with another root file system are left out.'),
  repositories: record(
    REPOSITORY_NAME,
    'a repository name: letters, digits, "_", "." or "-"',
    z
      .string()
      .max(512, 'expected at most 512 characters')
      .regex(/^https?:\/\/[!-~]+$/, 'expected an http or https URL'),
    MAX_REPOSITORIES,
  )
    .default({})
    .describe('Package feeds by name; each must begin with an entry of `server.repository_allow_list`.')
    .meta({ examples: [{ custom: 'https://feeds.example.org/24.10/x86_64' }] }),
  // firmware-selector sends an empty one where it is not configured.
  repositories_mode: z
    .enum(['append', 'replace', ''], 'expected append or replace')
    .default('append')
    .transform((mode) => mode || 'append')
    .describe("Whether `repositories` come beside upstream's feeds or instead of them."),
  repository_keys: z
    .array(
      z
        .string()
        .max(MAX_KEY_BYTES, 'expected at most 1 KiB')
        .regex(REPOSITORY_KEY, 'expected a usign or PEM public key'),
    )
    .max(MAX_REPOSITORIES, `expected at most ${MAX_REPOSITORIES} keys`)
    .default([])
    .describe('Public keys that sign `repositories`: usign, or PEM.'),
  client: freeText()
    .max(MAX_CLIENT_CHARACTERS, `expected at most ${MAX_CLIENT_CHARACTERS} characters`)
    .nullish()
    .transform((name) => name ?? null)
    .describe('Who asks, for statistics only.')
    .meta({ examples: ['owut/2025.01.01-r1'] }),
});

export type BuildRequest = z.output<typeof buildRequestSchema>;

export type ParsedBuildRequest =
  | { readonly ok: true; readonly request: BuildRequest }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

/** Checks shape and grammar only; whether version, target and profile exist is the catalogue's to say. */
export function parseBuildRequest(body: unknown): ParsedBuildRequest {
  const parsed = buildRequestSchema.safeParse(body);
  if (parsed.success) return { ok: true, request: parsed.data };
  // 5,000 wrong packages are one mistake; a list of them would be an amplifier.
  const errors = parsed.error.issues.slice(0, MAX_ERRORS).map((issue) => ({
    path: issue.path.map(String).join('.').slice(0, 128),
    // A name outside its grammar hides what was expected one level down.
    message: (issue.code === 'invalid_key' && issue.issues[0]?.message) || issue.message,
  }));
  return { ok: false, errors };
}

/** What is to be installed. owut and auc send no list but exact versions, whose names are the list then. */
export const selectedPackages = (request: BuildRequest): readonly string[] =>
  request.packages.length > 0 ? request.packages : Object.keys(request.packages_versions);

/** The echo in answers: what was asked, with its defaults filled in; `defaults` may hold passwords and is never told. */
export const echoOf = (request: BuildRequest): Omit<BuildRequest, 'defaults'> & { defaults: null } => ({
  ...request,
  defaults: null,
});
