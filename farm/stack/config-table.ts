/** What `--print-config` shows: one truth about the edge's variables, with whence each value comes and without any secret. */
import { EDGE_SETTINGS, type EdgeSettingName } from '../../shared/edge-settings.ts';

/** The value of a variable as text, and where it was found. */
export interface Given {
  readonly value: string;
  readonly from: string;
}

export function configTable(given: ReadonlyMap<EdgeSettingName, Given>): string {
  return (Object.keys(EDGE_SETTINGS) as EdgeSettingName[])
    .map((name) => {
      const row: { fallback: string; text: string; secret?: true } = EDGE_SETTINGS[name];
      const { value, from } = given.get(name) ?? { value: row.fallback, from: 'default' };
      return `${name} = ${row.secret && value !== '' ? '(secret)' : JSON.stringify(value)}  (${from})\n    ${row.text}`;
    })
    .join('\n');
}
