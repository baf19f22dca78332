/**
 * The log of a try at a build: text in numbered pieces that are written once. A node may write anything there, so its limits
 * hold on both sides, and what is shown of it is plain lines.
 */
export const LOG_LIMITS = {
  /** Numbered from 1. */
  pieces: 128,
  pieceBytes: 64 * 1024,
  /** Of a whole log, as an honest node keeps to; then it says that the rest is left out. */
  logBytes: 1024 * 1024,
} as const;

/** Beside a piece: the permit that came with the order, as it came. */
export const LOG_PERMIT_HEADER = 'asu-log-permit';

/** The number of a piece as it stands in a path; null for what is none. */
export function logPieceNumber(text: string): number | null {
  const piece = /^[1-9][0-9]{0,3}$/.test(text) ? Number(text) : 0;
  return piece >= 1 && piece <= LOG_LIMITS.pieces ? piece : null;
}

/** A terminal's colours and cursor movements. Their parameters would be left standing if only the escape were removed. */
const TERMINAL_SEQUENCE = /\x1b\[[0-9;?]{0,32}[A-Za-z]/g;
/** Also what turns the direction of writing, and what only some readers take for the end of a line. A tab is text. */
const UNPRINTABLE = /(?!\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** What a line says, without what a terminal or a reader of lines would obey. */
export const shownLine = (line: string): string => line.replace(TERMINAL_SEQUENCE, '').replace(UNPRINTABLE, '');

/** The lines of a piece, as they may be shown. */
export const logLines = (text: string): string[] =>
  text
    .replace(/(?:\r\n|\r|\n)$/, '')
    .split(/\r\n|\r|\n/)
    .map(shownLine);
