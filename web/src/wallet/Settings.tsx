/** Language, appearance, and signing out. */
import { nameOf, words } from "../shared/i18n/index.ts";
import { Avatar, ScreenTitle } from "../shared/ui/common.tsx";
import { LanguageSwitch, ThemeSwitch } from "../shared/ui/Switches.tsx";
import { wallet } from "./account.ts";
import { leaveTapAddress } from "./router.ts";
import { signOut } from "./session.ts";

export function Settings() {
  const text = words.value;
  const account = wallet.value;
  return (
    <main class="section">
      <ScreenTitle>{text.wallet.settings}</ScreenTitle>
      {account !== null && (
        <div class="card padded signed-in">
          <Avatar name={nameOf(account)} />
          <div class="grow">
            <small class="soft">{text.wallet.signedInAs}</small>
            <strong>{nameOf(account)}</strong>
            <small class="soft identifier">
              {text.wallet.walletId} {account.id}
            </small>
          </div>
        </div>
      )}
      <div class="card padded settings-list">
        <h2 class="label">{text.common.language}</h2>
        <LanguageSwitch />
        <h2 class="label">{text.common.theme}</h2>
        <ThemeSwitch />
      </div>
      <div class="sign-out">
        <button
          class="button"
          type="button"
          onClick={() => {
            signOut();
            leaveTapAddress();
          }}
        >
          {text.common.signOut}
        </button>
        <p class="soft small">{text.wallet.signOutText}</p>
      </div>
    </main>
  );
}
