/** Which image: version, device, packages, options, and the button. All of the choice but the script is in the address. */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Overview } from '../../../shared/api/catalogue-answers.ts';
import { useAsked } from '../api/use-asked.ts';
import { addressOf, type Choice, choiceOf } from '../choice.ts';
import { goTo } from '../location.ts';
import { MESSAGES } from '../messages.ts';
import { Away } from './away.tsx';
import { faultsOf } from './choice-faults.ts';
import { DeviceField } from './device-field.tsx';
import { OptionFields } from './option-fields.tsx';
import { PackageFields } from './package-fields.tsx';
import { FIELDS, type FieldErrors } from './request-build.ts';
import { Summary } from './summary.tsx';
import { useDevice } from './use-device.ts';
import { useRequest } from './use-request.ts';
import { VersionField } from './version-field.tsx';
import { offeredVersions } from './versions.ts';

const { builder, shell } = MESSAGES;

interface Props {
  readonly query: URLSearchParams;
  readonly script: string;
  readonly onScript: (script: string) => void;
}

export function ChooseImage({ query, script, onScript }: Props): VNode {
  const [overview, askAgain] = useAsked<Overview>('/json/v1/overview.json');
  return (
    <>
      <h1>{shell.build}</h1>
      <p class="quiet lead">{builder.lead}</p>
      {overview.state === 'failed' && <Away error={overview.error} onAsk={askAgain} isFinal={overview.isFinal} />}
      {overview.state === 'asking' && <p class="quiet">{shell.loading}</p>}
      {overview.state === 'ready' && (
        <Form overview={overview.body} choice={choiceOf(query)} script={script} onScript={onScript} />
      )}
    </>
  );
}

interface FormProps {
  readonly overview: Overview;
  readonly choice: Choice;
  readonly script: string;
  readonly onScript: (script: string) => void;
}

function Form({ overview, choice, script, onScript }: FormProps): VNode {
  const offered = offeredVersions(overview);
  const version = choice.version ?? offered.stable ?? '';
  const device = useDevice(overview, version, choice.device);
  const request = useRequest(`${addressOf(choice)}\n${script}`);
  const [isTried, setTried] = useState(false);
  const faults = faultsOf({ overview, version, choice, script, device });
  const errors: FieldErrors = { ...request.errors, ...(isTried ? faults : {}) };
  useFocusOnError(request.refusals, errors);

  const choose = (change: Partial<Choice>, how?: 'replace'): void => goTo(addressOf({ ...choice, ...change }), how);
  const submit = (): void => {
    setTried(true);
    if (Object.keys(faults).length > 0) request.refuse();
    else request.send({ version, choice, script });
  };
  return (
    <form
      class="builder"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <div class="fields">
        <section class="what" aria-label={builder.device.label}>
          <DeviceField device={device} version={version} choose={choose} error={errors.device ?? null} />
          <VersionField offered={offered} version={version} choose={choose} error={errors.version ?? null} />
        </section>
        {choice.device === null ? (
          <p class="empty quiet">{builder.device.empty}</p>
        ) : (
          <>
            <PackageFields device={device} words={choice.packages} choose={choose} error={errors.packages ?? null} />
            <OptionFields
              server={overview.server}
              device={device}
              choice={choice}
              choose={choose}
              script={script}
              onScript={onScript}
              errors={errors}
            />
          </>
        )}
      </div>
      <Summary version={version} device={device} choice={choice} request={request} />
    </form>
  );
}

/** Whoever cannot see where it is red is taken there, once for each time that something was refused. */
function useFocusOnError(refusals: number, errors: FieldErrors): void {
  // Errors that come while somebody types must not move the focus.
  const latest = useRef(errors);
  latest.current = errors;
  useEffect(() => {
    const field = refusals > 0 && FIELDS.find((name) => latest.current[name] !== undefined);
    if (field) document.getElementById(field)?.focus();
  }, [refusals]);
}
