/** `--set NAME=VALUE`: variables of the edge on a command line. A name that there is not is a policy that would silently be off. */
import { type EdgeSettingName, isEdgeSetting } from '../../shared/edge-settings.ts';
import { UsageError } from './flags.ts';

/** The last one of a name counts. @throws UsageError saying what was expected */
export function parseSet(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UsageError(`--set: expected NAME=VALUE, got ${JSON.stringify(pair)}`);
      return [knownSetting('--set', pair.slice(0, at)), pair.slice(at + 1)];
    }),
  );
}

/** `where`: it was found. @throws UsageError */
export function knownSetting(where: string, name: string): EdgeSettingName {
  if (!isEdgeSetting(name)) throw new UsageError(`${where}: there is no variable ${name}; --print-config lists them`);
  return name;
}
