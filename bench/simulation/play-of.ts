/** The four casts (cast.ts) by their names. */
import { WHOM } from '../../edge/foreman/schema.ts';
import type { StoredResult } from '../../shared/build/build-record.ts';
import { seeded, zipfRanks } from '../random.ts';
import type { Play, PlayName } from './cast.ts';
import { Conspiracy, type Lie, MANNERS } from './conspiracy.ts';
import type { NodeModel } from './node-model.ts';
import { TRUST, UPSTREAM } from './parameters.ts';
import { drawnKey } from './signed-words.ts';
import { Truth } from './truth.ts';
import { TARGETS } from './upstream.ts';

const DAY_MS = 24 * 3_600_000;
/** Of fifty targets five are for trusted nodes alone; one request of eighteen is for one of these. */
const KNOWN = TARGETS.filter((_, at) => at % 10 !== 9).map(({ name }) => name);

export const playOf =
  (name: PlayName, nodes: number): Play =>
  ({ seed, wishes, isAnswered, now }) => {
    const random = seeded(seed + 3);
    const operators = name === 'trusted' ? [] : operatorsOf(nodes, random);
    const truth = new Truth((intentHash) => wishes.ofIntent(intentHash));
    const lies: Lie[] = [];
    const conspiracy = new Conspiracy({
      wishOf: ({ intentHash }) => wishes.ofIntent(intentHash),
      isAnswered,
      onLie: (lie) => lies.push({ ...lie, at: now() }),
    });
    const known = new Set(KNOWN);
    const branch = UPSTREAM.version.split('.', 2).join('.');
    return {
      nodes,
      truth,
      quorum: name === 'patient' ? 2 : 3,
      lies,
      liars: new Set(LIARS),
      settings: {
        TRUST_POLICY: JSON.stringify({ reproducible: KNOWN.map((target) => `${branch} ${target}`) }),
      },
      async model(number, honest) {
        const operator = operators[number];
        if (operator === undefined) return { ...honest, operator: OWN, slots: 1 };
        const network = `AS${64_512 + OPERATORS.indexOf(operator)}`;
        const volunteer: NodeModel = {
          ...honest,
          operator,
          tier: 'volunteer',
          slots: 1,
          network,
          key: await drawnKey(random),
        };
        if (!LIARS.includes(operator) || name === 'honest') return volunteer;
        return conspiracy.liar(volunteer, MANNERS[Math.floor(number / 2) % MANNERS.length] ?? 'always');
      },
      whomOf: ({ target }) => (name === 'trusted' || known.has(target.name) ? WHOM.anyone : WHOM.trusted),
      prepare(sql) {
        if (name !== 'patient') return;
        const patience = TRUST.patienceDays * DAY_MS;
        sql.exec(
          "UPDATE nodes SET joined_at = joined_at - ?, images = ?, builds_right = ? WHERE tier = 'volunteer'",
          patience,
          TRUST.confirmedBefore,
          TRUST.confirmedBefore,
        );
      },
      onStored(requestHash, value, at) {
        if (value === null) truth.withdraw(requestHash, at);
        else truth.publish(requestHash, JSON.parse(value) as StoredResult, at);
      },
    };
  };

const OWN = 'the operator';
const OPERATORS = Array.from({ length: TRUST.operators }, (_, number) => `volunteers-${number}`);
/** Neither is among the largest: what they have they have got by asking. */
const LIARS = OPERATORS.slice(-2);

/**
 * Of each volunteer's node its operator, the liars' first, by turns; the nodes behind them are the farm's own. Honest operators have one
 * node each, and the rest by Zipf's law.
 */
function operatorsOf(nodes: number, random: () => number): string[] {
  const lying = Math.round(nodes * TRUST.lying);
  const honest = nodes - lying - Math.round(nodes * TRUST.trusted);
  const others = OPERATORS.slice(0, -LIARS.length);
  const rest = zipfRanks(others.length, Math.max(0, honest - others.length), random);
  return [
    ...Array.from({ length: lying }, (_, at) => LIARS[at % LIARS.length] as string),
    ...others.slice(0, honest),
    ...rest.map((rank) => others[rank] as string),
  ];
}
