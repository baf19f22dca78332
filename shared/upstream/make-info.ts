/**
 * What `make info` of an ImageBuilder says. It is the last word on which profiles can be given to make: a name is looked
 * up here as a whole, because make itself takes `%` for a pattern and a regular expression finds `x` in `xy`.
 */

export interface MakeInfoProfile {
  /** Empty where the ImageBuilder has no title for it. */
  readonly title: string;
  readonly packages: readonly string[];
  readonly supportedDevices: readonly string[];
}

export interface MakeInfo {
  readonly target: string;
  /** CONFIG_ARCH (`mips`), not the architecture of packages (`mips_24kc`). */
  readonly architecture: string;
  readonly revision: string;
  readonly defaultPackages: readonly string[];
  readonly profiles: ReadonlyMap<string, MakeInfoProfile>;
}

/** @throws Error when a line that must be there is not: then this is no ImageBuilder that we know how to drive */
export function parseMakeInfo(text: string): MakeInfo {
  const lines = text.split('\n');
  const quoted = (label: string): string => {
    const prefix = `${label}: "`;
    const line = lines.find((candidate) => candidate.startsWith(prefix) && candidate.endsWith('"'));
    if (line === undefined) throw new Error(`expected a line ${prefix}…" in the output of make info, got none`);
    return line.slice(prefix.length, -1);
  };
  const start = lines.indexOf('Available Profiles:');
  if (start < 0) throw new Error('expected a line "Available Profiles:" in the output of make info, got none');
  const defaults = lines.find((line) => line.startsWith('Default Packages:')) ?? '';
  return {
    target: quoted('Current Target'),
    architecture: quoted('Current Architecture'),
    revision: quoted('Current Revision'),
    defaultPackages: words(defaults.slice('Default Packages:'.length)),
    profiles: parseProfiles(lines.slice(start + 1)),
  };
}

function parseProfiles(lines: readonly string[]): ReadonlyMap<string, MakeInfoProfile> {
  const profiles = new Map<string, { title: string; packages: string[]; supportedDevices: string[] }>();
  let current: { title: string; packages: string[]; supportedDevices: string[] } | undefined;
  for (const line of lines) {
    if (/^[^ ].*:$/.test(line)) {
      current = { title: '', packages: [], supportedDevices: [] };
      profiles.set(line.slice(0, -1), current);
    } else if (current && line.startsWith('    ')) {
      const text = line.trim();
      if (text.startsWith('Packages:')) current.packages = words(text.slice('Packages:'.length));
      else if (text.startsWith('SupportedDevices:'))
        current.supportedDevices = words(text.slice('SupportedDevices:'.length));
      // Alternate names of a device follow its title, in parentheses or not; the first one is the name.
      else if (!text.startsWith('hasImageMetadata:') && current.title === '') current.title = text;
    }
  }
  return profiles;
}

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
