/** The objects of the HTTP contract (v1), as they are after `json.ts` has read them: amounts are exact. */

export interface Money {
  /** Minor units of the currency (ISO 4217), up to 2^63 - 1: a bigint, since a double would lose units. */
  readonly amount: bigint;
  readonly currency: string;
}

export interface Named {
  readonly id: string;
  readonly name: string;
  readonly name_zh: string | null;
}

export interface Store extends Named {
  readonly address: string | null;
}

export type OrderStatus = "open" | "held" | "paid" | "cancelled" | "expired";

export interface Order {
  readonly id: string;
  readonly merchant: string;
  readonly tag: string;
  readonly status: OrderStatus;
  /** null: the payer types it. */
  readonly amount: Money | null;
  readonly currency: string;
  readonly description: string | null;
  readonly reference: string | null;
  readonly payment: string | null;
  readonly amount_paid: Money | null;
  readonly created_at: string;
  readonly expires_at: string;
  readonly closed_at: string | null;
}

export interface TapOrder {
  readonly id: string;
  readonly amount: Money | null;
  readonly currency: string;
  readonly description: string | null;
  readonly expires_at: string;
}

export interface Tap {
  readonly id: string;
  readonly wallet: string;
  readonly tag: string;
  readonly label: string;
  readonly merchant: Named;
  readonly store: Store;
  /** null: a standing tag, where the payer types the amount. */
  readonly order: TapOrder | null;
  readonly currency: string;
  readonly created_at: string;
  readonly expires_at: string;
}

export interface Payment {
  readonly id: string;
  readonly status: "succeeded" | "authorized" | "processing" | "cancelled" | "failed";
  readonly wallet: string;
  readonly merchant: Named;
  readonly store: Store;
  readonly tag: string;
  readonly tap: string;
  readonly order: string | null;
  readonly description: string | null;
  readonly amount: Money;
  readonly created_at: string;
}

export interface Balance {
  readonly currency: string;
  readonly available: bigint;
}

export interface Wallet extends Named {
  readonly balances: readonly Balance[];
  readonly created_at: string;
}

export interface HistoryEntry {
  readonly id: string;
  readonly type: "payment" | "deposit" | "hold" | "release" | "refund" | "dispute";
  readonly direction: "debit" | "credit";
  readonly amount: Money;
  readonly balance_after: Money;
  readonly payment: string | null;
  readonly merchant: Named | null;
  readonly created_at: string;
}

export interface Tag {
  readonly id: string;
  readonly label: string;
  readonly merchant: string;
  readonly store: Store;
  readonly till: { readonly id: string; readonly name: string } | null;
  readonly mode: "till" | "standing";
  readonly currency: string;
  readonly active: boolean;
  readonly waiting_order: string | null;
}

export interface Page<Item> {
  readonly data: readonly Item[];
  readonly has_more: boolean;
}

export interface DemoWorld {
  readonly merchants: readonly (Named & {
    readonly key: string;
    readonly tags: readonly { readonly id: string; readonly label: string; readonly mode: Tag["mode"] }[];
  })[];
  readonly wallets: readonly (Named & { readonly token: string })[];
}

/** The events of `GET /v1/events`, by type. */
export interface EventData {
  "order.created": Order;
  "order.cancelled": Order;
  "order.expired": Order;
  "tap.accepted": { readonly tap: string; readonly tag: string; readonly order: string | null };
  "tap.refused": { readonly tag: string; readonly reason: string };
  "payment.succeeded": Payment;
  "payment.declined": {
    readonly tag: string;
    readonly tap: string;
    readonly order: string | null;
    readonly reason: string;
  };
  "deposit.succeeded": { readonly wallet: string; readonly amount: Money };
}

export type EventType = keyof EventData;

export type TapstoneEvent = {
  readonly [Type in EventType]: { readonly type: Type; readonly data: EventData[Type] };
}[EventType];
