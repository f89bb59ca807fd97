/** A shopper of the demonstration, who pays whatever is asked at a counter. */
import { Tapstone } from "../src/index.ts";

export interface World {
  readonly merchants: readonly { readonly name: string; readonly key: string; readonly tags: readonly { readonly id: string; readonly mode: string }[] }[];
  readonly wallets: readonly { readonly name: string; readonly token: string }[];
}

export async function worldOf(baseUrl: string): Promise<World> {
  return (await (await fetch(`${baseUrl}/demo/world`)).json()) as World;
}

/** What a phone reads from the tag. */
export async function touch(baseUrl: string, tag: string): Promise<string> {
  const answer = await fetch(`${baseUrl}/demo/tags/${tag}/touch`, { method: "POST" });
  return ((await answer.json()) as { url: string }).url;
}

/** Pays every open order, and makes one where there is none, until told to stop. */
export async function keepPaying(merchant: Tapstone, wallet: Tapstone, spareTag: string, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    const open = await merchant.orders.list({ status: "open" });
    if (open.data.length === 0) await merchant.orders.create({ tag: spareTag, amount: { amount: 100n, currency: "CNY" } });
    for (const { tag } of open.data) {
      const tap = await wallet.taps.open({ url: await touch(merchant.baseUrl, tag) }).catch(() => null);
      // Somebody may have cancelled it meanwhile.
      if (tap) await wallet.payments.create({ tap: tap.id }).catch(() => null);
    }
  }
}
