/** The signed-in wallet's balances and history, kept true by the live stream. */
import { effect, signal } from "@preact/signals";
import { openEventStream, type EventStream } from "../shared/events.ts";
import { ApiProblem } from "../shared/problems.ts";
import type { HistoryEntry, Wallet } from "../shared/types.ts";
import { api, signOut } from "./session.ts";

const pageSize = 20;

export const wallet = signal<Wallet | null>(null);
export const history = signal<readonly HistoryEntry[] | null>(null);
export const moreHistory = signal(false);
/** Whether the last reading failed; what is shown may be old. */
export const stale = signal(false);

/** Reads balances and the newest history again. */
export async function refresh(): Promise<void> {
  const client = api.value;
  if (client === null) return;
  try {
    const [account, page] = await Promise.all([client.wallet(), client.history(pageSize)]);
    if (client !== api.value) return;
    wallet.value = account;
    history.value = page.data;
    moreHistory.value = page.has_more;
    stale.value = false;
  } catch (error) {
    if (client !== api.value) return;
    stale.value = true;
    if (error instanceof ApiProblem && error.code === "unauthenticated") signOut("refused");
  }
}

export async function loadMoreHistory(): Promise<void> {
  const client = api.value;
  const shown = history.value;
  if (client === null || shown === null) return;
  try {
    const page = await client.history(pageSize, shown.at(-1)?.id);
    if (history.value !== shown) return;
    history.value = [...shown, ...page.data];
    moreHistory.value = page.has_more;
  } catch {
    stale.value = true;
  }
}

let stream: EventStream | null = null;

effect(() => {
  const client = api.value;
  stream?.close();
  stream = null;
  wallet.value = null;
  history.value = null;
  if (client?.token == null) return;
  void refresh();
  stream = openEventStream(client.token, {
    onEvent: ({ type }) => {
      if (type === "payment.succeeded" || type === "deposit.succeeded") void refresh();
    },
    onSync: () => void refresh(),
    onRefused: () => signOut("refused"),
  });
});

addEventListener("offline", () => (stale.value = true));
addEventListener("online", () => void refresh());
