/** Today's payments, newest first, kept true by events and re-read on every reconnection. */
import { signal } from "@preact/signals";
import type { Money, Payment, TapstoneEvent } from "../shared/types.ts";
import { api } from "./session.ts";

const pageSize = 100;

export const payments = signal<readonly Payment[] | null>(null);
/** Whether all of today's payments are in the list, so that a sum may be shown. */
export const complete = signal(false);

export async function readPayments(): Promise<void> {
  const client = api.value;
  if (client === null) {
    payments.value = null;
    return;
  }
  try {
    const page = await client.payments(pageSize);
    if (client !== api.value) return;
    payments.value = page.data;
    complete.value = !page.has_more || page.data.some((payment) => !isToday(payment));
  } catch {
    // The connection's banner speaks; the list stays as it was.
  }
}

export function hearPayment(event: TapstoneEvent): void {
  if (event.type !== "payment.succeeded") return;
  const known = payments.value ?? [];
  if (!known.some(({ id }) => id === event.data.id)) payments.value = [event.data, ...known];
}

export function todaysPayments(): readonly Payment[] {
  return (payments.value ?? []).filter(isToday);
}

/** One sum per currency. */
export function totals(of: readonly Payment[]): Money[] {
  const sums = new Map<string, bigint>();
  for (const { amount } of of) sums.set(amount.currency, (sums.get(amount.currency) ?? 0n) + amount.amount);
  return Array.from(sums, ([currency, amount]) => ({ amount, currency }));
}

function isToday(payment: Payment): boolean {
  return new Date(payment.created_at).toDateString() === new Date().toDateString();
}
