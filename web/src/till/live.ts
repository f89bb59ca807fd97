/** The shop's live stream, open while a merchant is signed in. */
import { effect, signal } from "@preact/signals";
import { openEventStream, type EventStream } from "../shared/events.ts";
import type { TapstoneEvent } from "../shared/types.ts";
import { api, signOut } from "./session.ts";

/** Whether events arrive. */
export const connected = signal(false);
/** Whether the device itself has lost its network. */
export const offline = signal(!navigator.onLine);

export interface Listener {
  hear(event: TapstoneEvent): void;
  catchUp(): void;
}

/** Starts listening; for the whole life of the page. */
export function listen(listeners: readonly Listener[]): void {
  let stream: EventStream | null = null;
  let stopFollowing: (() => void) | null = null;
  effect(() => {
    const token = api.value?.token;
    stopFollowing?.();
    stream?.close();
    connected.value = false;
    if (token == null) return;
    const opened = openEventStream(token, {
      onEvent: (event) => listeners.forEach((listener) => listener.hear(event)),
      onSync: () => listeners.forEach((listener) => listener.catchUp()),
      onRefused: () => signOut("refused"),
    });
    stream = opened;
    stopFollowing = opened.connected.subscribe((up) => (connected.value = up));
  });
  addEventListener("offline", () => (offline.value = true));
  addEventListener("online", () => (offline.value = false));
}
