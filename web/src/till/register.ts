/**
 * The till's state machine: from the keypad to the money. Events make it quick; the server's order makes
 * it right: the order is read again when waiting starts, after every reconnection, and while there is no
 * stream, so that the screen is never wrong for long.
 */
import { computed, effect, signal, untracked } from "@preact/signals";
import { type Api, newKey } from "../shared/api.ts";
import { serverNow } from "../shared/clock.ts";
import { ApiProblem, type ProblemCode } from "../shared/problems.ts";
import type { Trouble } from "../shared/retry.ts";
import type { Money, Order, Tag, TapstoneEvent } from "../shared/types.ts";
import { clearDraft, description, entry } from "./draft.ts";
import { connected } from "./live.ts";
import { api, loadShop, signOut, tag } from "./session.ts";

export type RegisterState =
  /** At rest: the keypad, or a standing tag's screen. */
  | { readonly at: "ready" }
  | { readonly at: "sending"; readonly trouble: Trouble | null }
  | { readonly at: "busy"; readonly order: string }
  | { readonly at: "waiting"; readonly order: Order }
  | { readonly at: "paid"; readonly amount: Money }
  | { readonly at: "closed"; readonly status: "cancelled" | "expired" };

/** What just happened at the tag. */
export type Word =
  | { readonly kind: "touched" }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "declined"; readonly reason: string }
  | { readonly kind: "problem"; readonly code: ProblemCode; readonly requestId: string | null };

const checkMs = 5_000;
const showPaidMs = 10_000;
const showClosedMs = 8_000;
/** A touch that nobody confirmed in this time has run out. */
const showWordMs = 120_000;

export const state = signal<RegisterState>({ at: "ready" });
export const word = signal<Word | null>(null);
/** Whether a cancellation is on its way. */
export const cancelling = signal(false);

/** Asks for the amount; without one the customer types it. */
export async function ask(amount: Money | null): Promise<void> {
  const [client, at] = [api.value, tag.value];
  if (client === null || at === null || state.value.at !== "ready") return;
  word.value = null;
  state.value = { at: "sending", trouble: null };
  const about = description.value.trim() === "" ? {} : { description: description.value.trim() };
  const price = amount === null ? { currency: at.currency } : { amount };
  const untilAnswered = (trouble: Trouble | null) => void (state.value = { at: "sending", trouble });
  sending = new AbortController();
  const { signal } = sending;
  try {
    const order = await client.createOrder({ tag: at.id, ...price, ...about }, newKey(), { untilAnswered, signal });
    clearDraft();
    wait(order);
  } catch (error) {
    if (error instanceof ApiProblem && error.code === "tag_busy" && typeof error.members["order"] === "string") {
      state.value = { at: "busy", order: error.members["order"] };
    } else if (!signal.aborted) {
      backWith(error);
    }
  }
}

let sending = new AbortController();

/** Stops sending. Should the server have heard it all the same, the order is found waiting at the tag. */
export function giveUpSending(): void {
  sending.abort();
  rest();
}

/** Takes up the order that waits at the tag, if there is one: after a reload, or made elsewhere. */
export async function takeUpWaiting(): Promise<void> {
  const [client, at] = [api.value, tag.value];
  if (client === null || at?.waiting_order == null || state.value.at !== "ready") return;
  try {
    const order = await client.order(at.waiting_order);
    if (order.status === "open" && isAtRest()) wait(order);
  } catch {
    // It is asked for again after the next connection.
  }
}

/** Goes on with the order that made the tag busy. */
export async function resumeBusy(): Promise<void> {
  if (state.value.at === "busy" && api.value !== null) await takeUp(api.value, state.value.order);
}

async function takeUp(client: Api, id: string): Promise<void> {
  try {
    const order = await client.order(id);
    if (order.status === "open") wait(order);
    else await settle(client, order);
  } catch (error) {
    backWith(error);
  }
}

/** Cancels the order that waits, or the one that made the tag busy. A customer may be quicker: then it is paid. */
export async function cancel(): Promise<void> {
  const client = api.value;
  const id = waitingOrder() ?? (state.value.at === "busy" ? state.value.order : null);
  if (client === null || id === null || cancelling.value) return;
  const wasBusy = state.value.at === "busy";
  cancelling.value = true;
  try {
    await client.cancelOrder(id, newKey(), { untilAnswered: () => undefined });
    if (wasBusy) rest();
    else if (waitingOrder() === id) close("cancelled");
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 409) await takeUp(client, id);
    else backWith(error);
  } finally {
    cancelling.value = false;
  }
}

