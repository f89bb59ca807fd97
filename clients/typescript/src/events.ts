/**
 * Server-sent events (the HTML standard, section 9.2), as an endless iteration. It comes back after errors, refusals of
 * a busy server and silences, and resumes after the last event heard. It ends when it is left (`break`), when its
 * signal is aborted, or when the server says that there is nothing more (204); what the caller must change is thrown.
 */
import { ApiError } from "./errors.ts";
import { mayPass, pause, waitMs } from "./retry.ts";

/** The server writes a comment every 15 seconds. */
const defaultSilenceMs = 40_000;

export interface EventSourceOptions<Event> {
  readonly connect: (lastEventId: string | null, signal: AbortSignal) => Promise<Response>;
  readonly read: (data: string) => Event;
  readonly lastEventId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly silenceMs?: number | undefined;
}

export class EventStream<Event> implements AsyncIterable<Event> {
  readonly #options: EventSourceOptions<Event>;
  #lastEventId: string | null;
  #retryMs = 1_000;

  constructor(options: EventSourceOptions<Event>) {
    this.#options = options;
    this.#lastEventId = options.lastEventId ?? null;
  }

  /** The id of the last event heard: what to resume after. */
  get lastEventId(): string | null {
    return this.#lastEventId;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    const { signal } = this.#options;
    for (let failures = 0; signal?.aborted !== true; ) {
      const connection = new AbortController();
      const stop = () => connection.abort();
      signal?.addEventListener("abort", stop);
      let trouble: unknown = null;
      try {
        const response = await this.#options.connect(this.#lastEventId, connection.signal);
        if (response.status === 204 || response.body === null) return;
        for await (const message of messages(this.#hear(response.body, connection))) {
          failures = 0;
          if (message.retryMs !== null) this.#retryMs = message.retryMs;
          if (message.id !== null) this.#lastEventId = message.id;
          if (message.data !== "") yield this.#options.read(message.data);
        }
      } catch (error) {
        trouble = error;
        if (error instanceof SyntaxError || (error instanceof ApiError && !mayPass(error))) throw error;
      } finally {
        connection.abort();
        signal?.removeEventListener("abort", stop);
      }
      if (signal?.aborted) return;
      failures++;
      await pause(failures === 1 && trouble === null ? this.#retryMs : waitMs(failures + 1, trouble), signal).catch(() => undefined);
    }
  }

  /** The body's bytes; a silence aborts the connection. */
  async *#hear(body: ReadableStream<Uint8Array>, connection: AbortController): AsyncGenerator<Uint8Array> {
    const reader = body.getReader();
    for (;;) {
      const timer = setTimeout(() => connection.abort(), this.#options.silenceMs ?? defaultSilenceMs);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) return;
      yield value;
    }
  }
}

/** What an empty line ends. */
export interface Message {
  readonly type: string;
  readonly data: string;
  readonly id: string | null;
  readonly retryMs: number | null;
}

/** Takes a stream apart into messages. What the stream's end cuts off is left out. */
export async function* messages(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Message> {
  const decoder = new TextDecoder();
  let rest = "";
  let lines: string[] = [];
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    // A carriage return at the end may be the first half of a line's end.
    const held = rest.endsWith("\r") ? "\r" : "";
    const complete = rest.slice(0, rest.length - held.length).split(/\r\n|\n|\r/);
    rest = (complete.pop() ?? "") + held;
    for (const line of complete) {
      if (line !== "") {
        lines.push(line);
      } else if (lines.length > 0) {
        yield messageOf(lines);
        lines = [];
      }
    }
  }
}

function messageOf(lines: readonly string[]): Message {
  let type = "message";
  let id: string | null = null;
  let retryMs: number | null = null;
  const data: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) id = value;
    else if (field === "retry" && /^\d+$/.test(value)) retryMs = Number(value);
  }
  return { type, data: data.join("\n"), id, retryMs };
}
