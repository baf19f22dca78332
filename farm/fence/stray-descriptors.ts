/**
 * Descriptors that the node itself inherited and would hand on: whoever started it may have left a socket or a file open in
 * it, and a build would find it open too. What Node.js opens is closed in its children; these are not.
 */
import { readdirSync, readFileSync } from 'node:fs';

const CLOSE_ON_EXEC = 0o2000000;

let found: readonly number[] | undefined;

/** From 3 on. Looked for once: nothing inherits after the start. */
export function strayDescriptors(): readonly number[] {
  found ??= readdirSync('/proc/self/fd')
    .map(Number)
    .filter((descriptor) => descriptor > 2 && isHandedOn(descriptor));
  return found;
}

function isHandedOn(descriptor: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    // The descriptor by which the directory itself was read.
    return false;
  }
}
