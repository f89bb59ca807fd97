/**
 * An operation as code to copy, for curl and both libraries. The reference page shows it beside each operation and the
 * tests run it, so both use this file.
 */
import { fieldsOf, type Api, type Operation } from "./model.ts";
import { camelCase, snakeCase } from "./names.ts";
import { isObject, type Field, type Json, type JsonObject, type Shape } from "./shape.ts";

/** JSON whose integers may be exact. */
export type Value = null | boolean | number | bigint | string | readonly Value[] | { readonly [name: string]: Value | undefined };

/** What an operation is called with. */
export interface Call {
  /** Path parameters by name. */
  readonly path: Readonly<Record<string, string>>;
  /** Query parameters by name; empty ones are left out. */
  readonly query: Readonly<Record<string, string>>;
  /** JSON where the operation takes JSON, text otherwise; undefined where it takes nothing. */
  readonly body: Value | undefined;
}

/** Optional fields that make a better first example than none. */
const alsoShown: { readonly [type: string]: readonly string[] } = {
  createOrder: ["amount", "description"],
};

/** The call that an operation's description suggests. */
export function exampleCall(api: Api, operation: Operation): Call {
  const values = (fields: readonly Field[]) => Object.fromEntries(fields.map((field) => [field.name, plain(exampleOf(api, field.schema, field.shape))]));
  return { path: values(operation.pathParameters), query: values(operation.query.filter(({ required }) => required)), body: exampleBody(api, operation) };
}

function exampleBody(api: Api, { id, body }: Operation): Value | undefined {
  if (body === null) return undefined;
  if (body.example !== undefined) return body.example;
  if (body.writing !== "json") return exampleOf(api, body.schema, body.shape);
  const shapes = new Map(api.types.map((type) => [type.name, type.shape]));
  const shown = fieldsOf(body.shape, shapes).filter(({ name, required }) => required || alsoShown[id]?.includes(name));
  if (shown.length === 0) return exampleOf(api, body.schema, body.shape) ?? {};
  const first = (field: Field) => (field.required ? 0 : 1);
  return Object.fromEntries([...shown].sort((a, b) => first(a) - first(b)).map((field) => [field.name, exampleOf(api, field.schema, field.shape)]));
}

function exampleOf(api: Api, schema: JsonObject, shape: Shape, depth = 0): Json {
  const given = schema["example"] ?? (Array.isArray(schema["examples"]) ? schema["examples"][0] : undefined) ?? schema["default"];
  if (given !== undefined) return given;
  if (depth > 8) return null;
  switch (shape.kind) {
    case "reference":
      return exampleOf(api, schemaNamed(api, shape.name), api.types.find(({ name }) => name === shape.name)?.shape ?? { kind: "anything" }, depth + 1);
    case "words":
      return shape.words[0] ?? "";
    case "boolean":
      return true;
    case "integer":
    case "number":
      return typeof schema["minimum"] === "number" ? schema["minimum"] : 1;
    case "list": {
      const items = isObject(schema["items"]) ? schema["items"] : {};
      return [exampleOf(api, items, shape.item, depth + 1)];
    }
    case "map":
      return {};
    case "object":
      return Object.fromEntries(shape.fields.filter(({ required }) => required).map((field) => [field.name, exampleOf(api, field.schema, field.shape, depth + 1)]));
    case "union":
      return shape.shapes[0] ? exampleOf(api, {}, shape.shapes[0], depth + 1) : null;
    case "both":
      return Object.assign({}, ...shape.shapes.map((part) => exampleOf(api, {}, part, depth + 1)));
    case "text":
      return "…";
    default:
      return null;
  }
}

function schemaNamed({ document }: Api, name: string): JsonObject {
  const components = isObject(document["components"]) ? document["components"] : {};
  const schemas = isObject(components["schemas"]) ? components["schemas"] : {};
  return isObject(schemas[name]) ? schemas[name] : {};
}

const plain = (value: Json) => (typeof value === "string" ? value : JSON.stringify(value));

/** The call's path and query. */
export function address({ path }: Operation, call: Call): string {
  const filled = path.replace(/\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(call.path[name] ?? ""));
  const query = Object.entries(call.query).filter(([, value]) => value !== "");
  return query.length === 0 ? filled : `${filled}?${query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&")}`;
}

/** With curl. The key is in the environment, so that it stays out of the shell's history. */
export function curlSample(operation: Operation, call: Call, base: string): string {
  const { method, body, idempotent, answer } = operation;
  const options = [];
  if (operation.security.length > 0) options.push(`-H "Authorization: Bearer $TAPSTONE_TOKEN"`);
  if (idempotent) options.push(`-H "Idempotency-Key: $(uuidgen)"`);
  if (answer.mediaType !== "application/json" && answer.mediaType !== "") options.push(`-H "Accept: ${answer.mediaType}"`);
  if (body && call.body !== undefined) {
    const sent = body.writing === "json" ? exactJson(call.body) : String(call.body);
    options.push(`-H "Content-Type: ${body.mediaType}"`, `--data-binary ${shellQuoted(sent)}`);
  }
  const flags = [answer.writing === "events" ? " -N" : "", method === "GET" || (method === "POST" && call.body !== undefined) ? "" : ` -X ${method}`, answer.writing === "bytes" ? " -O" : ""];
  return [`curl -s${flags.join("")} ${shellQuoted(base + address(operation, call))}`, ...options].join(" \\\n  ");
}

const shellQuoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

export function typescriptSample(api: Api, group: string, operation: Operation, call: Call, base: string): string {
  const given: string[] = operation.pathParameters.map(({ name }) => JSON.stringify(call.path[name] ?? ""));
  if (operation.body && call.body !== undefined) given.push(typescriptLiteral(api, call.body));
  const query = operation.query.filter(({ name }) => (call.query[name] ?? "") !== "");
  if (query.length > 0) given.push(`{ ${query.map((field) => `${field.name}: ${queryLiteral(field.shape, call.query[field.name] ?? "")}`).join(", ")} }`);
  const called = `tapstone.${camelCase(group)}.${operation.name}(${given.join(", ")})`;
  const token = operation.security.length > 0 ? "token: process.env.TAPSTONE_TOKEN" : "";
  const opening = `import { Tapstone } from "tapstone";\n\nconst tapstone = new Tapstone({ ${[`baseUrl: ${JSON.stringify(base)}`, token].filter(Boolean).join(", ")} });\n`;
  const result = typescriptUse(operation, called);
  return opening + result;
}

function typescriptUse({ answer, item }: Operation, called: string): string {
  if (answer.writing === "events") return `for await (const event of ${called}) {\n  console.log(event);\n}`;
  if (item) return `for await (const item of ${called}) {\n  console.log(item);\n}`;
  return answer.writing === "nothing" ? `await ${called};` : `const answer = await ${called};\nconsole.log(answer);`;
}

function queryLiteral(shape: Shape, value: string): string {
  if (shape.kind === "integer") return /^-?\d+$/.test(value) ? value + (shape.wide ? "n" : "") : JSON.stringify(value);
  return shape.kind === "boolean" && /^(true|false)$/.test(value) ? value : JSON.stringify(value);
}

function typescriptLiteral(api: Api, value: Value | undefined, field = "", depth = 0): string {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number") return `${value}${Number.isInteger(value) && api.wideFields.has(field) ? "n" : ""}`;
  if (Array.isArray(value)) return `[${value.map((item: Value) => typescriptLiteral(api, item, field, depth)).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, inner]) => `${/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name)}: ${typescriptLiteral(api, inner, name, depth + 1)}`);
  return fields.length === 0 ? "{}" : depth === 0 ? `{\n${fields.map((field) => `  ${field},\n`).join("")}}` : `{ ${fields.join(", ")} }`;
}

export function pythonSample(api: Api, group: string, operation: Operation, call: Call, base: string): string {
  const shapes = new Map(api.types.map(({ name, shape }) => [name, shape]));
  const given: string[] = operation.pathParameters.map(({ name }) => JSON.stringify(call.path[name] ?? ""));
  const fields = operation.body?.writing === "json" ? fieldsOf(operation.body.shape, shapes) : [];
  if (call.body !== undefined && fields.length > 0 && typeof call.body === "object" && call.body !== null && !Array.isArray(call.body)) {
    given.push(...Object.entries(call.body).map(([name, value]) => `${snakeCase(name)}=${pythonLiteral(value)}`));
  } else if (operation.body && call.body !== undefined) {
    given.push((operation.body.writing === "bytes" ? "b" : "") + pythonLiteral(call.body));
  }
  const query = operation.query.filter(({ name }) => (call.query[name] ?? "") !== "");
  given.push(...query.map((field) => `${snakeCase(field.name)}=${pythonQuery(field.shape, call.query[field.name] ?? "")}`));
  const short = given.join(", ");
  const listed = short.length > 60 ? `\n${given.map((argument) => `    ${argument},\n`).join("")}` : short;
  const called = `tapstone.${snakeCase(group)}.${snakeCase(operation.name)}(${listed})`;
  const needsToken = operation.security.length > 0;
  const token = needsToken ? `, token=os.environ["TAPSTONE_TOKEN"]` : "";
  return `${needsToken ? "import os\n" : ""}from tapstone import Tapstone\n\ntapstone = Tapstone(${JSON.stringify(base)}${token})\n${pythonUse(operation, called)}`;
}

function pythonUse({ answer, item }: Operation, called: string): string {
  if (answer.writing === "events" || item) return `for item in ${called}:\n    print(item)`;
  return answer.writing === "nothing" ? called : `print(${called})`;
}

function pythonQuery(shape: Shape, value: string): string {
  if (shape.kind === "boolean" && /^(true|false)$/.test(value)) return value === "true" ? "True" : "False";
  return queryLiteral(shape.kind === "integer" ? { ...shape, wide: false } : shape, value);
}

function pythonLiteral(value: Value | undefined): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  if (typeof value !== "object") return typeof value === "bigint" ? String(value) : JSON.stringify(value);
  return `{${Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}: ${pythonLiteral(field)}`).join(", ")}}`;
}

/** JSON in which exact integers stay exact. */
export function exactJson(value: Value | undefined, indent = ""): string {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map((item: Value) => exactJson(item)).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const fields = Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}: ${exactJson(field)}`);
  return indent === "" || fields.length === 0 ? `{${fields.join(", ")}}` : `{\n${fields.map((field) => indent + field).join(",\n")}\n}`;
}
