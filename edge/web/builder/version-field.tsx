import type { VNode } from 'preact';
import type { Choice } from '../choice.ts';
import { MESSAGES } from '../messages.ts';
import { FieldError } from './field-error.tsx';
import type { OfferedVersions } from './versions.ts';

const text = MESSAGES.builder.version;

interface Props {
  readonly offered: OfferedVersions;
  readonly version: string;
  readonly choose: (change: Partial<Choice>) => void;
  readonly error: string | null;
}

/** A list of some dozens, which a browser's own list shows best; an address may name one that is not in it. */
export function VersionField({ offered, version, choose, error }: Props): VNode {
  const { releases, snapshots, stable } = offered;
  const isOffered = releases.includes(version) || snapshots.includes(version);
  const option = (name: string): VNode => (
    <option key={name} value={name}>
      {name === stable ? text.stable(name) : name}
    </option>
  );
  return (
    <div>
      <label for="version">{text.label}</label>
      <select
        id="version"
        value={version}
        aria-invalid={error !== null}
        aria-describedby={error === null ? undefined : 'version-error'}
        onChange={(event) => choose({ version: event.currentTarget.value })}
      >
        {!isOffered && option(version)}
        <optgroup label={text.releases}>{releases.map(option)}</optgroup>
        {snapshots.length > 0 && <optgroup label={text.snapshots}>{snapshots.map(option)}</optgroup>}
      </select>
      <FieldError id="version" error={error ?? (isOffered ? null : text.unknown(version))} />
    </div>
  );
}
