/** One build at its own address: whoever has it sees it wait, run, succeed or fail, now or later. */
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Devices, Overview } from '../../../shared/api/catalogue-answers.ts';
import { FILESYSTEMS } from '../../../shared/request/grammar.ts';
import { useAsked } from '../api/use-asked.ts';
import { addressOf } from '../choice.ts';
import { follow } from '../location.ts';
import { MESSAGES } from '../messages.ts';
import { Away } from './away.tsx';
import { BuildLog } from './build-log.tsx';
import { deviceName } from './devices.ts';
import { Failure, isWorthAnotherTry } from './failure.tsx';
import { type BuildAnswer, isEnded } from './follow-build.ts';
import { Progress } from './progress.tsx';
import { Result } from './result.tsx';
import { useBuild } from './use-build.ts';
import { branchOf, jsonPath } from './versions.ts';

const text = MESSAGES.builder.build;

type RequestEcho = BuildAnswer['request'];

interface Props {
  readonly hash: string;
  readonly isFromForm: boolean;
}

export function BuildPage({ hash, isFromForm }: Props): VNode {
  const { answer, isUnknown, away, log } = useBuild(hash);
  const heading = useRef<HTMLHeadingElement>(null);
  // Who comes from the form has lost the button that had the focus.
  useEffect(() => {
    if (isFromForm) heading.current?.focus();
  }, [isFromForm]);
  const request = answer?.request;
  const name = useDeviceName(request);
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {name ?? MESSAGES.shell.build}
      </h1>
      {request && <p class="quiet lead">{text.of(request.version, request.target)}</p>}
      {away && <Away error={away} />}
      {isUnknown ? (
        <Unknown />
      ) : answer === null ? (
        !away && <p class="quiet">{text.loading}</p>
      ) : (
        <Shown answer={answer} hash={hash} />
      )}
      {answer && (log !== '' || !isEnded(answer)) && <BuildLog log={log} />}
      {request && (
        <p class="onward">
          <a class="button" href={formAddress(request)} onClick={follow}>
            {answer?.status === 500 && isWorthAnotherTry(answer) ? MESSAGES.builder.failure.later : text.change}
          </a>
        </p>
      )}
    </>
  );
}

function Shown({ answer, hash }: { readonly answer: BuildAnswer; readonly hash: string }): VNode {
  return (
    <>
      {/* It is there before it says something: of what comes together with its words nobody is told. */}
      <p class="hidden" role="status">
        {ENDINGS[answer.status]}
      </p>
      {answer.status === 202 ? (
        <Progress build={answer} />
      ) : answer.status === 200 ? (
        <Result build={answer} hash={hash} />
      ) : (
        <Failure build={answer} />
      )}
    </>
  );
}

const ENDINGS: Readonly<Record<BuildAnswer['status'], string>> = {
  202: '',
  200: MESSAGES.builder.result.ready,
  500: MESSAGES.builder.failure.title,
};

function Unknown(): VNode {
  return (
    <p class="empty">
      {text.unknown}{' '}
      <a href="/" onClick={follow}>
        {text.toForm}
      </a>
    </p>
  );
}

/** As people know it; the profile where nobody says. */
function useDeviceName(request: RequestEcho | undefined): string | null {
  const [overview] = useAsked<Overview>(request ? '/json/v1/overview.json' : null);
  const branch = request && overview.state === 'ready' ? branchOf(overview.body, request.version) : null;
  const [devices] = useAsked<Devices>(branch && request ? `${jsonPath(branch, request.version)}/devices.json` : null);
  if (!request) return null;
  return (devices.state === 'ready' && deviceName(devices.body, request)) || request.profile;
}

/** The selection that was built, ready to be changed; its script is nobody's to tell. */
const formAddress = (request: RequestEcho): string =>
  addressOf({
    version: request.version,
    device: { target: request.target, profile: request.profile },
    packages: request.packages,
    fileSystem: FILESYSTEMS.find((name) => name === request.filesystem) ?? null,
    rootfsMb: request.rootfs_size_mb === null ? '' : String(request.rootfs_size_mb),
  });
