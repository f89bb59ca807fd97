import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readApi } from "../src/model.ts";
import { camelCase, snakeCase } from "../src/names.ts";
import { pythonResources, pythonTypes } from "../src/python.ts";
import { shapeOf, type Json } from "../src/shape.ts";
import { curlSample, exampleCall } from "../src/samples.ts";
import { typescriptResources, typescriptTypes } from "../src/typescript.ts";

const parameter = (name: string, where: string, schema: Json, required = false) => ({ name, in: where, required, schema });
const answer = (content: Json) => ({ "200": { description: "", content } });
const json = (name: string) => ({ "application/json": { schema: { $ref: `#/components/schemas/${name}` } } });
const key = parameter("Idempotency-Key", "header", { type: "string" });

/** What the platform's own description does not have yet, or may have one day. */
const document = {
  openapi: "3.1.0",
  tags: [{ name: "webhook_endpoints", description: "Where events go." }],
  paths: {
    "/v1/webhook_endpoints": {
      get: {
        operationId: "listWebhookEndpoints",
        tags: ["webhook_endpoints"],
        parameters: [parameter("starting_after", "query", { type: "string" }), parameter("since", "query", { type: ["integer", "null"], format: "int64" }, true)],
        responses: answer({ ...json("EndpointList"), "text/csv": { schema: { type: "string" } }, "application/pdf": {}, "text/event-stream": { schema: { type: "object", properties: { data: { type: "string", contentSchema: { $ref: "#/components/schemas/Endpoint" } } } } } }),
        security: [{ merchant_key: ["read", "write"] }, { operator_key: [] }],
      },
    },
    "/v1/webhook_endpoints/{endpoint_id}": {
      parameters: [parameter("endpoint_id", "path", { type: "string" }, true)],
      post: { operationId: "updateWebhookEndpoint", tags: ["webhook_endpoints"], parameters: [key], requestBody: { required: true, content: json("Change") }, responses: answer(json("Endpoint")) },
      delete: { operationId: "deleteWebhookEndpoint", tags: ["webhook_endpoints"], responses: { "204": { description: "" } } },
    },
    "/v1/imports": {
      post: { operationId: "importWorld", tags: ["imports"], requestBody: { required: true, content: { "text/csv": { schema: { type: "string" } } } }, responses: answer(json("Endpoint")) },
    },
  },
  components: {
    schemas: {
      Endpoint: {
        allOf: [
          { $ref: "#/components/schemas/Named" },
          { type: "object", required: ["from", "state"], properties: { from: { type: "integer", format: "int64" }, state: { $ref: "#/components/schemas/State" }, sizes: { type: "array", items: { type: "integer", format: "int64" } } } },
        ],
      },
      Named: { type: "object", required: ["id"], properties: { id: { type: "string" }, from: { type: "integer", format: "int32" } } },
      State: { type: "string", enum: ["on", "off"] },
      EndpointList: { type: "object", required: ["data", "has_more"], properties: { data: { type: "array", items: { $ref: "#/components/schemas/Endpoint" } }, has_more: { type: "boolean" } } },
      Change: {
        type: "object",
        required: ["rule"],
        properties: { rule: { oneOf: [{ $ref: "#/components/schemas/Flat" }, { type: "null" }] }, metadata: { type: "object", additionalProperties: { type: "string" } }, class: { enum: ["a", null] } },
      },
      Flat: { type: "object", required: ["kind"], properties: { kind: { type: "string", enum: ["flat"] }, "odd-name": { type: "boolean" } } },
    },
  },
} as const satisfies Json;

const api = readApi(document);

test("operations are methods of their group, one for each way to answer", () => {
  const names = api.groups.map(({ name, operations }) => [name, operations.map((operation) => operation.name)]);
  assert.deepEqual(names, [
    ["webhook_endpoints", ["list", "listAsCsv", "listAsPdf", "listen", "update", "delete"]],
    ["imports", ["importWorld"]],
  ]);
  const writings = api.groups.flatMap(({ operations }) => operations.map(({ answer: { writing } }) => writing));
  assert.deepEqual(writings, ["json", "text", "bytes", "events", "json", "nothing", "json"]);
  assert.deepEqual(api.groups[0]?.operations[0]?.security, ["merchant_key (read, write)", "operator_key"]);
});

