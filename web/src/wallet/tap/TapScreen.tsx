/** What the phone shows during a tap: one screen per state of the flow. */
import type { Api } from "../../shared/api.ts";
import { words } from "../../shared/i18n/index.ts";
import type { Trouble } from "../../shared/retry.ts";
import { Loading, Notice, OfflineNotice, ScreenTitle } from "../../shared/ui/common.tsx";
import { ClockIcon } from "../../shared/ui/icons.tsx";
import { refresh } from "../account.ts";
import { PaidScreen } from "../Receipt.tsx";
import { Confirm } from "./Confirm.tsx";
import { Failed } from "./Failed.tsx";
import { askAgain, confirm, leave, state } from "./flow.ts";

export function TapScreen({ api }: { api: Api }) {
  const now = state.value;
  const { tap } = words.value;
  switch (now.at) {
    case "nowhere":
      return null;
    case "reading":
      return (
        <main class="tap-screen">
          <Loading text={tap.reading} />
          <TroubleNotice trouble={now.trouble} offlineText={tap.noNetworkTapText} />
        </main>
      );
    case "no_amount_yet":
      return (
        <main class="tap-screen">
          <Quiet title={tap.nothingTitle} text={tap.nothingText} busy />
          <TroubleNotice trouble={now.trouble} offlineText={tap.noNetworkTapText} />
          <button class="button big" type="button" onClick={leave}>
            {words.value.common.cancel}
          </button>
        </main>
      );
    case "still_no_amount":
      return (
        <main class="tap-screen">
          <Quiet title={tap.nothingEnded} text={tap.nothingEndedText} />
          <button class="button primary big" type="button" onClick={() => askAgain(api, now.url)}>
            {words.value.common.tryAgain}
          </button>
          <button class="button quiet big" type="button" onClick={leave}>
            {tap.backToWallet}
          </button>
        </main>
      );
    case "confirming":
      return (
        <Confirm
          key={now.tap.id}
          tap={now.tap}
          balances={now.balances}
          paying={false}
          onConfirm={(amount) => confirm(api, now.tap, amount)}
          onCancel={leave}
        />
      );
    case "paying":
      return (
        <Confirm key={now.tap.id} tap={now.tap} balances={null} paying amount={now.amount}>
          <TroubleNotice trouble={now.trouble} offlineText={tap.noNetworkText} />
        </Confirm>
      );
    case "paid":
      return (
        <PaidScreen
          payment={now.payment}
          onDone={() => {
            leave();
            void refresh();
          }}
        />
      );
    case "failed":
      return <Failed code={now.code} requestId={now.requestId} gap={now.gap} retry={now.retry} onLeave={leave} />;
  }
}

function Quiet({ title, text, busy = false }: { title: string; text: string; busy?: boolean }) {
  return (
    <div class="tap-message" role="status">
      <span class="badge large">{busy ? <span class="spinner" /> : <ClockIcon size={34} />}</span>
      <ScreenTitle>{title}</ScreenTitle>
      <p class="soft">{text}</p>
    </div>
  );
}

function TroubleNotice({ trouble, offlineText }: { trouble: Trouble | null; offlineText: string }) {
  const { tap } = words.value;
  if (trouble === null) return null;
  if (trouble === "no_network") return <OfflineNotice>{offlineText}</OfflineNotice>;
  return (
    <Notice tone="warn" title={tap.busyTitle} icon={<ClockIcon />}>
      {tap.busyText}
    </Notice>
  );
}
