/** Balances, and the last few things that happened. */
import { nameOf, words } from "../shared/i18n/index.ts";
import type { Balance } from "../shared/types.ts";
import { Amount } from "../shared/ui/Amount.tsx";
import { Avatar, Loading, OfflineNotice, ScreenTitle } from "../shared/ui/common.tsx";
import { ContactlessIcon } from "../shared/ui/icons.tsx";
import { Logo } from "../shared/ui/Logo.tsx";
import { history, stale, wallet } from "./account.ts";
import { HistoryList } from "./HistoryList.tsx";
import { links } from "./router.ts";

const recentCount = 5;

export function Home() {
  const text = words.value;
  const account = wallet.value;
  if (account === null) return stale.value ? <NotLoaded /> : <Loading />;
  return (
    <main class="section">
      <header class="home-header">
        <Avatar name={nameOf(account)} />
        <ScreenTitle>{text.wallet.greeting(nameOf(account))}</ScreenTitle>
      </header>
      {stale.value && <OfflineNotice>{text.common.mayBeOld}</OfflineNotice>}
      {account.balances.length === 0 ? <p class="soft">{text.wallet.noBalances}</p> : <Balances balances={account.balances} />}
      <div class="ready">
        <span class="badge">
          <ContactlessIcon />
        </span>
        <div>
          <strong>{text.wallet.readyToPay}</strong>
          <p class="soft small">{text.wallet.readyToPayText}</p>
        </div>
      </div>
      <section>
        <div class="row-title">
          <h2>{text.wallet.recent}</h2>
          <a href={links.activity}>{text.wallet.seeAll}</a>
        </div>
        <HistoryList entries={history.value?.slice(0, recentCount) ?? []} />
      </section>
    </main>
  );
}

function NotLoaded() {
  const { common } = words.value;
  return (
    <main class="section">
      <OfflineNotice>{common.loadFailed}</OfflineNotice>
    </main>
  );
}

function Balances({ balances }: { balances: readonly Balance[] }) {
  return (
    <ul class="balances">
      {balances.map((balance) => (
        <li key={balance.currency} class="balance">
          <Strata />
          <span class="balance-label">
            {words.value.wallet.balance}
            <Logo size={24} />
          </span>
          <Amount money={{ amount: balance.available, currency: balance.currency }} />
        </li>
      ))}
    </ul>
  );
}

/** Layers of stone behind a balance. */
function Strata() {
  return (
    <svg class="strata" viewBox="0 0 400 220" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      <path d="M0 150c70-40 120 10 200-20s130-50 200-22v112H0Z" fill="#fff" opacity="0.05" />
      <path d="M0 178c80-26 140 14 220-14s120-30 180-12v68H0Z" fill="#fff" opacity="0.05" />
      <path d="M0 200c90-14 150 8 230-10s110-14 170-6v36H0Z" fill="#f0783f" opacity="0.28" />
    </svg>
  );
}
