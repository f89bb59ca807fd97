/** The order waits at the tag: the amount large, the tag drawn, the time that is left. */
import { formatCountdown, secondsUntil } from "../shared/clock.ts";
import { words } from "../shared/i18n/index.ts";
import type { Order, Tag } from "../shared/types.ts";
import { Amount } from "../shared/ui/Amount.tsx";
import { ScreenTitle } from "../shared/ui/common.tsx";
import { ClockIcon } from "../shared/ui/icons.tsx";
import { cancel, cancelling } from "./register.ts";
import { TagOnCounter } from "./TagOnCounter.tsx";
import { WordNotice } from "./WordNotice.tsx";

export function WaitingScreen({ order, tag }: { order: Order; tag: Tag }) {
  const { till } = words.value;
  return (
    <section class="waiting">
      <div class="waiting-amount">
        <ScreenTitle>{till.waitingTitle}</ScreenTitle>
        {order.amount === null ? (
          <p class="open-amount">{till.customerTypes}</p>
        ) : (
          <Amount money={order.amount} huge />
        )}
        {order.description !== null && <p class="description">{order.description}</p>}
      </div>
      <TagOnCounter tag={tag} />
      <div class="waiting-word">
        <WordNotice />
      </div>
      <footer class="waiting-foot">
        <Countdown until={order.expires_at} />
        <button class="button" type="button" disabled={cancelling.value} onClick={() => void cancel()}>
          {till.cancelOrder}
        </button>
      </footer>
    </section>
  );
}

function Countdown({ until }: { until: string }) {
  return (
    <span class="countdown" role="timer">
      <ClockIcon size={20} />
      {words.value.till.expiresIn(formatCountdown(secondsUntil(until)))}
    </span>
  );
}
