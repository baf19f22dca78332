/**
 * A place is the same with slashes behind it and without. Not by an expression that is tried at each of them: a member of an archive may
 * be called 64 KiB of slashes.
 */
const SLASH = '/'.charCodeAt(0);

/** `https://mirror.example/releases//` becomes `https://mirror.example/releases`; of slashes alone nothing is left. */
export function withoutTrailingSlashes(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === SLASH) end -= 1;
  return text.slice(0, end);
}
