/** What a command writes with: its streams, and whether somebody looks at them in colour (https://no-color.org). */
export interface Terminal {
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
  /** Left as it is where there are no colours. */
  readonly paint: (style: Style, text: string) => string;
}

type Style = 'green' | 'yellow' | 'red' | 'dim' | 'bold';

const CODES: Readonly<Record<Style, number>> = { green: 32, yellow: 33, red: 31, dim: 2, bold: 1 };

export function terminalOf(out: NodeJS.WriteStream, err: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): Terminal {
  const isColoured = out.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb';
  return { out, err, paint: (style, text) => (isColoured ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text) };
}

/** Columns as wide as their widest cell, two blanks between them. The first row is the heading. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}
