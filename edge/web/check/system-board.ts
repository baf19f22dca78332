/**
 * What a router says of itself by `ubus call system board`, as somebody pasted it: maybe with the prompt before it, maybe half of it,
 * maybe something else altogether. What is not in a request's grammar goes no further.
 */
import { TARGET, WORD } from '../../../shared/request/grammar.ts';
import { printable } from '../../../shared/text/printable.ts';

export interface SystemBoard {
  /** For people. */
  readonly model: string;
  /** `vendor,model`. */
  readonly boardName: string;
  /** Of the root file system; null: not told. */
  readonly rootfsType: string | null;
  readonly distro: string;
  readonly version: string;
  readonly revision: string;
  readonly target: string;
}

export type ReadBoard =
  | { readonly state: 'board'; readonly board: SystemBoard }
  | { readonly state: 'empty' | 'long' | 'no json' }
  /** By its path in the JSON. */
  | { readonly state: 'no board'; readonly field: string };

/** Real ones have some 600. */
export const MAX_BOARD_CHARACTERS = 64 * 1024;
const MAX_WORD = 64;
const MAX_NAME = 128;
const MAX_MODEL = 200;
const BOARD_NAME = /^[A-Za-z0-9][\w.,+-]*$/;
/** As the server takes it (shared/seed/upgrade-check-fields.ts). */
const REVISION = /^[\w.,+-]*$/;

export function readSystemBoard(text: string): ReadBoard {
  if (text.trim() === '') return { state: 'empty' };
  if (text.length > MAX_BOARD_CHARACTERS) return { state: 'long' };
  const json = parsed(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
  if (json === undefined) return { state: 'no json' };
  const field = (path: string): unknown =>
    path
      .split('.')
      .reduce<unknown>(
        (value, name) =>
          typeof value === 'object' && value !== null && Object.hasOwn(value, name)
            ? (value as Record<string, unknown>)[name]
            : undefined,
        json,
      );
  const word = (path: string, grammar: RegExp, max = MAX_WORD): string | null => {
    const value = field(path);
    return typeof value === 'string' && value.length <= max && grammar.test(value) ? value : null;
  };
  const needed = {
    board_name: word('board_name', BOARD_NAME, MAX_NAME),
    'release.distribution': word('release.distribution', WORD),
    'release.version': word('release.version', WORD),
    'release.target': word('release.target', TARGET, MAX_NAME),
  };
  for (const [path, value] of Object.entries(needed)) if (value === null) return { state: 'no board', field: path };
  const model = field('model');
  const boardName = needed.board_name ?? '';
  return {
    state: 'board',
    board: {
      model: typeof model === 'string' && model.trim() !== '' ? printable(model, MAX_MODEL) : boardName,
      boardName,
      rootfsType: word('rootfs_type', WORD),
      distro: needed['release.distribution'] ?? '',
      version: needed['release.version'] ?? '',
      revision: word('release.revision', REVISION) ?? '',
      target: needed['release.target'] ?? '',
    },
  };
}

/** Undefined where it is no object. */
function parsed(text: string): object | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
}
