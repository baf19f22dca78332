/**
 * One unambiguous byte string for a list of fields. Joining with a separator lets `["a b"]` and `["a","b"]` share a hash,
 * which is how the peer's cache keys could be made to collide; a length before every string cannot.
 */
export type CanonicalField = string | number | null | readonly string[];

/** Netstring-like: strings as `<UTF-8 length>:<text>,`, lists as `[<count>;…]`, null as `~`. */
export function canonical(fields: readonly CanonicalField[]): string {
  let text = '';
  for (const field of fields) {
    if (field === null) text += '~';
    else if (typeof field === 'number') text += prefixed(String(field));
    else if (typeof field === 'string') text += prefixed(field);
    else text += `[${field.length};${field.map(prefixed).join('')}]`;
  }
  return text;
}

const encoder = new TextEncoder();

/** Nearly all there is to prefix is ASCII, whose length needs no encoder: a call into it costs more than the test. */
const ASCII = /^[\0-\x7f]*$/;

const prefixed = (value: string): string =>
  `${ASCII.test(value) ? value.length : encoder.encode(value).length}:${value},`;
