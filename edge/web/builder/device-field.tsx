import type { VNode } from 'preact';
import type { Choice } from '../choice.ts';
import { MESSAGES } from '../messages.ts';
import { Combobox } from './combobox.tsx';
import { type DeviceRow, deviceRows } from './devices.ts';
import { search } from './search.ts';
import type { KnownDevice } from './use-device.ts';

const text = MESSAGES.builder.device;

/** More nobody reads: who sees so many types one letter more. */
const SHOWN = 50;
const NONE: readonly DeviceRow[] = [];

interface Props {
  readonly device: KnownDevice;
  readonly version: string;
  readonly choose: (change: Partial<Choice>) => void;
  readonly error: string | null;
}

export function DeviceField({ device, version, choose, error }: Props): VNode {
  const { chosen, devices, isThere, name } = device;
  const all = devices.state === 'ready' ? deviceRows(devices.body) : NONE;
  const isAbsent = isThere === false && error === null;
  return (
    <div>
      <Combobox<DeviceRow>
        id="device"
        label={text.label}
        hint={text.hint}
        placeholder={text.placeholder}
        error={isAbsent ? text.absent(name ?? '', version) : error}
        shown={name ?? ''}
        // The name of what is chosen is no question: all the others are wanted then.
        find={(typed) => search(all, typed, SHOWN)}
        keyOf={(row) => `${row.device.target} ${row.device.profile} ${row.name}`}
        row={(row) => (
          <>
            <span>{row.name}</span> <span class="quiet small">{row.device.target}</span>
          </>
        )}
        counted={text.counted}
        isBusy={devices.state === 'asking'}
        onPick={(row) => choose({ device: row.device, fileSystem: null })}
      />
      {devices.state === 'failed' && chosen === null && <p class="warning">{text.unlisted}</p>}
    </div>
  );
}
