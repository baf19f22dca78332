/** What a check found: the news first, then what becomes of the packages, then the way to the image. */
import type { ComponentChildren, VNode } from 'preact';
import { FILESYSTEMS, isPackageName, WORD } from '../../../shared/request/grammar.ts';
import type { Installed } from '../../../shared/request/installed-list.ts';
import { addressOf } from '../choice.ts';
import { number } from '../format.ts';
import { follow } from '../location.ts';
import { MESSAGES } from '../messages.ts';
import type { Device, UpgradeOutcome } from './ask-upgrade.ts';
import type { SystemBoard } from './system-board.ts';
import { type Changes, whatChanges } from './what-changes.ts';

const { check } = MESSAGES;

export interface Finding {
  readonly board: SystemBoard;
  /** As it was asked about; null: no list was given. */
  readonly installed: Installed | null;
  readonly outcome: UpgradeOutcome;
}

interface Props {
  readonly finding: Finding;
  readonly onLeaveOut: (names: readonly string[]) => void;
  readonly onAgain: () => void;
}

export function Findings({ finding, onLeaveOut, onAgain }: Props): VNode {
  const { board, installed, outcome } = finding;
  switch (outcome.state) {
    case 'nothing':
      return (
        <Box kind="success" title={check.nothing.title}>
          <p>{(installed ? check.nothing.packagesText : check.nothing.text)(board.version)}</p>
        </Box>
      );
    case 'failed':
      return (
        <Box kind="error" title={check.failed.title}>
          <p>{outcome.message}</p>
          <button type="button" onClick={onAgain}>
            {check.failed.again}
          </button>
        </Box>
      );
    case 'unknown packages':
      return (
        <Box kind="warning" title={check.unknown.title}>
          <p>{check.unknown.text}</p>
          <Names names={outcome.names} />
          <button type="button" onClick={() => onLeaveOut(outcome.names)}>
            {check.unknown.go}
          </button>
        </Box>
      );
    case 'upgrade':
      return <Upgrade board={board} installed={installed} outcome={outcome} />;
  }
}

interface UpgradeProps extends Omit<Finding, 'outcome'> {
  readonly outcome: Extract<UpgradeOutcome, { readonly state: 'upgrade' }>;
}

function Upgrade({ board, installed, outcome: { answer, device } }: UpgradeProps): VNode {
  const changes = whatChanges(Object.keys(installed ?? {}), answer);
  const { newer } = check;
  const version = answer.version ?? board.version;
  return (
    <>
      <Box
        kind="success"
        title={answer.version === undefined ? newer.sameTitle(number(changes.newer.length)) : newer.title(version)}
      >
        <p>{answer.version === undefined ? newer.sameText(version) : newer.text(board.version)}</p>
        {answer.packages && <p>{newer.carried(number(answer.packages.length))}</p>}
        {device === null && <p class="warning">{newer.noDevice(board.boardName)}</p>}
        <p class="go">
          <a
            class="button"
            href={builderOf({ board, version, packages: answer.packages ?? [], device })}
            onClick={follow}
          >
            {newer.build}
          </a>{' '}
          <span class="quiet small">{newer.buildNote}</span>
        </p>
      </Box>
      <Packages changes={changes} removed={device?.removed ?? []} />
    </>
  );
}

interface Found {
  readonly board: SystemBoard;
  readonly version: string;
  readonly packages: readonly string[];
  readonly device: Device | null;
}

/** The builder's address with all of it chosen, as far as it can be: an answer is text of whoever answered. */
function builderOf({ board: { target, rootfsType }, version, packages, device }: Found): string {
  // squashfs is what there is unless somebody chose another.
  const fileSystem = FILESYSTEMS.find((known) => known === rootfsType && known !== 'squashfs') ?? null;
  return addressOf({
    version: WORD.test(version) ? version : null,
    device: device && { target, profile: device.profile },
    packages: [
      ...packages.filter(isPackageName).toSorted(),
      ...(device?.removed ?? []).filter(isPackageName).map((name) => `-${name}`),
    ],
    fileSystem: fileSystem !== null && device?.filesystems.includes(fileSystem) ? fileSystem : null,
    rootfsMb: '',
  });
}

interface PackagesProps {
  readonly changes: Changes;
  readonly removed: readonly string[];
}

function Packages({ changes: { renamed, gone, added, newer }, removed }: PackagesProps): VNode {
  const { changes } = check;
  return (
    <>
      {renamed.length > 0 && (
        <>
          <h3>{changes.renamed}</h3>
          <Table heads={[changes.was, changes.becomes]} rows={renamed.map(({ from, to }) => [from, to])} />
        </>
      )}
      {gone.length > 0 && (
        <>
          <h3>{changes.gone}</h3>
          <p class="quiet small">{changes.goneNote}</p>
          <Names names={gone} />
        </>
      )}
      {removed.length > 0 && (
        <>
          <h3>{changes.removed}</h3>
          <p class="quiet small">{changes.removedNote}</p>
          <Names names={removed} />
        </>
      )}
      {added.length > 0 && (
        <>
          <h3>{changes.added}</h3>
          <Names names={added} />
        </>
      )}
      {newer.length > 0 && (
        <details>
          <summary>{changes.newer(number(newer.length))}</summary>
          <Table
            heads={[changes.name, changes.was, changes.becomes]}
            rows={newer.map(({ name, installed, offered }) => [name, installed, offered])}
          />
        </details>
      )}
    </>
  );
}

function Box(props: { readonly kind: string; readonly title: string; readonly children: ComponentChildren }): VNode {
  return (
    <div class={`box ${props.kind}`}>
      <h2>{props.title}</h2>
      {props.children}
    </div>
  );
}

const Names = ({ names }: { readonly names: readonly string[] }): VNode => (
  <ul class="names">
    {names.map((name) => (
      <li key={name}>
        <code>{name}</code>
      </li>
    ))}
  </ul>
);

interface TableProps {
  readonly heads: readonly string[];
  /** The first word of each is there once. */
  readonly rows: readonly (readonly string[])[];
}

const Table = ({ heads, rows }: TableProps): VNode => (
  <table>
    <thead>
      <tr>
        {heads.map((head) => (
          <th key={head} scope="col">
            {head}
          </th>
        ))}
      </tr>
    </thead>
    <tbody>
      {rows.map((words) => (
        <tr key={words[0]}>
          {words.map((word, at) => (
            <td key={heads[at]}>
              <code>{word}</code>
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  </table>
);
