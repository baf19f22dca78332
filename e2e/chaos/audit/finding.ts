/** One line of the last table: what was looked at, and what is wrong with it. */
export interface Finding {
  readonly what: string;
  /** What was counted or measured, as a person reads it. */
  readonly found: string;
  /** Empty: all is as it should be. */
  readonly wrong: readonly string[];
}
