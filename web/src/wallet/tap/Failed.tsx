/** Why a tap did not become a payment, and what to do next: each code of the contract in its own words. */
import { words } from "../../shared/i18n/index.ts";
import type { ProblemCode } from "../../shared/problems.ts";
import { Amount } from "../../shared/ui/Amount.tsx";
import { ScreenTitle } from "../../shared/ui/common.tsx";
import { ClockIcon, CrossIcon, HomeIcon, WarningIcon } from "../../shared/ui/icons.tsx";
import { signOut } from "../session.ts";
import type { Gap } from "./flow.ts";

interface FailedProps {
  readonly code: ProblemCode;
  readonly requestId: string | null;
  readonly gap: Gap | null;
  readonly retry: (() => void) | null;
  readonly onLeave: () => void;
}

/** Danger, where money or the tag is in question; the rest is only in the way. */
const alarming: ReadonlySet<ProblemCode> = new Set(["tap_invalid", "tap_replayed", "tag_unknown"]);
const ofTheWallet: ReadonlySet<ProblemCode> = new Set(["insufficient_funds", "currency_not_held"]);
const late: ReadonlySet<ProblemCode> = new Set(["tap_expired", "order_expired", "overloaded", "nothing_to_pay"]);

export function Failed({ code, requestId, gap, retry, onLeave }: FailedProps) {
  const { common, tap, problems } = words.value;
  const { title, next } = problems[code];
  return (
    <main class="tap-screen failed">
      <div class="tap-message" role="alert">
        <span class={`badge large tone-${alarming.has(code) ? "bad" : "warn"}`}>{iconOf(code)}</span>
        <ScreenTitle>{title}</ScreenTitle>
        <p class="soft">{next}</p>
        {requestId !== null && <p class="identifier soft small">{common.requestId(requestId)}</p>}
        {gap !== null && <GapTable gap={gap} />}
      </div>
      <div class="tap-actions">
        {code === "unauthenticated" && (
          <button class="button primary big" type="button" onClick={() => signOut("refused")}>
            {tap.signInAgain}
          </button>
        )}
        {retry !== null && (
          <button class="button primary big" type="button" onClick={retry}>
            {common.tryAgain}
          </button>
        )}
        <button class="button big" type="button" onClick={onLeave}>
          {tap.backToWallet}
        </button>
      </div>
    </main>
  );
}

function iconOf(code: ProblemCode) {
  if (alarming.has(code)) return <WarningIcon size={36} />;
  if (ofTheWallet.has(code)) return <HomeIcon size={36} />;
  return late.has(code) ? <ClockIcon size={36} /> : <CrossIcon size={36} />;
}

function GapTable({ gap }: { gap: Gap }) {
  const { tap } = words.value;
  return (
    <dl class="card gap-table">
      <div>
        <dt>{tap.needed}</dt>
        <dd>
          <Amount money={gap.needed} />
        </dd>
      </div>
      <div>
        <dt>{tap.available}</dt>
        <dd>
          <Amount money={gap.available} />
        </dd>
      </div>
      <div class="missing-row">
        <dt>{tap.missing}</dt>
        <dd>
          <Amount money={gap.missing} />
        </dd>
      </div>
    </dl>
  );
}
