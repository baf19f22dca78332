/** Who made the image, and how anybody finds out whether that is true: the signed words, a command that checks, one that makes it again. */
import type { VNode } from 'preact';
import type { Provenance } from '../../../shared/trust/provenance.ts';
import { useAsked } from '../api/use-asked.ts';
import { Command } from '../command.tsx';
import { MESSAGES } from '../messages.ts';
import { rebuildScript, shownProvenance } from './provenance.ts';

const text = MESSAGES.builder.trust;

/** Of a node's id: tells nodes apart by eye. */
const SHORT = 12;

export function Trust({ hash, fileName }: { readonly hash: string; readonly fileName: string }): VNode {
  const path = `/api/v1/build/${hash}/provenance`;
  const [provenance] = useAsked<Provenance>(path);
  const verify = `asu verify ${location.origin}/store/${hash}/${fileName}`;
  return (
    <section class="trust" aria-labelledby="trust-title">
      <h2 id="trust-title">{text.title}</h2>
      {provenance.state === 'ready' ? (
        <Vouchers provenance={provenance.body} />
      ) : (
        <p class="quiet">{provenance.state === 'asking' ? text.loading : provenance.error.message}</p>
      )}
      {provenance.state === 'ready' && (
        <p>
          <a href={path}>{text.signed}</a>
        </p>
      )}
      <h3>{text.verify}</h3>
      <Command text={verify} />
      {provenance.state === 'ready' && <Rebuild provenance={provenance.body} />}
    </section>
  );
}

function Vouchers({ provenance }: { readonly provenance: Provenance }): VNode {
  const { vouchers, operators, isPrivate } = shownProvenance(provenance);
  return (
    <>
      {isPrivate && <p class="warning">{text.private}</p>}
      <p>
        <strong>{text.built(operators)}</strong>
        {operators > 1 && ` ${text.sameBytes}`}
      </p>
      <ul>
        {vouchers.map(({ nodeId, isTrusted }) => (
          <li key={nodeId}>
            {text.node('')}
            <code>{nodeId.slice(0, SHORT)}</code>, {isTrusted ? text.trusted : text.volunteer}
          </li>
        ))}
      </ul>
    </>
  );
}

function Rebuild({ provenance }: { readonly provenance: Provenance }): VNode | null {
  const { recipe, isPrivate } = shownProvenance(provenance);
  if (!recipe) return null;
  return (
    <details>
      <summary>{text.rebuild}</summary>
      <p class="quiet">
        {text.rebuildHint} {isPrivate && text.script}
      </p>
      <Command text={rebuildScript(recipe)} what={text.rebuildCommands} />
    </details>
  );
}
