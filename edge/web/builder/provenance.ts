/**
 * Who made an image and how, out of its signed provenance, to be shown. Nothing is verified here: a page that came from the server
 * cannot vouch for the server, so it gives the command that can. What is not as expected is left out.
 */
import type { Provenance } from '../../../shared/trust/provenance.ts';

export interface Voucher {
  readonly nodeId: string;
  readonly isTrusted: boolean;
}

export interface Recipe {
  readonly imageBuilderUrl: string;
  readonly imageBuilderSha256: string;
  readonly command: readonly string[];
}

export interface Shown {
  readonly vouchers: readonly Voucher[];
  readonly operators: number;
  readonly recipe: Recipe | null;
  readonly isPrivate: boolean;
}

export function shownProvenance({ summary, statements, salt }: Provenance): Shown {
  const attesters = arrayIn(payloadOf(summary), 'predicate', 'asu_attesters');
  return {
    vouchers: attesters.map((one) => ({
      nodeId: textIn(one, 'id'),
      isTrusted: textIn(one, 'tier') === 'trusted',
    })),
    operators: new Set(attesters.map((one) => textIn(one, 'operator'))).size,
    recipe: statements[0] ? recipeOf(payloadOf(statements[0])) : null,
    isPrivate: salt !== undefined,
  };
}

function recipeOf(statement: unknown): Recipe | null {
  const definition = within(statement, 'predicate', 'buildDefinition');
  const command = arrayIn(definition, 'internalParameters', 'command').map(String);
  const imageBuilder = arrayIn(definition, 'resolvedDependencies').find(
    (one) => textIn(one, 'name') === 'imagebuilder',
  );
  const [imageBuilderUrl, imageBuilderSha256] = [textIn(imageBuilder, 'uri'), textIn(imageBuilder, 'digest', 'sha256')];
  // A link that runs something is no link.
  if (command.length === 0 || !/^https?:\/\/\S+$/.test(imageBuilderUrl)) return null;
  return { imageBuilderUrl, imageBuilderSha256, command };
}

function payloadOf({ payload }: { readonly payload: string }): unknown {
  try {
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

const within = (value: unknown, ...names: readonly string[]): unknown =>
  names.reduce<unknown>(
    (inner, name) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, name)
        ? (inner as Record<string, unknown>)[name]
        : undefined,
    value,
  );

function arrayIn(value: unknown, ...names: readonly string[]): readonly unknown[] {
  const found = within(value, ...names);
  return Array.isArray(found) ? found : [];
}

function textIn(value: unknown, ...names: readonly string[]): string {
  const found = within(value, ...names);
  return typeof found === 'string' ? found : '';
}

/** For a shell, as it is; names come from a request that others made. */
const quoted = (word: string): string => (/^[\w.,:=/+@%-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** What makes the image again, for a shell. Upstream's archives unpack into a directory of their own. */
export function rebuildScript({ imageBuilderUrl, imageBuilderSha256, command }: Recipe): string {
  const archive = imageBuilderUrl.split('/').at(-1) ?? '';
  return [
    `wget ${quoted(imageBuilderUrl)}`,
    `echo ${quoted(`${imageBuilderSha256}  ${archive}`)} | sha256sum -c`,
    `tar -xf ${quoted(archive)}`,
    `cd ${quoted(archive.replace(/\.tar\.\w+$/, ''))}`,
    command.map(quoted).join(' '),
  ].join('\n');
}
