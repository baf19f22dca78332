/** A build that failed, in plain words and with what to do; under them the server's own, and what make printed. */
import type { VNode } from 'preact';
import type { FailedBuild } from '../../../shared/api/build-answers.ts';
import { BUILD_ERRORS, isBuildErrorKind } from '../../../shared/build/build-error.ts';
import { MESSAGES } from '../messages.ts';
import { Output } from './output.tsx';

const text = MESSAGES.builder.failure;

/** A kind that is not known here, of a newer server, is told by the server's sentence alone. */
export function FailureText({ kind, detail }: { readonly kind: string | undefined; readonly detail: string }): VNode {
  const words = kind !== undefined && Object.hasOwn(text.kinds, kind) ? text.kinds[kind] : undefined;
  if (!words) return <p>{detail}</p>;
  return (
    <>
      <p>
        <strong>{words.title}</strong> {words.todo}
      </p>
      <p class="small">
        {text.detail}: <samp>{detail}</samp>
      </p>
    </>
  );
}

/** A fault of ours, or of the moment: the same request may well be built now. */
export const isWorthAnotherTry = ({ error_kind: kind }: FailedBuild): boolean =>
  isBuildErrorKind(kind) && BUILD_ERRORS[kind].retry !== 'never';

export function Failure({ build }: { readonly build: FailedBuild }): VNode {
  const output = [build.stderr, build.stdout].filter(Boolean).join('\n');
  return (
    <section>
      <div class="error">
        <h2>{text.title}</h2>
        <FailureText kind={build.error_kind} detail={build.detail} />
      </div>
      {output !== '' && (
        <details>
          <summary>{text.output}</summary>
          <Output label={text.output} text={output} />
        </details>
      )}
    </section>
  );
}
