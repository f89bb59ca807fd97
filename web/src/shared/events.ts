/**
 * The live stream of `GET /v1/events`. It stays connected: it comes back after errors, refusals and
 * silences, and resumes after the last event seen. Events may be missed or repeated all the same, so a
 * listener re-reads what it shows each time `onSync` calls: on every (re)connection and on `reset`.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import { EventSource, type FetchLike } from "eventsource";
import { readJson } from "./json.ts";
import type { EventType, TapstoneEvent } from "./types.ts";

const eventTypes: readonly EventType[] = [
  "order.created",
  "order.cancelled",
  "order.expired",
  "tap.accepted",
  "tap.refused",
  "payment.succeeded",
  "payment.declined",
  "deposit.succeeded",
];

/** The server writes a comment every 15 seconds; a longer silence is a dead connection. */
const longestSilenceMs = 40_000;
const restartMs = 3_000;

export interface EventListeners {
  readonly onEvent: (event: TapstoneEvent) => void;
  readonly onSync: () => void;
  /** The token is not known any more; the stream is over. */
  readonly onRefused: () => void;
}

export interface EventStream {
  /** Whether the stream is up; false from the start until the first connection. */
  readonly connected: ReadonlySignal<boolean>;
  close(): void;
}

export function openEventStream(token: string, listeners: EventListeners): EventStream {
  const connected = signal(false);
  let source: EventSource | null = null;
  let restart: ReturnType<typeof setTimeout> | undefined;
  let lastEventId: string | null = null;
  let heard = Date.now();

  const fetchWithToken: FetchLike = async (url, init) => {
    const resume = lastEventId === null ? {} : { "Last-Event-ID": lastEventId };
    const headers = { ...init?.headers, ...resume, Authorization: `Bearer ${token}` };
    const response = await fetch(url, { ...init, headers, cache: "no-store" } as RequestInit);
    if (response.status === 401) listeners.onRefused();
    return hearing(response, () => (heard = Date.now()));
  };

  function open(): void {
    source?.close();
    clearTimeout(restart);
    heard = Date.now();
    source = new EventSource("/v1/events", { fetch: fetchWithToken });
    source.addEventListener("open", () => {
      connected.value = true;
      listeners.onSync();
    });
    source.addEventListener("error", () => {
      connected.value = false;
      // The library reconnects by itself unless it was refused.
      if (source?.readyState === EventSource.CLOSED) restart = setTimeout(open, restartMs);
    });
    source.addEventListener("reset", listeners.onSync);
    for (const type of eventTypes) source.addEventListener(type, receive);
  }

  function receive(message: MessageEvent): void {
    if (message.lastEventId !== "") lastEventId = message.lastEventId;
    const { type, data } = readJson(String(message.data)) as TapstoneEvent;
    listeners.onEvent({ type, data } as TapstoneEvent);
  }

  const lose = () => {
    connected.value = false;
    source?.close();
  };
  const watchdog = setInterval(() => {
    if (Date.now() - heard < longestSilenceMs) return;
    lose();
    open();
  }, 5_000);
  addEventListener("offline", lose);
  addEventListener("online", open);
  open();

  return {
    connected,
    close() {
      lose();
      clearInterval(watchdog);
      clearTimeout(restart);
      removeEventListener("offline", lose);
      removeEventListener("online", open);
    },
  };
}

/** The same response, telling whenever bytes arrive, comments included. */
function hearing(response: Response, hear: () => void): Response {
  if (!response.body) return response;
  const listen = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      hear();
      controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  const heardResponse = new Response(response.body.pipeThrough(listen), { status, statusText, headers });
  // A constructed response has no URL, and the event source checks the origin of the one it is given.
  Object.defineProperty(heardResponse, "url", { value: response.url });
  return heardResponse;
}
