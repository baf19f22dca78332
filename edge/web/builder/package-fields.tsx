/** What is in the image: what the reader added, what is there anyway and may be removed, and what is known of each before the build. */
import type { VNode } from 'preact';
import { type Choice, isRemoval, nameOf, packageWords } from '../choice.ts';
import { MESSAGES } from '../messages.ts';
import { Combobox } from './combobox.tsx';
import { PackageChip } from './package-chip.tsx';
import { noteOf } from './package-notes.ts';
import { search } from './search.ts';
import type { KnownDevice, PackageRow } from './use-device.ts';

const text = MESSAGES.builder.packages;

const SHOWN = 30;

interface Props {
  readonly device: KnownDevice;
  readonly words: readonly string[];
  readonly choose: (change: Partial<Choice>) => void;
  readonly error: string | null;
}

export function PackageFields({ device, words, choose, error }: Props): VNode {
  const { defaults, lists, packages, packagesState } = device;
  const removals = new Set(words.filter(isRemoval).map(nameOf));
  const setWords = (next: readonly string[]): void => choose({ packages: [...new Set(next)] });
  /** What is wanted and not wanted at once is what was said last. */
  const add = (names: readonly string[]): void =>
    setWords([...words.filter((word) => !names.some((name) => nameOf(name) === nameOf(word))), ...names]);
  const drop = (word: string): void => setWords(words.filter((other) => other !== word));
  const isDefault = (word: string): boolean => lists.defaults?.has(nameOf(word)) ?? false;
  const included = words.filter((word) => !isRemoval(word) && isDefault(word));
  const chosen = words.filter((word) => !isDefault(word));
  return (
    <section aria-labelledby="packages-title">
      <h2 id="packages-title">{text.title}</h2>
      <Combobox<PackageRow>
        id="packages"
        label={text.label}
        hint={text.hint}
        error={error}
        shown=""
        find={(typed) => search(packages, typed, SHOWN)}
        keyOf={(row) => row.text}
        row={(row) => (
          <>
            <code>{row.text}</code> <span class="quiet small">{row.version}</span>
          </>
        )}
        counted={text.counted}
        isBusy={packagesState === 'asking'}
        onPick={(row) => add([row.text])}
        onTyped={(typed) => add(packageWords(typed))}
      />
      {packagesState === 'asking' && <p class="quiet small">{text.loading}</p>}
      {packagesState === 'failed' && <p class="warning">{text.unlisted}</p>}
      <h3>{text.added}</h3>
      {chosen.length === 0 ? (
        <p class="quiet">{text.noneAdded}</p>
      ) : (
        <ul class="chips">
          {chosen.map((word) => (
            <PackageChip
              key={word}
              word={word}
              note={noteOf(word, lists)}
              onDrop={() => drop(word)}
              onUse={(name) => setWords(words.map((other) => (other === word ? name : other)))}
            />
          ))}
        </ul>
      )}
      {included.length > 0 && (
        <div class="included">
          <p class="quiet small">{text.included(included)}</p>
          <button
            type="button"
            class="small"
            onClick={() => setWords(words.filter((word) => !included.includes(word)))}
          >
            {text.dropIncluded(included.length)}
          </button>
        </div>
      )}
      <details>
        <summary>{text.defaults(defaults.length)}</summary>
        <p class="quiet small">{text.defaultsHint}</p>
        <ul class="chips">
          {defaults.map((name) => (
            <DefaultChip
              key={name}
              name={name}
              isRemoved={removals.has(name)}
              onSwitch={() => (removals.has(name) ? drop(`-${name}`) : add([`-${name}`]))}
            />
          ))}
        </ul>
      </details>
      {removals.size > 0 && <Removed names={defaults.filter((name) => removals.has(name))} onRestore={drop} />}
    </section>
  );
}

interface DefaultProps {
  readonly name: string;
  readonly isRemoved: boolean;
  readonly onSwitch: () => void;
}

function DefaultChip({ name, isRemoved, onSwitch }: DefaultProps): VNode {
  return (
    <li class={isRemoved ? 'chip removed' : 'chip'}>
      <span class="said">
        <code>{name}</code>
      </span>
      <button type="button" aria-label={isRemoved ? text.restore(name) : text.remove(name)} onClick={onSwitch}>
        {isRemoved ? '+' : '×'}
      </button>
    </li>
  );
}

function Removed(props: { readonly names: readonly string[]; readonly onRestore: (word: string) => void }): VNode {
  return (
    <>
      <h3>{text.removed}</h3>
      <ul class="chips">
        {props.names.map((name) => (
          <DefaultChip key={name} name={name} isRemoved onSwitch={() => props.onRestore(`-${name}`)} />
        ))}
      </ul>
    </>
  );
}
