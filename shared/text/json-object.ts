/** JSON objects that others wrote: a mirror may answer with a page, with a list, or with half of a file. */
import { quoted } from './printable.ts';

export type JsonObject = Record<string, unknown>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws Error where the text is no JSON, or JSON of something else */
export function parseJsonObject(text: string): JsonObject {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new Error(`expected JSON, got ${quoted(text)}`);
  }
  if (!isJsonObject(data)) throw new Error('expected a JSON object');
  return data;
}
