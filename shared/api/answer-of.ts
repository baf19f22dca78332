/**
 * The type of the answers that a schema describes. Whatever makes an answer declares it as its type, so that a member which
 * is not in the API's description does not compile, and none can be forgotten in it.
 */
import type { z } from 'zod';

/** Read-only all the way down, as the records are that answers are made from. */
export type AnswerOf<Schema extends z.ZodType> = ReadonlyDeep<z.output<Schema>>;

type ReadonlyDeep<Value> = Value extends object ? { readonly [Key in keyof Value]: ReadonlyDeep<Value[Key]> } : Value;
