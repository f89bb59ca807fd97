/** The keypad: how much, what for, and asking. */
import { useEffect } from "preact/hooks";
import { entryAmount } from "../shared/entry.ts";
import { words } from "../shared/i18n/index.ts";
import { formatMoney } from "../shared/money.ts";
import type { Money, Tag } from "../shared/types.ts";
import { EntryAmount } from "../shared/ui/Amount.tsx";
import { Keypad } from "../shared/ui/Keypad.tsx";
import { description, entry } from "./draft.ts";
import { ask, giveUpSending, state } from "./register.ts";
import { WordNotice } from "./WordNotice.tsx";

const longestDescription = 80;

export function AskScreen({ tag, sending }: { tag: Tag; sending: boolean }) {
  const { till, common } = words.value;
  const amount = typedAmount(tag);
  const trouble = state.value.at === "sending" ? state.value.trouble : null;

  useEffect(() => {
    const ifEnter = (event: KeyboardEvent) => {
      if (event.key === "Enter" && event.target === document.body) askTyped(tag);
    };
    addEventListener("keydown", ifEnter);
    return () => removeEventListener("keydown", ifEnter);
  }, [tag]);

  function submit(event: Event): void {
    event.preventDefault();
    askTyped(tag);
  }

  return (
    <form class="ask" onSubmit={submit}>
      <div class="ask-amount">
        <h1 class="unseen">{common.amount}</h1>
        <EntryAmount entry={entry.value} currency={tag.currency} />
      </div>
      <WordNotice />
      <input
        class="input"
        aria-label={till.description}
        placeholder={till.descriptionPlaceholder}
        maxLength={longestDescription}
        value={description}
        onInput={(event) => (description.value = event.currentTarget.value)}
      />
      <Keypad entry={entry} currency={tag.currency} />
      <div class="ask-actions">
        <button class="button primary big" type="submit" disabled={sending || amount === null}>
          {sending && <span class="spinner" />}
          {sending ? till.stillToSend : amount === null ? till.ask : till.askAmount(formatMoney(amount))}
        </button>
        {trouble === null ? (
          <button class="button quiet" type="button" disabled={sending} onClick={() => void ask(null)}>
            {till.letCustomerType}
          </button>
        ) : (
          <button class="button quiet" type="button" onClick={giveUpSending}>
            {trouble === "busy" ? common.busyTitle : common.offlineTitle} · {common.cancel}
          </button>
        )}
      </div>
    </form>
  );
}

function typedAmount(tag: Tag): Money | null {
  const amount = entryAmount(entry.value, tag.currency);
  return amount === null ? null : { amount, currency: tag.currency };
}

function askTyped(tag: Tag): void {
  const amount = typedAmount(tag);
  if (amount !== null) void ask(amount);
}
