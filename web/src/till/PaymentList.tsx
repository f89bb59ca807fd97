/** Today's payments beside the register, with their sum. */
import { formatTime, words } from "../shared/i18n/index.ts";
import { formatMoney } from "../shared/money.ts";
import { Amount } from "../shared/ui/Amount.tsx";
import { complete, todaysPayments, totals } from "./payments.ts";

const shownCount = 50;

export function PaymentList() {
  const { till } = words.value;
  const today = todaysPayments();
  return (
    <aside class="today" aria-label={till.todaysPayments}>
      <header>
        <h2>{till.todaysPayments}</h2>
        {complete.value && today.length > 0 && <span class="soft">{till.payments(today.length)}</span>}
      </header>
      {complete.value &&
        totals(today).map((total) => (
          <p key={total.currency} class="today-total">
            <span class="soft">{till.totalToday}</span>
            <Amount money={total} />
          </p>
        ))}
      {today.length === 0 ? (
        <p class="soft">{till.noPayments}</p>
      ) : (
        // Focusable, so that the keyboard can scroll it.
        <ul tabIndex={0} aria-label={till.todaysPayments}>
          {today.slice(0, shownCount).map((payment) => (
            <li key={payment.id}>
              <span class="today-what">
                <strong class="amount">{formatMoney(payment.amount)}</strong>
                {payment.description !== null && <small class="soft">{payment.description}</small>}
              </span>
              <time class="soft" dateTime={payment.created_at}>
                {formatTime(payment.created_at)}
              </time>
            </li>
          ))}
        </ul>
      )}
    </aside>
  );
}
