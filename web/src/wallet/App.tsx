/** Chooses the screen: sign-in, a tap on its way, or a section of the wallet. */
import { useEffect } from "preact/hooks";
import { words } from "../shared/i18n/index.ts";
import { usePageTitle } from "../shared/ui/common.tsx";
import { Activity } from "./Activity.tsx";
import { Home } from "./Home.tsx";
import { Navigation } from "./Navigation.tsx";
import { ReceiptScreen } from "./Receipt.tsx";
import { arrival, screen } from "./router.ts";
import { api } from "./session.ts";
import { Settings } from "./Settings.tsx";
import { SignIn } from "./SignIn.tsx";
import { begin, state } from "./tap/flow.ts";
import { TapScreen } from "./tap/TapScreen.tsx";

export function App() {
  usePageTitle(words.value.wallet.pageTitle);
  const client = api.value;
  useEffect(() => {
    if (client !== null) begin(client, arrival());
  }, [client]);

  if (client === null) return <Phone>{<SignIn toPay={arrival() !== null} />}</Phone>;
  if (state.value.at !== "nowhere") return <Phone>{<TapScreen api={client} />}</Phone>;
  return (
    <Phone>
      <Section />
      <Navigation current={screen.value.name} />
    </Phone>
  );
}

function Section() {
  switch (screen.value.name) {
    case "home":
      return <Home />;
    case "activity":
      return <Activity />;
    case "settings":
      return <Settings />;
    case "receipt":
      return <ReceiptScreen payment={screen.value.payment} />;
  }
}

function Phone({ children }: { children: preact.ComponentChildren }) {
  return <div class="phone">{children}</div>;
}
