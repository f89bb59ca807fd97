import assert from "node:assert/strict";
import { test } from "node:test";
import { messages } from "../src/events.ts";
import { ForbiddenError, Tapstone } from "../src/index.ts";
import { drop, fakeServer, problem, stream, type Turn } from "./fake.ts";

const event = (id: string, type = "order.created") => `id: ${id}\nevent: ${type}\ndata: {"id":"${id}","type":"${type}","created_at":"","data":{"amount":9007199254740993}}\n\n`;
const gone: Turn = (response) => void response.writeHead(204).end();
const client = (baseUrl: string) => new Tapstone({ baseUrl, token: "mk_1" });

test("it resumes after the last event, through drops and refusals", async () => {
  const { baseUrl, asked } = await fakeServer(stream("retry: 10\n\n", event("1"), ":\n\n", event("2")), drop, problem(503, "overloaded"), stream(event("3"), "id: 4\ndata: cut o"), gone);
  const heard: string[] = [];
  const events = client(baseUrl).events.listen({ lastEventId: "0" });
  for await (const { id, data } of events) {
    heard.push(id);
    assert.deepEqual(data, { amount: 9007199254740993n });
  }
  assert.deepEqual(heard, ["1", "2", "3"]);
  assert.deepEqual(asked.map(({ headers }) => headers["last-event-id"]), ["0", "2", "2", "2", "3"]);
  assert.equal(asked[0]?.headers.authorization, "Bearer mk_1");
  assert.equal(events.lastEventId, "3");
});

test("a silence is a dead connection", async () => {
  const mute: Turn = (response) => void response.writeHead(200, { "Content-Type": "text/event-stream" }).write("retry: 10\n\n");
  const { baseUrl, asked } = await fakeServer(mute, stream(event("1")), gone);
  const heard: string[] = [];
  for await (const { id } of client(baseUrl).events.listen({ silenceMs: 50 })) heard.push(id);
  assert.deepEqual(heard, ["1"]);
  assert.equal(asked.length, 3);
});

test("what the caller must change is thrown", async () => {
  const { baseUrl } = await fakeServer(problem(403, "forbidden"));
  await assert.rejects(client(baseUrl).events.listen()[Symbol.asyncIterator]().next(), ForbiddenError);
});

test("leaving and aborting end it", async () => {
  const open: Turn = (response) => void response.writeHead(200, { "Content-Type": "text/event-stream" }).write(event("1"));
  const { baseUrl } = await fakeServer(open);
  for await (const { id } of client(baseUrl).events.listen()) {
    assert.equal(id, "1");
    break;
  }
  const abort = new AbortController();
  const heard: string[] = [];
  for await (const { id } of client(baseUrl).events.listen({ signal: abort.signal })) {
    heard.push(id);
    setTimeout(() => abort.abort(), 20);
  }
  assert.deepEqual(heard, ["1"]);
});

test("streams are taken apart as the standard says, however they are cut", async () => {
  const text = '\ufeffdata: a\r\ndata:b\r\n\r\nid: 1\0\nid:2\nevent: x\ndata: ü\n\n: comment\n\nretry: 5\nretry: soon\n\ndata\n\nid: 9\ndata: unfinished\n';
  const bytes = new TextEncoder().encode(text);
  const expected = [
    { type: "message", data: "a\nb", id: null, retryMs: null },
    { type: "x", data: "ü", id: "2", retryMs: null },
    { type: "message", data: "", id: null, retryMs: null },
    { type: "message", data: "", id: null, retryMs: 5 },
    { type: "message", data: "", id: null, retryMs: null },
  ];
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const read = [];
    for await (const message of messages(cutInto(bytes, size))) read.push(message);
    assert.deepEqual(read, expected, `in parts of ${size}`);
  }
});

async function* cutInto(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.slice(start, start + size);
}
