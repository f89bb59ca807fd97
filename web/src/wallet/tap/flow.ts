/**
 * One tap, from the tag's link to the receipt, as a state machine. It promises that a link is posted
 * and a payment is asked for at most once: each has an idempotency key that stays in the tab's storage
 * until an answer came, so that a double press, a retry or a reload repeats the same request.
 */
import { signal } from "@preact/signals";
import type { Api } from "../../shared/api.ts";
import { newKey } from "../../shared/api.ts";
import { serverNow } from "../../shared/clock.ts";
import { readJson, writeJson } from "../../shared/json.ts";
import { ApiProblem, type ProblemCode } from "../../shared/problems.ts";
import { pause, type Trouble } from "../../shared/retry.ts";
import { keptInTab } from "../../shared/storage.ts";
import type { Balance, Money, Payment, Tap } from "../../shared/types.ts";
import { leaveTapAddress, links, showTapInAddress, type Arrival } from "../router.ts";

export type TapState =
  | { readonly at: "nowhere" }
  | { readonly at: "reading"; readonly trouble: Trouble | null }
  | { readonly at: "no_amount_yet"; readonly trouble: Trouble | null }
  | { readonly at: "still_no_amount"; readonly url: string }
  | { readonly at: "confirming"; readonly tap: Tap; readonly balances: readonly Balance[] | null }
  | { readonly at: "paying"; readonly tap: Tap; readonly amount: Money; readonly trouble: Trouble | null }
  | { readonly at: "paid"; readonly payment: Payment }
  | { readonly at: "failed"; readonly code: ProblemCode; readonly requestId: string | null; readonly gap: Gap | null; readonly retry: (() => void) | null };

/** What a balance lacks. */
export interface Gap {
  readonly available: Money;
  readonly needed: Money;
  readonly missing: Money;
}

interface SentPayment {
  readonly key: string;
  readonly amount: Money;
}

const askAgainMs = 1_500;
const askAtMostMs = 120_000;

export const state = signal<TapState>({ at: "nowhere" });

let current = new AbortController();

/** Starts with what the address brought. */
export function begin(api: Api, arrived: Arrival): void {
  current.abort();
  current = new AbortController();
  if (arrived === null) state.value = { at: "nowhere" };
  else if ("url" in arrived) void watch(openLink(api, arrived.url, current.signal));
  else void watch(resume(api, arrived.tap, current.signal));
}

/** Goes back to the wallet. */
export function leave(): void {
  current.abort();
  state.value = { at: "nowhere" };
  leaveTapAddress();
}

/** The payer confirms: nothing is paid before this. A second press while paying does nothing. */
export function confirm(api: Api, tap: Tap, amount: Money): void {
  if (state.value.at === "confirming") void watch(pay(api, tap, amount, current.signal));
}

/** The time to confirm is over: the order's or the tap's, whichever ends first. */
export function timeIsUp(tap: Tap): void {
  if (state.value.at !== "confirming") return;
  const orderEnded = tap.order !== null && Date.parse(tap.order.expires_at) <= serverNow();
  fail(orderEnded ? "order_expired" : "tap_expired");
}

async function openLink(api: Api, url: string, signal: AbortSignal): Promise<void> {
  const giveUpAt = Date.now() + askAtMostMs;
  state.value = { at: "reading", trouble: null };
  for (;;) {
    const untilAnswered = (trouble: Trouble | null) => {
      if (state.value.at === "reading" || state.value.at === "no_amount_yet") state.value = { ...state.value, trouble };
    };
    try {
      const tap = await api.openTap(url, keyOfLink(url), { signal, untilAnswered });
      keptLink.forget();
      showTapInAddress(tap.id);
      return showTap(api, tap, signal);
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      // The shop has not asked yet: the same question, under the same key, is answered once it has.
      if (!error.undecided && error.code !== "nothing_to_pay") keptLink.forget();
      if (error.code !== "nothing_to_pay") {
        // The link was refused for good: a reload must not post it again. After signing in it may be.
        if (!error.undecided && error.code !== "unauthenticated") leaveTapAddress();
        return failWith(error, () => void watch(openLink(api, url, signal)));
      }
    }
    if (Date.now() > giveUpAt) return void (state.value = { at: "still_no_amount", url });
    state.value = { at: "no_amount_yet", trouble: null };
    await pause(askAgainMs, signal);
  }
}

