/** What few need: another file system, another size, a script for the first boot. Folded until somebody wants it, or it is wrong. */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { Overview } from '../../../shared/api/catalogue-answers.ts';
import type { Choice, FileSystem } from '../choice.ts';
import { MESSAGES } from '../messages.ts';
import { FieldError } from './field-error.tsx';
import type { FieldErrors } from './request-build.ts';
import { ScriptField } from './script-field.tsx';
import type { KnownDevice } from './use-device.ts';

const text = MESSAGES.builder.options;

interface Props {
  readonly server: Overview['server'];
  readonly device: KnownDevice;
  readonly choice: Choice;
  readonly choose: (change: Partial<Choice>, how?: 'replace') => void;
  readonly script: string;
  readonly onScript: (script: string) => void;
  readonly errors: FieldErrors;
}

export function OptionFields({ server, device, choice, choose, script, onScript, errors }: Props): VNode {
  const isWrong = errors.rootfs !== undefined || errors.script !== undefined;
  const isUsed = choice.fileSystem !== null || choice.rootfsMb !== '' || script !== '';
  const [isOpen, setOpen] = useState(isUsed);
  return (
    <details
      class="options"
      open={isOpen || isWrong}
      onToggle={(event) => setOpen((event.currentTarget as HTMLDetailsElement).open)}
    >
      <summary>{text.title}</summary>
      {(device.fileSystems.length > 1 || choice.fileSystem !== null) && (
        <FileSystemField names={device.fileSystems} chosen={choice.fileSystem} choose={choose} />
      )}
      <RootfsField
        most={server.max_custom_rootfs_size_mb}
        value={choice.rootfsMb}
        choose={choose}
        error={errors.rootfs ?? null}
      />
      {server.allow_defaults ? (
        <ScriptField
          most={server.max_defaults_length}
          script={script}
          onScript={onScript}
          error={errors.script ?? null}
        />
      ) : (
        <p class="quiet">{text.scriptOff}</p>
      )}
    </details>
  );
}

interface FileSystemProps {
  readonly names: readonly FileSystem[];
  readonly chosen: FileSystem | null;
  readonly choose: Props['choose'];
}

function FileSystemField({ names, chosen, choose }: FileSystemProps): VNode {
  const all = chosen === null || names.includes(chosen) ? names : [...names, chosen];
  return (
    <div class="field">
      <label for="filesystem">{text.fileSystem}</label>
      <select
        id="filesystem"
        value={chosen ?? ''}
        onChange={({ currentTarget: { value } }) => choose({ fileSystem: all.find((name) => name === value) ?? null })}
      >
        <option value="">{text.everyFileSystem}</option>
        {all.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

interface RootfsProps {
  readonly most: number;
  readonly value: string;
  readonly choose: Props['choose'];
  readonly error: string | null;
}

function RootfsField({ most, value, choose, error }: RootfsProps): VNode {
  return (
    <div class="field">
      <label for="rootfs">{text.rootfs}</label>
      <p class="quiet small" id="rootfs-hint">
        {text.rootfsHint(most)}
      </p>
      <input
        id="rootfs"
        type="text"
        inputMode="numeric"
        autocomplete="off"
        size={8}
        maxLength={8}
        value={value}
        aria-invalid={error !== null}
        aria-describedby={error === null ? 'rootfs-hint' : 'rootfs-hint rootfs-error'}
        onInput={(event) => choose({ rootfsMb: event.currentTarget.value.trim() }, 'replace')}
      />
      <FieldError id="rootfs" error={error} />
    </div>
  );
}
