/**
 * Is there something newer for a router that this browser is not on? Its owner pastes what it says of itself. What was pasted
 * stays while the page is open, so that the way back from the builder leads to it.
 */
import './check.css';
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { MAX_PACKAGES } from '../choice.ts';
import { Command } from '../command.tsx';
import { number } from '../format.ts';
import { MESSAGES } from '../messages.ts';
import { askUpgrade } from './ask-upgrade.ts';
import { type Finding, Findings } from './findings.tsx';
import { PastedField } from './pasted-field.tsx';
import { MAX_LIST_CHARACTERS, type PastedPackages, readPastedPackages } from './pasted-packages.ts';
import { MAX_BOARD_CHARACTERS, type ReadBoard, readSystemBoard } from './system-board.ts';

const { check, shell } = MESSAGES;

interface Pasted {
  readonly board: string;
  readonly packages: string;
  readonly finding: Finding | null;
}

let kept: Pasted = { board: '', packages: '', finding: null };

export default function Check(): VNode {
  const [pasted, setPasted] = useState(kept);
  const [isAsking, setAsking] = useState(false);
  const [isLate, setLate] = useState(false);
  const boardField = useRef<HTMLTextAreaElement>(null);
  const listField = useRef<HTMLTextAreaElement>(null);
  const results = useRef<HTMLElement>(null);
  const question = useRef<AbortController | null>(null);
  const board = useMemo(() => readSystemBoard(pasted.board), [pasted.board]);
  const packages = useMemo(() => readPastedPackages(pasted.packages), [pasted.packages]);
  const keep = (change: Partial<Pasted>): void => {
    kept = { ...kept, ...change };
    setPasted(kept);
  };
  useEffect(() => () => question.current?.abort(), []);

  const find = async (without: readonly string[] = []): Promise<void> => {
    setLate(true);
    if (board.state !== 'board') return boardField.current?.focus();
    if (packages.state !== 'list' && packages.state !== 'none') return listField.current?.focus();
    question.current?.abort();
    const asked = new AbortController();
    question.current = asked;
    setAsking(true);
    const installed =
      packages.state === 'list'
        ? Object.fromEntries(Object.entries(packages.installed).filter(([name]) => !without.includes(name)))
        : null;
    try {
      const outcome = await askUpgrade(board.board, installed, asked.signal);
      keep({ finding: { board: board.board, installed, outcome } });
      results.current?.focus();
    } catch (error) {
      // Asked anew, or gone from here.
      if (!asked.signal.aborted) throw error;
      return;
    }
    setAsking(false);
  };

  /** Names that are left out already stay so. */
  const leaveOut = (names: readonly string[]): Promise<void> => {
    const before = packages.state === 'list' ? Object.keys(packages.installed) : [];
    const asked = new Set(Object.keys(pasted.finding?.installed ?? {}));
    return find([...before.filter((name) => !asked.has(name)), ...names]);
  };

  return (
    <div class="check">
      <h1>{shell.check}</h1>
      <p class="intro">{check.intro}</p>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void find();
        }}
      >
        <div class="steps">
          <section aria-label={check.boardTitle}>
            <h2>{check.boardTitle}</h2>
            <p>{check.boardHow}</p>
            <Command text="ubus call system board" />
            <PastedField
              label={check.boardLabel}
              field={boardField}
              value={pasted.board}
              onValue={(text) => keep({ board: text, finding: null })}
              said={board.state === 'board' ? boardSaid(board) : null}
              fault={board.state === 'empty' && !isLate ? null : boardFault(board)}
            />
          </section>
          <section aria-label={check.packagesTitle}>
            <h2>{check.packagesTitle}</h2>
            <p>{check.packagesHow}</p>
            <Command text="opkg list-installed" />
            <Command text="apk list --installed" />
            <PastedField
              label={check.packagesLabel}
              field={listField}
              value={pasted.packages}
              onValue={(text) => keep({ packages: text, finding: null })}
              said={
                packages.state === 'list' ? check.readPackages(number(Object.keys(packages.installed).length)) : null
              }
              fault={packagesFault(packages)}
            />
          </section>
        </div>
        <button type="submit" class="main">
          {check.submit}
        </button>
        <span class="quiet" role="status">
          {isAsking && check.asking}
        </span>
      </form>
      <section class="results" aria-label={check.submit} aria-busy={isAsking} tabIndex={-1} ref={results}>
        {pasted.finding && <Findings finding={pasted.finding} onLeaveOut={leaveOut} onAgain={() => void find()} />}
      </section>
    </div>
  );
}

function boardSaid({ board }: Extract<ReadBoard, { readonly state: 'board' }>): string {
  return check.readBoard(board.model, `${board.distro} ${board.version}`, board.target);
}

function boardFault(read: ReadBoard): string | null {
  switch (read.state) {
    case 'board':
      return null;
    case 'empty':
      return check.faults.empty;
    case 'long':
      return check.faults.long(number(MAX_BOARD_CHARACTERS));
    case 'no json':
      return check.faults.noJson;
    case 'no board':
      return check.faults.noBoard(read.field);
  }
}

function packagesFault(read: PastedPackages): string | null {
  switch (read.state) {
    case 'none':
    case 'list':
      return null;
    case 'long':
      return check.faults.long(number(MAX_LIST_CHARACTERS));
    case 'many':
      return check.faults.many(number(MAX_PACKAGES), number(read.count));
    case 'fault':
      return check.faults.list(read.where, read.message);
  }
}
