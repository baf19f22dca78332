/**
 * `profiles.json`, as upstream publishes it per target and as an ImageBuilder writes it beside its images. Fields that we do
 * not know are kept: the document is passed on to clients that may know them.
 */
import { z } from 'zod';

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits');

const imageSchema = z.looseObject({
  name: z.string(),
  type: z.string(),
  /** Absent for kernels and other files that hold no root file system. */
  filesystem: z.string().optional(),
  /** Of the file as it lies there, with the signature that an opkg-era ImageBuilder appends. */
  sha256: digest,
  /** Of the file before that; absent in documents older than 21.02. */
  sha256_unsigned: digest.optional(),
  size: z.number().optional(),
});

const profileSchema = z.looseObject({
  image_prefix: z.string().default(''),
  images: z.array(imageSchema),
  device_packages: z.array(z.string()).default([]),
  supported_devices: z.array(z.string()).default([]),
  titles: z.array(z.record(z.string(), z.string())).default([]),
});

const profilesJsonSchema = z.looseObject({
  metadata_version: z.literal(1),
  target: z.string(),
  version_code: z.string(),
  version_number: z.string().default(''),
  arch_packages: z.string().default(''),
  default_packages: z.array(z.string()).default([]),
  profiles: z.record(z.string(), profileSchema),
});

export type ProfilesJson = z.output<typeof profilesJsonSchema>;
export type ProfilesJsonImage = z.output<typeof imageSchema>;

/** @throws Error naming the first field that is not as it should be */
export function parseProfilesJson(text: string): ProfilesJson {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new Error('expected profiles.json to be JSON, got something else', { cause });
  }
  const parsed = profilesJsonSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`profiles.json: ${issue?.path.map(String).join('.')}: ${issue?.message}`, { cause: parsed.error });
}