/** Back to the keypad. */
export function rest(): void {
  clearTimeout(returning);
  state.value = { at: "ready" };
  word.value = null;
}

/** Takes a live event. */
export function hear(event: TapstoneEvent): void {
  const at = tag.value;
  if (at === null) return;
  switch (event.type) {
    case "order.created":
      // Made by the shop's own system: this screen is its display, unless the cashier is typing.
      if (event.data.tag === at.id && state.value.at === "ready" && entry.value === "") wait(event.data);
      return;
    case "order.cancelled":
    case "order.expired":
      if (event.data.id === waitingOrder()) close(event.type === "order.expired" ? "expired" : "cancelled");
      return;
    case "payment.succeeded":
      if (event.data.order === null ? isStanding(at, event.data.tag) : event.data.order === waitingOrder())
        celebrate(event.data.amount);
      return;
    case "tap.accepted":
      if (event.data.tag === at.id) say({ kind: "touched" });
      return;
    case "tap.refused":
      if (event.data.tag === at.id) say({ kind: "refused", reason: event.data.reason });
      return;
    case "payment.declined":
      if (event.data.tag === at.id) say({ kind: "declined", reason: event.data.reason });
      return;
    case "deposit.succeeded":
      return;
  }
}

function isStanding(at: Tag, eventTag: string): boolean {
  return at.mode === "standing" && eventTag === at.id;
}

/** Reads the waiting order again, and shows what has become of it. */
export async function check(): Promise<void> {
  const client = api.value;
  const id = waitingOrder();
  if (client === null || id === null) return;
  try {
    const order = await client.order(id);
    if (waitingOrder() === id) await settle(client, order);
  } catch (error) {
    // No network is the banner's matter; the next check comes.
    if (error instanceof ApiProblem && error.code === "unauthenticated") signOut("refused");
  }
}

/** After a (re)connection: what was missed meanwhile. */
export async function catchUp(): Promise<void> {
  if (waitingOrder() !== null) return check();
  await loadShop();
  if (entry.value === "") await takeUpWaiting();
}

async function settle(client: Api, order: Order): Promise<void> {
  if (order.status === "cancelled" || order.status === "expired") return close(order.status);
  if (order.status === "open") return;
  // Money that is not known to be there is not celebrated.
  if (order.status === "held" && order.payment !== null && (await client.payment(order.payment)).status !== "authorized") return;
  const amount = order.amount_paid ?? (order.payment === null ? null : (await client.payment(order.payment)).amount);
  if (amount !== null) celebrate(amount);
}

function wait(order: Order): void {
  clearTimeout(returning);
  word.value = null;
  state.value = { at: "waiting", order };
  // It may have been paid before this screen knew its id.
  void check();
}

function celebrate(amount: Money): void {
  word.value = null;
  state.value = { at: "paid", amount };
  restAfter(showPaidMs);
}

function close(status: "cancelled" | "expired"): void {
  word.value = null;
  state.value = { at: "closed", status };
  restAfter(showClosedMs);
}

function say(next: Word): void {
  if (state.value.at !== "waiting" && state.value.at !== "ready") return;
  word.value = next;
  clearTimeout(fading);
  fading = setTimeout(() => (word.value = null), showWordMs);
}

function backWith(error: unknown): void {
  rest();
  const code = error instanceof ApiProblem ? error.code : "overloaded";
  if (code === "unauthenticated") signOut("refused");
  else word.value = { kind: "problem", code, requestId: error instanceof ApiProblem ? error.requestId : null };
}

/** Asked after an await, when the state may be another than before it. */
function isAtRest(): boolean {
  return state.value.at === "ready";
}

function waitingOrder(): string | null {
  return state.value.at === "waiting" ? state.value.order.id : null;
}

let returning: ReturnType<typeof setTimeout> | undefined;
let fading: ReturnType<typeof setTimeout> | undefined;

function restAfter(ms: number): void {
  clearTimeout(returning);
  returning = setTimeout(rest, ms);
}

setInterval(() => {
  const now = state.value;
  if (now.at !== "waiting") return;
  const overdue = Date.parse(now.order.expires_at) <= serverNow();
  if (overdue || !connected.value) void check();
}, checkMs);

// Another shop or tag: whatever was on the screen was the old one's.
const tagId = computed(() => tag.value?.id);
effect(() => {
  void tagId.value;
  untracked(rest);
});
