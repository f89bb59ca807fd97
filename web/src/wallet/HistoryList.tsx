/** History entries by day, each with the balance it left. */
import { formatDay, formatTime, nameOf, words } from "../shared/i18n/index.ts";
import { formatMoney } from "../shared/money.ts";
import type { HistoryEntry } from "../shared/types.ts";
import { Avatar } from "../shared/ui/common.tsx";
import { DepositIcon } from "../shared/ui/icons.tsx";
import { links } from "./router.ts";

export function HistoryList({ entries }: { entries: readonly HistoryEntry[] }) {
  if (entries.length === 0) return <p class="soft empty-list">{words.value.wallet.nothingYet}</p>;
  return (
    <>
      {byDay(entries).map(({ day, of }) => (
        <section key={day} class="day">
          <h3 class="label">{day}</h3>
          <ul class="card rows">
            {of.map((entry) => (
              <li key={entry.id}>
                <Row entry={entry} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

function Row({ entry }: { entry: HistoryEntry }) {
  const { wallet } = words.value;
  const name = entry.merchant === null ? wallet.receivedMoney : nameOf(entry.merchant);
  const came = entry.direction === "credit";
  const content = (
    <>
      {entry.merchant === null ? (
        <span class="avatar quiet">
          <DepositIcon />
        </span>
      ) : (
        <Avatar name={name} />
      )}
      <span class="grow">
        <strong>{name}</strong>
        <small>{formatTime(entry.created_at)}</small>
      </span>
      <span class="row-amount">
        <strong class={came ? "amount came" : "amount"}>
          {came ? "+" : "−"}
          {formatMoney(entry.amount)}
        </strong>
        <small class="amount">{wallet.balanceAfter(formatMoney(entry.balance_after))}</small>
      </span>
    </>
  );
  if (entry.payment === null) return <div class="row">{content}</div>;
  return (
    <a class="row" href={links.receipt(entry.payment)}>
      {content}
    </a>
  );
}

function byDay(entries: readonly HistoryEntry[]): { day: string; of: HistoryEntry[] }[] {
  const now = new Date();
  const days: { day: string; of: HistoryEntry[] }[] = [];
  for (const entry of entries) {
    const day = formatDay(entry.created_at, now);
    const last = days.at(-1);
    if (last?.day === day) last.of.push(entry);
    else days.push({ day, of: [entry] });
  }
  return days;
}
