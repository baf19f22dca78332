/**
 * Preloaded into a node's process (`node --import e2e/lies/tell.ts farm/main.ts`), it makes a liar of it: the very program that
 * volunteers run, with three of its modules exchanged for such as do what `ASU_LIE` names (lies.ts has them all). The product
 * itself can tell no lie, and needs no switch for it.
 */
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';

const HERE = new URL('./', import.meta.url).href;
const FARM = new URL('../../farm/', import.meta.url).href;

const EXCHANGED: ReadonlyMap<string, string> = new Map([
  [`${FARM}build/build.ts`, `${HERE}build.ts`],
  [`${FARM}upload/through-edge.ts`, `${HERE}through-edge.ts`],
  [`${FARM}membership/edge-client.ts`, `${HERE}edge-client.ts`],
]);

// One that was moved would be exchanged no more, and a liar that tells the truth is a test that fails for no reason to be seen.
for (const url of EXCHANGED.keys()) if (!existsSync(new URL(url))) throw new Error(`expected ${url}`);

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    // They are made of what they stand for.
    const lie = context.parentURL?.startsWith(HERE) ? undefined : EXCHANGED.get(resolved.url);
    return lie === undefined ? resolved : { ...resolved, url: lie };
  },
});
