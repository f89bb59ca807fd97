/** How an order ends: paid, in green for the whole counter to see, or closed unpaid. */
import { words } from "../shared/i18n/index.ts";
import { formatMoney } from "../shared/money.ts";
import type { Money } from "../shared/types.ts";
import { ScreenTitle } from "../shared/ui/common.tsx";
import { ClockIcon, CrossIcon, DrawnTick } from "../shared/ui/icons.tsx";
import { rest } from "./register.ts";

export function PaidScreen({ amount }: { amount: Money }) {
  const { till } = words.value;
  return (
    <section class="end-screen paid-screen" onClick={rest}>
      <DrawnTick size={150} />
      <ScreenTitle>{till.paid(formatMoney(amount))}</ScreenTitle>
      <p>{till.paidBy}</p>
      <button class="button" type="button" onClick={rest}>
        {till.next}
      </button>
    </section>
  );
}

export function ClosedScreen({ status }: { status: "cancelled" | "expired" }) {
  const { till } = words.value;
  const expired = status === "expired";
  return (
    <section class="end-screen">
      <span class="badge large tone-warn">{expired ? <ClockIcon size={36} /> : <CrossIcon size={36} />}</span>
      <ScreenTitle>{expired ? till.expiredTitle : till.cancelledTitle}</ScreenTitle>
      <p class="soft">{expired ? till.expiredText : till.cancelledText}</p>
      <button class="button primary" type="button" onClick={rest}>
        {till.next}
      </button>
    </section>
  );
}
