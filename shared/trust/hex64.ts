/** A sha256, the id of a node, a raw key: 64 lower-case hex digits and nothing else. */
import { z } from 'zod';

export const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
