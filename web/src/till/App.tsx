/** Chooses the till's screen: sign-in, choosing the tag, or the register. */
import { useEffect } from "preact/hooks";
import { words } from "../shared/i18n/index.ts";
import { Loading, OfflineNotice, usePageTitle } from "../shared/ui/common.tsx";
import { Announcer } from "./Announcer.tsx";
import { AskScreen } from "./AskScreen.tsx";
import { BusyScreen } from "./BusyScreen.tsx";
import { ChooseTag } from "./ChooseTag.tsx";
import { ClosedScreen, PaidScreen } from "./EndScreens.tsx";
import { Header } from "./Header.tsx";
import { connected, offline } from "./live.ts";
import { readPayments } from "./payments.ts";
import { PaymentList } from "./PaymentList.tsx";
import { state, takeUpWaiting } from "./register.ts";
import { api, loadFailed, tag, tags } from "./session.ts";
import { SignIn } from "./SignIn.tsx";
import { StandingScreen } from "./StandingScreen.tsx";
import { WaitingScreen } from "./WaitingScreen.tsx";

export function App() {
  usePageTitle(words.value.till.pageTitle);
  const client = api.value;
  const counter = tag.value;
  useEffect(() => void readPayments(), [client]);
  useEffect(() => void takeUpWaiting(), [counter?.id]);

  if (client === null) return <SignIn />;
  if (tags.value === null) return loadFailed.value ? <NotLoaded /> : <Loading />;
  if (counter === null)
    return (
      <div class="till">
        <Header />
        <ChooseTag tags={tags.value} />
      </div>
    );
  return (
    <div class="till">
      <Header />
      <Connection />
      <div class="till-body">
        <main class="till-main">
          <Register />
        </main>
        <PaymentList />
      </div>
      <Announcer />
    </div>
  );
}

function Register() {
  const now = state.value;
  const counter = tag.value;
  if (counter === null) return null;
  switch (now.at) {
    case "ready":
    case "sending":
      return counter.mode === "standing" ? <StandingScreen tag={counter} /> : <AskScreen tag={counter} sending={now.at === "sending"} />;
    case "busy":
      return <BusyScreen />;
    case "waiting":
      return <WaitingScreen order={now.order} tag={counter} />;
    case "paid":
      return <PaidScreen amount={now.amount} />;
    case "closed":
      return <ClosedScreen status={now.status} />;
  }
}

function Connection() {
  const { till } = words.value;
  if (connected.value) return null;
  return (
    <div class="connection">
      <OfflineNotice>{offline.value ? till.offline : till.connectionLost}</OfflineNotice>
    </div>
  );
}

function NotLoaded() {
  return (
    <div class="center-page">
      <OfflineNotice>{words.value.common.loadFailed}</OfflineNotice>
    </div>
  );
}