test("a name that is a 64-bit integer somewhere is one everywhere", () => {
  assert.deepEqual([...api.wideFields].sort(), ["from", "sizes"]);
  const written = typescriptTypes(api);
  assert.match(written, /from\?: bigint/);
  assert.match(written, /from: bigint/);
  assert.match(written, /sizes\?: readonly bigint\[\]/);
});

test("TypeScript: queries, bodies, text, bytes, nothing, open words, closed tags", () => {
  const written = typescriptResources(api);
  assert.match(written, /list\(query: ListWebhookEndpointsQuery, options\?: CallOptions\): Listing<types.EndpointList, types.Endpoint>/);
  assert.match(written, /readonly since: bigint \| null;/);
  assert.match(written, /interface ListWebhookEndpointsAsStreamQuery \{[^}]*since/);
  assert.doesNotMatch(written, /interface ListWebhookEndpointsAsStreamQuery \{[^}]*starting_after/);
  assert.match(written, /listAsPdf\(.*\): Promise<Uint8Array>/);
  assert.match(written, /update\(endpointId: string, body: types.Change, options\?: WriteOptions\): Promise<types.Endpoint>/);
  assert.match(written, /delete\(endpointId: string, options\?: CallOptions\): Promise<void>/);
  assert.match(written, /importWorld\(body: string/);
  const types = typescriptTypes(api);
  assert.match(types, /export type State = "on" \| "off" \| \(string & \{\}\);/);
  assert.match(types, /readonly kind: "flat";/);
  assert.match(types, /readonly "odd-name"\?: boolean/);
  assert.match(types, /export type Endpoint = \(Named\) & \(\{/);
  assert.match(types, /metadata\?: \{ readonly \[name: string\]: string \}/);
});

test("Python: keywords, null, words of the language, dictionaries, decoders", () => {
  const written = pythonResources(api);
  assert.match(written, /rule: Optional\[Union\[types.FlatParams, types.Flat\]\],/);
  assert.match(written, /class_: Union\[Optional\[Literal\["a"\]\], Unset\] = UNSET/);
  assert.match(written, /def list_as_csv\(/);
  assert.match(written, /\) -> bytes:/);
  assert.match(written, /segment\(endpoint_id\)/);
  const types = pythonTypes(api);
  assert.match(types, /State = Union\[Literal\["on", "off"\], str\]/);
  assert.match(types, /Endpoint._required = frozenset\(\["id", "from", "state"\]\)/);
  assert.equal(types.match(/class Endpoint\(Resource\):[^]*?\n\n/)?.[0].match(/state:/g)?.length, 1);
  assert.match(types, /EndpointList._parts = \{"data": \[Endpoint\]\}/);
});

test("what is not understood is an error, not a guess", () => {
  assert.throws(() => shapeOf({ not: { type: "string" } }), /not/);
  assert.throws(() => shapeOf({ type: "decimal" }), /not a type/);
  assert.throws(() => readApi({ paths: { "/": { get: { responses: {} } } } }), /operationId/);
});

test("integers: bounded ones are numbers, others are exact", () => {
  assert.deepEqual(shapeOf({ type: "integer", minimum: 1, maximum: 100 }), { kind: "integer", wide: false });
  assert.deepEqual(shapeOf({ type: "integer", format: "int32" }), { kind: "integer", wide: false });
  assert.deepEqual(shapeOf({ type: "integer", minimum: 0 }), { kind: "integer", wide: true });
  assert.deepEqual(shapeOf({ type: "integer", maximum: 9223372036854775807 }), { kind: "integer", wide: true });
});

test("names in both styles", () => {
  assert.equal(camelCase("webhook_endpoints"), "webhookEndpoints");
  assert.equal(snakeCase("createRefund"), "create_refund");
  assert.equal(snakeCase("import"), "import_");
});

test("a shell sample cannot be broken out of", () => {
  const operation = api.groups[1]?.operations[0];
  assert.ok(operation);
  const call = { ...exampleCall(api, operation), body: "it's; rm -rf /" };
  assert.match(curlSample(operation, call, "http://x"), /--data-binary 'it'\\''s; rm -rf \/'/);
});

test("every operation of the platform's own description becomes code", () => {
  const own = readApi(JSON.parse(readFileSync(new URL("../../../../docs/openapi.json", import.meta.url), "utf8")) as Json);
  const written = typescriptResources(own) + pythonResources(own);
  for (const { operations } of own.groups) for (const { id } of operations) assert.ok(written.split(`(${id})`).length >= 3, id);
});
