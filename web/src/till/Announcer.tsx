/** Says to a screen reader what sighted people see from across the counter. */
import { words, type Words } from "../shared/i18n/index.ts";
import { formatMoney } from "../shared/money.ts";
import { state, type RegisterState } from "./register.ts";

export function Announcer() {
  return (
    <div class="unseen" role="status" aria-live="assertive">
      {announcement(state.value, words.value)}
    </div>
  );
}

function announcement(now: RegisterState, { till }: Words): string {
  switch (now.at) {
    case "paid":
      return till.paid(formatMoney(now.amount));
    case "closed":
      return now.status === "expired" ? till.expiredTitle : till.cancelledTitle;
    case "waiting":
      return till.waitingTitle;
    case "busy":
      return till.busyTitle;
    case "ready":
    case "sending":
      return "";
  }
}
