/**
 * A request byte by byte, valid or not. A library between us and the socket would mend or refuse just what must be tried.
 * Text is Latin-1: a character is a byte.
 */
export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Body;
}

export type Body =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly text: string }
  | { readonly kind: 'chunked'; readonly chunks: readonly string[] }
  /** What is announced never comes; the client ends its side instead. */
  | { readonly kind: 'cut off'; readonly text: string; readonly announcedBytes: number }
  /** Fewer bytes are announced than come: the rest is, for the server, the next request. */
  | { readonly kind: 'surplus'; readonly text: string; readonly announcedBytes: number };

const FRAMING = /^(?:content-length|transfer-encoding|connection|upgrade|expect|te|trailer)$/i;

/**
 * Where its body ends is said twice or wrongly, so that a server may wait for more, or end the connection. The client then
 * ends its side, as one would that has said all.
 */
export const isContradictory = ({ headers, body }: RawRequest): boolean =>
  body.kind === 'cut off' || body.kind === 'surplus' || headers.some(([name]) => FRAMING.test(name));

/** JSON and everything else that is meant as text goes over the wire as UTF-8; lone surrogates as the three bytes they must not be. */
export const utf8 = (text: string): string =>
  text.replace(/[^\0-\x7f]/gsu, (character) =>
    character.isWellFormed()
      ? Buffer.from(character, 'utf8').toString('latin1')
      : surrogateBytes(character.charCodeAt(0)),
  );

const surrogateBytes = (unit: number): string =>
  String.fromCharCode(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f));

export function bytesOf({ method, target, headers, body }: RawRequest): Buffer {
  const lines = [`${method} ${target} HTTP/1.1`, 'Host: fuzz', ...headers.map(([name, value]) => `${name}: ${value}`)];
  if (body.kind === 'length') lines.push(`Content-Length: ${body.text.length}`);
  if (body.kind === 'cut off' || body.kind === 'surplus') lines.push(`Content-Length: ${body.announcedBytes}`);
  if (body.kind === 'chunked') lines.push('Transfer-Encoding: chunked');
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${bodyText(body)}`, 'latin1');
}

function bodyText(body: Body): string {
  switch (body.kind) {
    case 'none':
      return '';
    case 'length':
    case 'cut off':
    case 'surplus':
      return body.text;
    case 'chunked':
      return `${body.chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`;
  }
}

/** For people, and for a shell that wants to send it again: `printf` knows these escapes. */
export function shellCommandOf(request: RawRequest): string {
  const bytes = bytesOf(request);
  const shown = bytes.toString('latin1', 0, 20_000);
  const escaped = shown.replace(/[^ -~]|[%\\']/g, (character) =>
    character === '%' ? '%%' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  const rest = bytes.length > shown.length ? `\n(${bytes.length - shown.length} bytes more)` : '';
  return `printf '${escaped}' | nc -q 5 127.0.0.1 PORT${rest}`;
}
