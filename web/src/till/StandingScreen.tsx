/** A standing tag: nothing to type here; payments come in by themselves. */
import { formatTime, words } from "../shared/i18n/index.ts";
import type { Tag } from "../shared/types.ts";
import { Amount } from "../shared/ui/Amount.tsx";
import { ScreenTitle } from "../shared/ui/common.tsx";
import { todaysPayments } from "./payments.ts";
import { TagOnCounter } from "./TagOnCounter.tsx";
import { WordNotice } from "./WordNotice.tsx";

const shownCount = 3;

export function StandingScreen({ tag }: { tag: Tag }) {
  const { till } = words.value;
  const arrived = todaysPayments().filter((payment) => payment.tag === tag.id);
  return (
    <section class="waiting standing">
      <div class="waiting-amount">
        <ScreenTitle>{till.standingTitle}</ScreenTitle>
        <p class="soft">{till.standingText}</p>
      </div>
      <TagOnCounter tag={tag} />
      <div class="waiting-word">
        <WordNotice />
      </div>
      <ul class="standing-payments">
        {arrived.slice(0, shownCount).map((payment) => (
          <li key={payment.id} class="card">
            <Amount money={payment.amount} />
            <time dateTime={payment.created_at} class="soft">
              {formatTime(payment.created_at)}
            </time>
          </li>
        ))}
      </ul>
    </section>
  );
}
