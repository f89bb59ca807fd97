/** Who is paid, how much, and the button that pays. Where the shop left the amount open, a keypad for it. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { formatCountdown, secondsUntil } from "../../shared/clock.ts";
import { entryAmount } from "../../shared/entry.ts";
import { nameOf, words } from "../../shared/i18n/index.ts";
import { formatMoney } from "../../shared/money.ts";
import type { Balance, Money, Tap } from "../../shared/types.ts";
import { Amount, EntryAmount } from "../../shared/ui/Amount.tsx";
import { Avatar, ScreenTitle } from "../../shared/ui/common.tsx";
import { ClockIcon, CrossIcon } from "../../shared/ui/icons.tsx";
import { Keypad } from "../../shared/ui/Keypad.tsx";
import { timeIsUp } from "./flow.ts";

interface ConfirmProps {
  readonly tap: Tap;
  readonly balances: readonly Balance[] | null;
  readonly paying: boolean;
  /** The amount being paid. */
  readonly amount?: Money;
  readonly onConfirm?: (amount: Money) => void;
  readonly onCancel?: () => void;
  readonly children?: ComponentChildren;
}

export function Confirm({ tap, balances, paying, amount, onConfirm, onCancel, children }: ConfirmProps) {
  const text = words.value;
  const entry = useSignal("");
  const asked = amount ?? tap.order?.amount ?? null;
  const typed = entryAmount(entry.value, tap.currency);
  const toPay = asked ?? (typed === null ? null : { amount: typed, currency: tap.currency });

  return (
    <main class="tap-screen confirm">
      <header class="tap-bar">
        {onCancel ? (
          <button class="icon-button" type="button" aria-label={text.common.cancel} onClick={onCancel}>
            <CrossIcon />
          </button>
        ) : (
          <span class="icon-button" />
        )}
        {!paying && <TimeLeft tap={tap} />}
      </header>
      <Shop tap={tap} />
      <div class="confirm-amount">
        {asked === null ? <EntryAmount entry={entry.value} currency={tap.currency} /> : <Amount money={asked} huge />}
        {tap.order?.description != null && <p class="description">{tap.order.description}</p>}
        {asked === null && <p class="soft">{text.tap.enterAmount}</p>}
      </div>
      {children}
      {asked === null && <Keypad entry={entry} currency={tap.currency} />}
      <footer class="confirm-foot">
        {balances !== null && <PayFrom balances={balances} currency={tap.currency} />}
        <button
          class="button primary big pay"
          type="button"
          disabled={paying || toPay === null}
          aria-busy={paying}
          onClick={() => toPay !== null && onConfirm?.(toPay)}
        >
          {paying && <span class="spinner" />}
          {paying ? text.tap.paying : text.tap.pay(toPay === null ? "" : formatMoney(toPay))}
        </button>
        <p class="soft small hint">{paying ? " " : text.tap.confirmHint}</p>
      </footer>
    </main>
  );
}

function Shop({ tap }: { tap: Tap }) {
  const place = [nameOf(tap.store), tap.store.address].filter((part) => part !== null).join(" · ");
  return (
    <div class="shop">
      <Avatar name={nameOf(tap.merchant)} />
      <small class="soft">{words.value.tap.payTo}</small>
      <ScreenTitle>{nameOf(tap.merchant)}</ScreenTitle>
      <p class="soft small">{place}</p>
    </div>
  );
}

function TimeLeft({ tap }: { tap: Tap }) {
  const ends = tap.order !== null && tap.order.expires_at < tap.expires_at ? tap.order.expires_at : tap.expires_at;
  const seconds = secondsUntil(ends);
  useEffect(() => {
    if (seconds === 0) timeIsUp(tap);
  }, [seconds === 0]);
  return (
    <span class={seconds <= 15 ? "time-left soon" : "time-left"} role="timer">
      <ClockIcon size={18} />
      {words.value.tap.timeLeft(formatCountdown(seconds))}
    </span>
  );
}

function PayFrom({ balances, currency }: { balances: readonly Balance[]; currency: string }) {
  const { tap } = words.value;
  const balance = balances.find((candidate) => candidate.currency === currency);
  return (
    <p class="pay-from">
      <span class="soft">{tap.payFrom}</span>
      {balance ? <Amount money={{ amount: balance.available, currency }} /> : tap.notHeld(currency)}
    </p>
  );
}
