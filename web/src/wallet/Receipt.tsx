/** A payment's receipt: right after paying, and later from the history. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { formatDateTime, nameOf, words } from "../shared/i18n/index.ts";
import { ApiProblem, type ProblemCode } from "../shared/problems.ts";
import type { Payment } from "../shared/types.ts";
import { Amount } from "../shared/ui/Amount.tsx";
import { Loading, Notice, ScreenTitle } from "../shared/ui/common.tsx";
import { BackIcon, DrawnTick } from "../shared/ui/icons.tsx";
import { links } from "./router.ts";
import { api } from "./session.ts";

export function Receipt({ payment, title }: { payment: Payment; title: ComponentChildren }) {
  const { tap } = words.value;
  return (
    <article class="receipt">
      <div class="receipt-head">
        {title}
        <Amount money={payment.amount} huge />
        <p class="receipt-shop">{nameOf(payment.merchant)}</p>
      </div>
      <dl>
        <Line name={tap.shop}>{nameOf(payment.store)}</Line>
        {payment.store.address !== null && <Line name={tap.address}>{payment.store.address}</Line>}
        {payment.description !== null && <Line name={tap.forWhat}>{payment.description}</Line>}
        <Line name={tap.time}>
          <time dateTime={payment.created_at}>{formatDateTime(payment.created_at)}</time>
        </Line>
        <Line name={tap.paymentId}>
          <span class="identifier">{payment.id}</span>
        </Line>
      </dl>
    </article>
  );
}

function Line({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Right after paying. */
export function PaidScreen({ payment, onDone }: { payment: Payment; onDone: () => void }) {
  const { common, tap } = words.value;
  return (
    <main class="tap-screen paid">
      <Receipt
        payment={payment}
        title={
          <>
            <DrawnTick />
            <ScreenTitle>{tap.paidTitle}</ScreenTitle>
          </>
        }
      />
      <button class="button primary big" type="button" onClick={onDone}>
        {common.done}
      </button>
    </main>
  );
}

/** From the history. */
export function ReceiptScreen({ payment: id }: { payment: string }) {
  const { common, wallet, problems } = words.value;
  const payment = useSignal<Payment | null>(null);
  const failure = useSignal<ProblemCode | null>(null);

  useEffect(() => {
    payment.value = null;
    failure.value = null;
    const stop = new AbortController();
    api.value
      ?.payment(id, { signal: stop.signal })
      .then((found) => (payment.value = found))
      .catch((error: unknown) => {
        if (!stop.signal.aborted) failure.value = error instanceof ApiProblem ? error.code : "overloaded";
      });
    return () => stop.abort();
  }, [id]);

  return (
    <main class="section">
      <header class="back-bar">
        <a class="icon-button" href={links.activity} aria-label={common.back}>
          <BackIcon />
        </a>
        <ScreenTitle>{wallet.receipt}</ScreenTitle>
      </header>
      {failure.value !== null && <Notice tone="bad" title={problems[failure.value].title} />}
      {payment.value === null ? failure.value === null && <Loading /> : <Receipt payment={payment.value} title={null} />}
    </main>
  );
}
