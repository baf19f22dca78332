/** A pasted list of packages, within what one question to the server has room for. */
import { type Installed, InstalledListError, installedList } from '../../../shared/request/installed-list.ts';
import { MAX_PACKAGES } from '../choice.ts';

export type PastedPackages =
  | { readonly state: 'none' }
  | { readonly state: 'list'; readonly installed: Installed }
  | { readonly state: 'long' }
  | { readonly state: 'many'; readonly count: number }
  /** `where`: the line; empty where it is none of them. */
  | { readonly state: 'fault'; readonly where: string; readonly message: string };

/** A status file of opkg with everything in it has some 300,000. */
export const MAX_LIST_CHARACTERS = 2 * 1024 * 1024;

/**
 * `root@OpenWrt:~# opkg list-installed`: copied from a terminal with what was typed there. Each part is bounded: what
 * was pasted as one line of a megabyte would else stop the browser.
 */
const PROMPT = /^[^\s@]{1,64}@[^\s:]{1,255}:\S{0,255}[#$](?: .*)?$/;

export function readPastedPackages(text: string): PastedPackages {
  if (text.length > MAX_LIST_CHARACTERS) return { state: 'long' };
  // An empty line each, so that the others keep their numbers.
  const list = text
    .split('\n')
    .map((line) => (PROMPT.test(line.trim()) ? '' : line))
    .join('\n');
  if (list.trim() === '') return { state: 'none' };
  try {
    const installed = installedList(list);
    const count = Object.keys(installed).length;
    return count > MAX_PACKAGES ? { state: 'many', count } : { state: 'list', installed };
  } catch (error) {
    if (!(error instanceof InstalledListError)) throw error;
    return { state: 'fault', where: error.where, message: error.message };
  }
}