/** Asks once more for two minutes, after `still_no_amount`. */
export function askAgain(api: Api, url: string): void {
  begin(api, { url });
}

async function resume(api: Api, id: string, signal: AbortSignal): Promise<void> {
  state.value = { at: "reading", trouble: null };
  const untilAnswered = (trouble: Trouble | null) => void (state.value = { at: "reading", trouble });
  try {
    const tap = await api.tap(id, { signal, untilAnswered });
    const sent = keptPayment(id).read();
    if (sent === null) return showTap(api, tap, signal);
    return pay(api, tap, (readJson(sent) as SentPayment).amount, signal);
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    failWith(error, () => void watch(resume(api, id, signal)));
  }
}

async function showTap(api: Api, tap: Tap, signal: AbortSignal): Promise<void> {
  state.value = { at: "confirming", tap, balances: null };
  try {
    const balances = await api.balances();
    if (!signal.aborted && state.value.at === "confirming") state.value = { at: "confirming", tap, balances };
  } catch {
    // The balance is a courtesy here; the server decides.
  }
}

async function pay(api: Api, tap: Tap, amount: Money, signal: AbortSignal): Promise<void> {
  const { key } = rememberPayment(tap.id, amount);
  state.value = { at: "paying", tap, amount, trouble: null };
  const untilAnswered = (trouble: Trouble | null) => void (state.value = { at: "paying", tap, amount, trouble });
  try {
    const payment = await api.pay({ tap: tap.id, amount }, key, { signal, untilAnswered });
    keptPayment(tap.id).forget();
    leaveTapAddress(links.receipt(payment.id));
    state.value = { at: "paid", payment };
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    if (!error.undecided) keptPayment(tap.id).forget();
    failWith(error, () => void watch(pay(api, tap, amount, signal)), await gapOf(api, error, amount));
  }
}

async function gapOf(api: Api, error: ApiProblem, needed: Money): Promise<Gap | null> {
  if (error.code !== "insufficient_funds") return null;
  try {
    const balances = await api.balances();
    const available = balances.find((balance) => balance.currency === needed.currency)?.available ?? 0n;
    const ofCurrency = (amount: bigint) => ({ amount, currency: needed.currency });
    return { available: ofCurrency(available), needed, missing: ofCurrency(needed.amount - available) };
  } catch {
    return null;
  }
}

function failWith(error: ApiProblem, retry: () => void, gap: Gap | null = null): void {
  const requestId = error.code === "unknown" ? error.requestId : null;
  fail(error.code, requestId, gap, error.undecided ? retry : null);
}

function fail(code: ProblemCode, requestId: string | null = null, gap: Gap | null = null, retry: (() => void) | null = null): void {
  state.value = { at: "failed", code, requestId, gap, retry };
}

/** A step ends quietly when its screen was left, and in words for anything else. */
async function watch(step: Promise<void>): Promise<void> {
  const { signal } = current;
  try {
    await step;
  } catch {
    if (!signal.aborted) fail("unknown");
  }
}

const keptLink = keptInTab("link");

function keyOfLink(url: string): string {
  const [key, keptUrl] = keptLink.read()?.split(" ", 2) ?? [];
  if (key !== undefined && keptUrl === url) return key;
  const fresh = newKey();
  keptLink.write(`${fresh} ${url}`);
  return fresh;
}

const keptPayment = (tap: string) => keptInTab(`payment.${tap}`);

/** The payment that was sent for the tap before, or this one, kept from now on. */
function rememberPayment(tap: string, amount: Money): SentPayment {
  const kept = keptPayment(tap).read();
  if (kept !== null) return readJson(kept) as SentPayment;
  const sent = { key: newKey(), amount };
  keptPayment(tap).write(writeJson(sent));
  return sent;
}
