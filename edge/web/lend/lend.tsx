/** What somebody should know who lends a machine, in the order in which they ask; docs/node.md, trust.md and sandbox.md say more. */
import './lend.css';
import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Overview } from '../../../shared/api/catalogue-answers.ts';
import { ask } from '../api/ask.ts';
import { Command } from '../command.tsx';
import { MESSAGES } from '../messages.ts';

const { lend, shell } = MESSAGES;

export default function Lend(): VNode {
  const contact = useContact();
  const server = location.origin;
  return (
    <div class="lend">
      <h1>{shell.lend}</h1>
      <p class="intro">{lend.intro}</p>
      <div class="columns">
        <div>
          <Part title={lend.token.title}>
            <p>{lend.token.text}</p>
            {contact !== null && (
              <p>
                {lend.token.contact} <strong>{contact}</strong>
              </p>
            )}
          </Part>
          <Part title={lend.look.title}>
            <p>{lend.look.text}</p>
            <Command text={`asu doctor --edge ${server}`} />
            <p class="quiet small">{lend.look.checkout}</p>
            <Command text="npx --no-install node farm/cli/main.ts" />
          </Part>
          <Part title={lend.join.title}>
            <p>{lend.join.text}</p>
            <Command text={`ASU_NODE_JOIN=TOKEN asu node --edge ${server}`} />
            <p class="quiet small">{lend.join.name}</p>
          </Part>
          <Part title={lend.stop.title}>
            <p>{lend.stop.text}</p>
            <Command text="rm -r .asu/node" />
          </Part>
        </div>
        <div>
          <Part title={lend.mayNot.title}>
            <List kind="not" rows={lend.mayNot.rows} />
          </Part>
          <Part title={lend.may.title}>
            <List kind="may" rows={lend.may.rows} />
          </Part>
          <Part title={lend.costs.title}>
            <Costs />
          </Part>
        </div>
      </div>
    </div>
  );
}

const Part = ({ title, children }: { readonly title: string; readonly children: ComponentChildren }): VNode => (
  <section aria-label={title}>
    <h2>{title}</h2>
    {children}
  </section>
);

const List = ({ kind, rows }: { readonly kind: 'may' | 'not'; readonly rows: readonly string[] }): VNode => (
  <ul class={kind}>
    {rows.map((row) => (
      <li key={row}>{row}</li>
    ))}
  </ul>
);

const Costs = (): VNode => (
  <dl class="costs">
    {lend.costs.rows.map(([what, much, less]) => (
      <div key={what}>
        <dt>{what}</dt>
        <dd>{much}</dd>
        {less !== null && (
          <dd class="small quiet">
            {lend.costs.less} <code>{less}</code>
          </dd>
        )}
      </div>
    ))}
  </dl>
);

/** As its operator wrote it; null where they did not, or it cannot be asked for. */
function useContact(): string | null {
  const [contact, setContact] = useState<string | null>(null);
  useEffect(() => {
    const gone = new AbortController();
    ask<Overview>('/json/v1/overview.json', { signal: gone.signal }).then(
      ({ body }) => {
        const told: unknown = body.server?.contact;
        if (typeof told === 'string' && told !== '') setContact(told);
      },
      // All else here is true without it.
      () => undefined,
    );
    return () => gone.abort();
  }, []);
  return contact;
}
