/**
 * Takes the content of `defaults` out of a text. The first-boot script may hold passwords, and what a build prints is shown
 * to people and kept; a log with holes is better than a log with a password.
 */
import { PiecesInText } from './pieces-in-text.ts';

/** Shorter pieces are everyday words; replacing them would hide nothing and spoil the log. */
const MIN_PIECE_LENGTH = 5;
const MARK = '[defaults]';

/** Gives a function that replaces the whole script, each of its lines and each of its words. */
export function scrubberOf(defaults: string): (text: string) => string {
  const pieces = [defaults.trim(), ...defaults.split('\n').map((line) => line.trim()), ...defaults.split(/[\s'"`=;]+/)];
  const found = new PiecesInText(pieces.filter((piece) => piece.length >= MIN_PIECE_LENGTH));
  return (text) => {
    let scrubbed = '';
    let behind = 0;
    for (const { start, end } of found.places(text)) {
      scrubbed += text.slice(behind, start) + MARK;
      behind = end;
    }
    return scrubbed + text.slice(behind);
  };
}
