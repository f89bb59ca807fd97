/** Another order waits at this tag: go on with it, or cancel it. */
import { words } from "../shared/i18n/index.ts";
import { ScreenTitle } from "../shared/ui/common.tsx";
import { ClockIcon } from "../shared/ui/icons.tsx";
import { cancel, cancelling, rest, resumeBusy } from "./register.ts";

export function BusyScreen() {
  const { till, common } = words.value;
  return (
    <section class="end-screen">
      <span class="badge large tone-warn">
        <ClockIcon size={36} />
      </span>
      <ScreenTitle>{till.busyTitle}</ScreenTitle>
      <p class="soft">{till.busyText}</p>
      <div class="end-actions">
        <button class="button primary" type="button" onClick={() => void resumeBusy()}>
          {till.resume}
        </button>
        <button class="button" type="button" disabled={cancelling.value} onClick={() => void cancel()}>
          {till.cancelIt}
        </button>
        <button class="button quiet" type="button" onClick={rest}>
          {common.back}
        </button>
      </div>
    </section>
  );
}
