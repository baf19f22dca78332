/**
 * The check of a router that writes its packages the plain way, as all of them do: straight from the bytes of its body. As JSON it
 * would become an object of 200 keys that no other router has, which costs more than all other steps do, only to be taken
 * apart again. Whatever is not plain (an escape, a name that is none, broken JSON) is null here, and read and refused the long way.
 */
import { OPEN, scanPairs } from './scan-pairs.ts';
import { parseUpgradeCheck, type UpgradeCheck } from './upgrade-check-fields.ts';

/** Of JSON: `\s` has more. */
const BLANK = '[ \\t\\n\\r]*';

/** All up to the brace that opens `installed`. Members before it are such that this word cannot hide in them. */
const HEAD = new RegExp(
  `^${BLANK}\\{(?:${BLANK}"\\w*"${BLANK}:${BLANK}(?:"[^"\\\\]*"|\\w+)${BLANK},)*${BLANK}"installed"${BLANK}:${BLANK}$`,
);

// What JSON is not by its bytes must not become it: a mark in the middle of a body, and bytes that are no text.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true, fatal: false });

/**
 * Null where the long way has to tell, be it that there is nothing wrong.
 * @throws BuildError `invalid_request` as `parseUpgradeCheck` does
 */
export function scanUpgradeCheck(body: Uint8Array): UpgradeCheck | null {
  const opening = body.indexOf(OPEN, body.indexOf(OPEN) + 1);
  const head = utf8.decode(body.subarray(0, Math.max(0, opening)));
  if (!HEAD.test(head)) return null;
  const installed = scanPairs(body, opening);
  if (installed === null) return null;
  const rest = utf8.decode(body.subarray(installed.end));
  // Of two members with one name the later one counts, however it is spelt.
  if (rest.includes('"installed"') || rest.includes('\\')) return null;
  const text = `${head}{}${rest}`;
  const json = text.includes(NOT_UTF8) ? null : parsedOrNull(text);
  return json === null ? null : { ...parseUpgradeCheck(json), installed };
}

/** Stands for what is not UTF-8. */
const NOT_UTF8 = '\uFFFD';

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
