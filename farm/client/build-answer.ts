/**
 * The answers about a build, as far as somebody at a shell needs them. A server may be newer than this client, or hostile: what
 * it says beyond that is not looked at, names of files are single segments of a path, and words are fit for a terminal.
 */
import { z } from 'zod';
import { OUTPUT_FILE } from '../../shared/request/grammar.ts';
import { printable } from '../../shared/text/printable.ts';
import { BadAnswer, RequestRefused } from './faults.ts';
import { whatIsSaid } from './what-is-said.ts';

const MAX_IMAGES = 100;
/** Larger than any device's flash; a server that promises more would only fill a disk. */
export const MAX_IMAGE_BYTES = 4 * 1024 ** 3;

const words = z.string().transform((text) => printable(text, 200));
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits');

const imageSchema = z.object({
  name: z
    .string()
    .refine((name) => OUTPUT_FILE.test(name) && !name.endsWith('.part'), 'expected the name of a file, and no path'),
  type: words,
  filesystem: words.nullish(),
  sha256: hash,
  size: z.int().min(1).max(MAX_IMAGE_BYTES),
});

const pendingSchema = z.object({
  request_hash: hash,
  detail: words,
  imagebuilder_status: words.default('init'),
  queue_position: z.int().min(0).optional(),
  eta_seconds: z.int().min(0).optional(),
  progress: z.object({ bytes: z.int().min(0), total: z.int().min(1) }).optional(),
});

const doneSchema = z.object({
  request_hash: hash,
  /** One segment of a path, as the API promises. */
  bin_dir: z.string().regex(/^[A-Za-z0-9][\w-]{0,63}$/, 'expected one name, and no path'),
  images: z
    .array(imageSchema)
    .max(MAX_IMAGES)
    .refine((images) => new Set(images.map(({ name }) => name)).size === images.length, 'expected each name once'),
  manifest: z.record(z.string().max(128), z.string().max(128)),
  version_number: words,
  version_code: words,
  target: words,
  id: words,
});

export type BuiltImage = z.output<typeof imageSchema>;
export type PendingAnswer = z.output<typeof pendingSchema>;
export type DoneAnswer = z.output<typeof doneSchema>;

export type BuildAnswer =
  | { readonly state: 'pending'; readonly pending: PendingAnswer }
  | { readonly state: 'done'; readonly done: DoneAnswer };

/** @throws BadAnswer naming what was expected */
export function buildAnswer(status: 200 | 202, json: unknown): BuildAnswer {
  return status === 202
    ? { state: 'pending', pending: read(pendingSchema, json, 'a build that waits') }
    : { state: 'done', done: read(doneSchema, json, 'a build that is done') };
}

/** The end of a build that failed, as the event of that name tells it. */
export function failedAnswer(text: string): RequestRefused {
  const said = whatIsSaid(text);
  return new RequestRefused(500, said?.sentence ?? 'the build failed, and the server does not say why', said ?? {});
}

function read<T>(schema: z.ZodType<T>, json: unknown, what: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = printable(issue?.path.map(String).join('.') || 'the answer', 100);
  throw new BadAnswer(`the server's answer about ${what} is none: ${place}: ${printable(issue?.message ?? '', 200)}`);
}
