/** An amount for the eye; as text it is "12.50 CNY". */
import { formatNumber } from "../money.ts";
import { showEntry } from "../entry.ts";
import type { Money } from "../types.ts";

export function Amount({ money, huge = false }: { money: Money; huge?: boolean }) {
  return (
    <span class={huge ? "amount huge" : "amount"}>
      {formatNumber(money)} <span class="code">{money.currency}</span>
    </span>
  );
}

/** The amount being typed on a keypad, with the digits still missing dimmed. */
export function EntryAmount({ entry, currency }: { entry: string; currency: string }) {
  const { typed, missing } = showEntry(entry, currency);
  return (
    <output class="amount huge" aria-live="polite">
      {typed}
      <span class="missing">{missing}</span> <span class="code">{currency}</span>
    </output>
  );
}
