/** What a router of 2018 or 2019 asks before it upgrades, and what it is told. */
import { z } from 'zod';
import { PACKAGE_FILE, PACKAGE_NAME, PACKAGE_VERSION, WORD } from '../request/grammar.ts';
import type { AnswerOf } from './answer-of.ts';

const word = z.string().max(64).regex(WORD);

const installed = z
  .record(
    z
      .string()
      .regex(PACKAGE_NAME)
      .refine((name) => !PACKAGE_FILE.test(name))
      .meta({ not: { pattern: PACKAGE_FILE.source } }),
    z.string().max(128).regex(PACKAGE_VERSION),
  )
  .nullish();

/** Describes what is checked by hand (seed/upgrade-check-fields.ts), and is compared with that in a test. */
export const seedUpgradeCheckSchema = z.object({
  distro: word.describe('In any case; `lede` is OpenWrt.').meta({ examples: ['OpenWrt'] }),
  version: word.describe('That the router runs.').meta({ examples: ['18.06.2'] }),
  target: z
    .string()
    .max(128)
    .regex(/^\w+(?:\/\w+)?$/)
    .describe('With its subtarget, or beside it.')
    .meta({ examples: ['ath79/generic'] }),
  subtarget: z.string().max(128).regex(/^\w*$/).nullish(),
  revision: z
    .string()
    .max(64)
    .regex(/^[\w.,+-]*$/)
    .nullish()
    .describe('Of the version that the router runs; a snapshot is compared by it.')
    .meta({ examples: ['r7676-cddd7b4c77'] }),
  installed: installed
    .describe('Packages by name, with their versions. Without them there is no more to say than a version.')
    .meta({ examples: [{ vim: '8.1-2' }] }),
  packages: installed.describe('The same, for clients that name a `subtarget`.'),
  upgrade_packages: z
    .union([z.literal(0), z.literal(1), z.literal('0'), z.literal('1'), z.boolean()])
    .nullish()
    .describe('0: newer packages of the same version are not worth an answer.'),
});

const names = z.array(z.string());

/** Members that have nothing to say are left out. */
export const seedUpgradeSchema = z.strictObject({
  version: z
    .string()
    .optional()
    .describe('The newer version; absent where there is none.')
    .meta({ examples: ['24.10.2'] }),
  packages: names.optional().describe('For the new image, by the names that its version has.'),
  upgrades: z
    .record(z.string(), names.length(2))
    .optional()
    .describe('Packages whose version differs: the new one, and the installed one.'),
  dropped: names.min(1).optional().describe('Installed packages that the version has no more.'),
});

export type SeedUpgrade = AnswerOf<typeof seedUpgradeSchema>;
