/**
 * The little XML that S3 speaks. A parser would be larger than the rest of the adapter; the elements that are read here
 * hold text only, are never nested in themselves and carry no attributes on any server we know.
 */

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The text of the first element of this name, with its entities resolved. */
export function textOf(xml: string, element: string): string | undefined {
  const text = new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1];
  return text?.replace(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));/g, (whole, decimal, hexadecimal, name) => {
    if (name !== undefined) return entities[name] ?? whole;
    const point = decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}

/** What stands inside every element of this name, unparsed. */
export function* insideOf(xml: string, element: string): Generator<string> {
  const [opening, closing] = [`<${element}>`, `</${element}>`];
  // By search and not by an expression, which would look for the end anew behind each of a million beginnings.
  for (let at = xml.indexOf(opening); at >= 0; ) {
    const start = at + opening.length;
    const end = xml.indexOf(closing, start);
    if (end < 0) return;
    yield xml.slice(start, end);
    at = xml.indexOf(opening, end + closing.length);
  }
}

/** The body of CompleteMultipartUpload. */
export function completionXml(parts: readonly { readonly partNumber: number; readonly etag: string }[]): string {
  const rows = parts.map(
    ({ partNumber, etag }) => `<Part><PartNumber>${partNumber}</PartNumber><ETag>${escapeText(etag)}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${rows.join('')}</CompleteMultipartUpload>`;
}

const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
