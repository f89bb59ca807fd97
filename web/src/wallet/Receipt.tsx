/** A payment's receipt: right after paying, and later from the history. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { formatDateTime, nameOf, words } from "../shared/i18n/index.ts";
import { ApiProblem, type ProblemCode } from "../shared/problems.ts";
import type { Payment } from "../shared/types.ts";
import { Amount } from "../shared/ui/Amount.tsx";
import { Loading, Notice, ScreenTitle } from "../shared/ui/common.tsx";
import { BackIcon, CrossIcon, DrawnTick } from "../shared/ui/icons.tsx";
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

/** Time between two questions what has become of a payment that is under way. */
const askEveryMs = 1_500;

/** Right after paying. A payment that others still have to answer for is asked after until it is known. */
export function PaidScreen({ payment: first, onDone }: { payment: Payment; onDone: () => void }) {
  const { common } = words.value;
  const payment = useSignal(first);
  const isUnderWay = payment.value.status === "processing";

  useEffect(() => {
    if (!isUnderWay) return;
    const stop = new AbortController();
    const timer = setInterval(() => {
      api.value
        ?.payment(first.id, { signal: stop.signal })
        .then((found) => (payment.value = found))
        .catch(() => undefined); // It is asked again.
    }, askEveryMs);
    return () => {
      clearInterval(timer);
      stop.abort();
    };
  }, [first.id, isUnderWay]);

  return (
    <main class="tap-screen paid">
      <Receipt payment={payment.value} title={<Outcome status={payment.value.status} />} />
      <button class="button primary big" type="button" onClick={onDone}>
        {common.done}
      </button>
    </main>
  );
}

/** What has become of it, in words that promise no more than is known. */
function Outcome({ status }: { status: Payment["status"] }) {
  const { tap } = words.value;
  switch (status) {
    case "succeeded":
      return (
        <>
          <DrawnTick />
          <ScreenTitle>{tap.paidTitle}</ScreenTitle>
        </>
      );
    case "authorized":
      return (
        <>
          <DrawnTick />
          <ScreenTitle>{tap.heldTitle}</ScreenTitle>
          <p class="soft">{tap.heldText}</p>
        </>
      );
    case "processing":
      return (
        <div class="outcome" role="status">
          <span class="badge large">
            <span class="spinner" />
          </span>
          <ScreenTitle>{tap.underWayTitle}</ScreenTitle>
          <p class="soft">{tap.underWayText}</p>
        </div>
      );
    case "cancelled":
    case "failed":
      return (
        <div class="outcome" role="alert">
          <span class="badge large tone-warn">
            <CrossIcon size={36} />
          </span>
          <ScreenTitle>{tap.notPaidTitle}</ScreenTitle>
          <p class="soft">{tap.notPaidText}</p>
        </div>
      );
  }
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
