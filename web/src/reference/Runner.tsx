/** Runs a call against this server and shows its answer as it comes. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Operation } from "../../../clients/generator/src/model.ts";
import { address, type Call } from "../../../clients/generator/src/samples.ts";
import { readJson } from "../../../clients/typescript/src/json.ts";
import { newKey } from "../shared/api.ts";
import { words } from "../shared/i18n/index.ts";
import { pretty } from "./pretty.ts";
import { rememberIds, token } from "./state.ts";

/** More than this of an answer is not shown. */
const mostShown = 100_000;

interface Shown {
  readonly status: number;
  readonly note: string;
  readonly text: string;
}

export function Runner({ operation, call }: { operation: Operation; call: Call }) {
  const { reference, common } = words.value;
  const shown = useSignal<Shown | null>(null);
  const failed = useSignal(false);
  const running = useSignal(false);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);

  async function run(): Promise<void> {
    stop.current = new AbortController();
    running.value = true;
    failed.value = false;
    shown.value = null;
    try {
      const response = await fetch(address(operation, call), { ...requestOf(operation, call), signal: stop.current.signal });
      await read(response, (answer) => (shown.value = answer));
    } catch {
      failed.value = !stop.current.signal.aborted;
    } finally {
      running.value = false;
    }
  }

  return (
    <div class="runner">
      {running.value ? (
        <button class="button" type="button" onClick={() => stop.current.abort()}>
          {reference.stop}
        </button>
      ) : (
        <button class="button primary" type="button" onClick={() => void run()}>
          {reference.run}
        </button>
      )}
      <div role="status">
        {failed.value && <p class="run-failed">{common.loadFailed}</p>}
        {shown.value && (
          <>
            <p class={`run-status ${shown.value.status < 400 ? "good" : "bad"}`}>
              <strong>{shown.value.status}</strong> <span class="soft small">{shown.value.note}</span>
            </p>
            <pre class="answer">
              <code>{shown.value.text}</code>
            </pre>
          </>
        )}
      </div>
    </div>
  );
}

function requestOf(operation: Operation, call: Call): RequestInit {
  const headers = new Headers({ Accept: operation.answer.mediaType || "*/*" });
  if (token.value !== "" && operation.security.length > 0) headers.set("Authorization", `Bearer ${token.value}`);
  if (operation.idempotent) headers.set("Idempotency-Key", newKey());
  if (operation.body === null || call.body === undefined) return { method: operation.method, headers, cache: "no-store" };
  headers.set("Content-Type", operation.body.mediaType);
  return { method: operation.method, headers, cache: "no-store", body: String(call.body) };
}

/** Shows the answer while it comes: a stream of events has no end. */
async function read(response: Response, show: (shown: Shown) => void): Promise<void> {
  const note = response.headers.get("Request-Id") ?? "";
  const type = response.headers.get("Content-Type") ?? "";
  const say = (text: string) => show({ status: response.status, note, text: text.slice(0, mostShown) });
  say("");
  if (type !== "" && !/json|text/.test(type)) return say(`${type}, ${(await response.blob()).size} bytes`);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) break;
    text += part.value;
    say(text);
  }
  if (!/json/.test(type)) return;
  const value = readJson(text, new Set());
  if (response.ok) rememberIds(value);
  say(pretty(value));
}
