/** Headers of answers that clients read, or that a proxy may. */
import { z } from 'zod';

export const HEADERS = {
  'X-Imagebuilder-Status': { schema: z.string(), text: '`imagebuilder_status` of the body, for HEAD.' },
  'X-Queue-Position': { schema: z.int().min(0), text: '`queue_position` of the body; of queued builds only.' },
  'X-Build-Queue-Position': {
    schema: z.int().min(0),
    text: 'Unfinished builds that were accepted earlier; of queued builds only.',
  },
  'X-Unknown-Package': { schema: z.string(), text: 'Their names, sorted, with commas between them.' },
  'Retry-After': { schema: z.int().min(0), text: 'Seconds.' },
  ETag: { schema: z.string(), text: 'For `If-None-Match` and `If-Range`.' },
  'Content-Length': { schema: z.int().min(0), text: 'Bytes; of HEAD too.' },
  'Content-Range': { schema: z.string(), text: 'Which part of how many bytes.' },
  'Content-Disposition': { schema: z.string(), text: '`attachment`, with the name of the file.' },
} as const;

export type HeaderName = keyof typeof HEADERS;
