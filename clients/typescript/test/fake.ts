/** A server that answers as it is told, and remembers what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Turn = (response: ServerResponse, asked: Asked) => void;

/** Takes one turn for each request; the last one again and again. */
export async function fakeServer(...turns: Turn[]): Promise<{ baseUrl: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one = { method: request.method ?? "", url: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks).toString() };
      asked.push(one);
      turns[Math.min(asked.length, turns.length) - 1]?.(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

export const json = (body: string, status = 200): Turn => (response) => {
  response.writeHead(status, { "Content-Type": "application/json" }).end(body);
};

export const problem = (status: number, code: string, headers: Record<string, string> = {}, more: object = {}): Turn => (response) => {
  const document = { type: `urn:tapstone:problem:${code}`, title: "A title", status, code, detail: "What happened", request_id: "req_1", ...more };
  response.writeHead(status, { "Content-Type": "application/problem+json", ...headers }).end(JSON.stringify(document));
};

/** The request is done, and its answer is lost. */
export const drop: Turn = (response) => void response.destroy();
/** The answer is cut off in its middle. */
export const cut: Turn = (response) => {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "500" });
  response.write('{"id":"ord_', () => response.destroy());
};
export const silence: Turn = () => undefined;

/** A stream of events that ends after these chunks. */
export const stream = (...chunks: (string | Uint8Array)[]): Turn => (response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  for (const chunk of chunks) response.write(chunk);
  response.end();
};
