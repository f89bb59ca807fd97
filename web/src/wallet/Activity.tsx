/** The whole history, page by page. */
import { words } from "../shared/i18n/index.ts";
import { Loading, OfflineNotice, ScreenTitle } from "../shared/ui/common.tsx";
import { history, loadMoreHistory, moreHistory, stale } from "./account.ts";
import { HistoryList } from "./HistoryList.tsx";

export function Activity() {
  const { common, wallet } = words.value;
  return (
    <main class="section">
      <ScreenTitle>{wallet.activity}</ScreenTitle>
      {stale.value && <OfflineNotice>{common.mayBeOld}</OfflineNotice>}
      {history.value === null ? !stale.value && <Loading /> : <HistoryList entries={history.value} />}
      {moreHistory.value && (
        <button class="button" type="button" onClick={() => void loadMoreHistory()}>
          {common.showMore}
        </button>
      )}
    </main>
  );
}
