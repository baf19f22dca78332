/**
 * Reads a body of limited size. owut and auc send `Transfer-Encoding: chunked` without a length, so the bytes themselves
 * are counted; the rest of a body that is too long is never read.
 */
import { BuildError, invalidRequest, refuseField } from '../../shared/build/build-error.ts';

/** @throws BuildError `body_too_large`, or `invalid_request` for one that breaks off */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readBytes(request, maxBytes);
  } catch (error) {
    throw error instanceof BuildError ? error : brokenOff();
  }
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new BuildError('body_too_large', `Request body too large: expected at most ${maxBytes} bytes`);
  const declared = request.headers.get('content-length');
  if (declared !== null) {
    if (Number(declared) > maxBytes) throw tooLarge();
    return new Uint8Array(await request.arrayBuffer());
  }
  if (!request.body) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  const reader = request.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    sizeBytes += next.value.byteLength;
    if (sizeBytes > maxBytes) {
      await reader.cancel();
      throw tooLarge();
    }
    chunks.push(next.value);
  }
  const body = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return body;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/**
 * The same as text. With a declared length the platform decodes, several times cheaper than bytes and a decoder; it puts
 * U+FFFD for what is not UTF-8, so a body with one in it is refused (JSON can write that character as an escape).
 * @throws BuildError `body_too_large` or `invalid_request`
 */
export async function readText(request: Request, maxBytes: number): Promise<string> {
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) <= maxBytes) {
    const text = await request.text().catch(() => {
      throw brokenOff();
    });
    if (text.includes('\uFFFD')) refuseField('', NOT_UTF8);
    return text;
  }
  return textOf(await readBody(request, maxBytes));
}

/** @throws BuildError `invalid_request` for what is not UTF-8 */
export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    refuseField('', NOT_UTF8);
  }
}

const NOT_UTF8 = 'expected UTF-8 without U+FFFD, and not compressed';

/** Mostly nobody is there any more to read this, but it is no fault of ours. */
const brokenOff = (): BuildError => invalidRequest([{ path: '', message: 'expected a whole body, got a part of one' }]);
