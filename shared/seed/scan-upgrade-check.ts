/**
 * The check of a router that writes its packages the plain way, as all of them do: straight from the text of its body. As JSON it
 * would become an object of 200 keys that no other router has, which costs more than all other steps do, only to be taken
 * apart again. Whatever is not plain (an escape, a name that is none, broken JSON) is null here, and read and refused the long way.
 */
import { scanPairs } from './scan-pairs.ts';
import { parseUpgradeCheck, type UpgradeCheck } from './upgrade-check-fields.ts';

/** Of JSON: `\s` has more. */
const BLANK = '[ \\t\\n\\r]*';

/** All up to the brace that opens `installed`. Members before it are such that this word cannot hide in them. */
const OPENING = new RegExp(
  `^${BLANK}\\{(?:${BLANK}"\\w*"${BLANK}:${BLANK}(?:"[^"\\\\]*"|\\w+)${BLANK},)*${BLANK}"installed"${BLANK}:${BLANK}(?=\\{)`,
);

/**
 * Null where the long way has to tell, be it that there is nothing wrong.
 * @throws BuildError `invalid_request` as `parseUpgradeCheck` does
 */
export function scanUpgradeCheck(body: string): UpgradeCheck | null {
  const opening = OPENING.exec(body)?.[0];
  if (opening === undefined) return null;
  const scanned = scanPairs(body, opening.length);
  if (scanned === null) return null;
  const rest = body.slice(scanned.end);
  // Of two members with one name the later one counts, however it is spelt.
  if (rest.includes('"installed"') || rest.includes('\\')) return null;
  const json = parsedOrNull(`${opening}{}${rest}`);
  return json === null ? null : { ...parseUpgradeCheck(json), installed: scanned.pairs };
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
