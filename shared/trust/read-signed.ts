/**
 * A signed document as anybody may hand it over: opened, its signature checked, and only then read. Of what is signed by the right
 * key and still not understood it is said that it may be newer than this reader, which is no forgery.
 */
import type { z } from 'zod';
import { sha256Hex } from '../crypto/digest.ts';
import { type DsseEnvelope, isSignedBy, jsonOf, openDsse } from './dsse.ts';

export type ReadSigned<Value> =
  | {
      readonly ok: true;
      readonly value: Value;
      /** Of the payload. */
      readonly sha256: string;
      readonly envelope: DsseEnvelope;
    }
  | { readonly ok: false; readonly reason: string };

/** `publicKey`: raw, of who must have signed it. */
export async function readSigned<Value>(
  json: unknown,
  payloadType: string,
  schema: z.ZodType<Value>,
  publicKey: Uint8Array,
): Promise<ReadSigned<Value>> {
  const opened = openDsse(json, payloadType);
  if (!opened.ok) return opened;
  if (!(await isSignedBy(opened.value, publicKey)))
    return { ok: false, reason: 'it is not signed by the key that it should be' };
  const { payload, envelope } = opened.value;
  const parsed = schema.safeParse(jsonOf(payload));
  return parsed.success
    ? { ok: true, value: parsed.data, sha256: sha256Hex(payload), envelope }
    : {
        ok: false,
        reason: `it is signed, but what it says is not understood here (${parsed.error.issues[0]?.path.join('.')})`,
      };
}
