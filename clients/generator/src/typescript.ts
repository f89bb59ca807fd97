/** Writes the TypeScript library's generated part: `types.ts` (all shapes) and `resources.ts` (all operations). */
import type { Api, Group, Operation } from "./model.ts";
import { camelCase, capital, words } from "./names.ts";
import type { Field, Shape } from "./shape.ts";

const header = "// Generated from docs/openapi.json by `make clients`. Changes here are lost.\n\n";

export function typescriptTypes(api: Api): string {
  const scope: Scope = { api, prefix: "" };
  const types = api.types.map(({ name, description, shape }) => {
    const opening = comment(description);
    if (shape.kind !== "object") return `${opening}export type ${name} = ${typeOf(shape, scope, "", true)};\n`;
    return `${opening}export interface ${name} ${objectOf(shape.fields, scope)}\n`;
  });
  const codes = `/** The codes of problems that are known so far. */\nexport type ProblemCode = ${wordsOf(api.problemCodes, true)};\n`;
  const wide = [...api.wideFields].sort().map((name) => JSON.stringify(name));
  const wideFields = `/** Fields that hold 64-bit integers, and are read as bigints. */\nexport const wideFields: ReadonlySet<string> = new Set([${wide.join(", ")}]);\n`;
  return header + [...types, codes, wideFields].join("\n");
}

/** What a shape is written with: the API, and where its named types are found. */
interface Scope {
  readonly api: Api;
  readonly prefix: "" | "types.";
}

/** `open`: values that are not known yet are allowed too. */
function typeOf(shape: Shape, scope: Scope, field = "", open = false): string {
  switch (shape.kind) {
    case "reference":
      return scope.prefix + shape.name;
    case "text":
      return "string";
    case "anything":
      return "unknown";
    case "boolean":
    case "number":
    case "null":
      return shape.kind;
    case "integer":
      return shape.wide || scope.api.wideFields.has(field) ? "bigint" : "number";
    case "words":
      return wordsOf(shape.words, open || shape.words.length > 1);
    case "list": {
      const item = typeOf(shape.item, scope, field, open);
      return `readonly ${/[|&]/.test(item) ? `(${item})` : item}[]`;
    }
    case "map":
      return `{ readonly [name: string]: ${typeOf(shape.value, scope, field, open)} }`;
    case "object":
      return objectOf(shape.fields, scope);
    case "union":
      return shape.shapes.map((part) => typeOf(part, scope, field)).join(" | ");
    case "both":
      return shape.shapes.map((part) => `(${typeOf(part, scope, field)})`).join(" & ");
  }
}

function wordsOf(known: readonly string[], open: boolean): string {
  return [...known.map((word) => JSON.stringify(word)), ...(open ? ["(string & {})"] : [])].join(" | ");
}

function objectOf(fields: readonly Field[], scope: Scope): string {
  if (fields.length === 0) return "{ readonly [name: string]: unknown }";
  const lines = fields.map((field) => {
    const type = typeOf(field.shape, scope, field.name);
    const name = /^[A-Za-z_$][\w$]*$/.test(field.name) ? field.name : JSON.stringify(field.name);
    return comment(field.description) + (field.required ? `readonly ${name}: ${type};` : `readonly ${name}?: ${type} | undefined;`);
  });
  return `{\n${indent(lines.join("\n"))}\n}`;
}

export function typescriptResources(api: Api): string {
  const imports = [
    `import type { CallOptions, ListenOptions, WriteOptions } from "../options.ts";\n`,
    `import type { EventStream } from "../events.ts";\n`,
    `import type { Listing } from "../listing.ts";\n`,
    `import { segment, type Transport } from "../transport.ts";\n`,
    `import type * as types from "./types.ts";\n`,
  ];
  const scope: Scope = { api, prefix: "types." };
  const queries = api.groups.flatMap(({ operations }) => operations.filter(({ query }) => query.length > 0).map((operation) => queryType(operation, scope)));
  const groups = api.groups.map((group) => groupClass(group, scope));
  return header + imports.join("") + "\n" + [...queries, ...groups, rootClass(api)].join("\n");
}

function queryType(operation: Operation, scope: Scope): string {
  return `/** What \`${operation.id}\` can be asked. */\nexport interface ${capital(operation.id)}Query ${objectOf(operation.query, scope)}\n`;
}

function groupClass({ name, description, operations }: Group, scope: Scope): string {
  const methods = operations.map((operation) => method(operation, scope));
  const opening = "readonly #transport: Transport;\n\nconstructor(transport: Transport) {\n  this.#transport = transport;\n}\n";
  return `${comment(description)}export class ${className(name)} {\n${indent([opening, ...methods].join("\n"))}}\n`;
}

function method(operation: Operation, scope: Scope): string {
  const { pathParameters, body, query, answer, idempotent, item } = operation;
  const type = (shape: Shape) => typeOf(shape, scope);
  const answerType = { json: () => type(answer.shape), text: () => "string", bytes: () => "Uint8Array", events: () => type(answer.shape), nothing: () => "void" }[answer.writing]();
  const parameters = pathParameters.map((field) => `${camelCase(field.name)}: string`);
  if (body) parameters.push(body.required ? `body: ${bodyType()}` : `body?: ${bodyType()}`);
  if (query.length > 0) {
    const asked = `${capital(operation.id)}Query`;
    parameters.push(query.some(({ required }) => required) ? `query: ${asked}` : `query: ${asked} = {}`);
  }
  parameters.push(`options?: ${answer.writing === "events" ? "ListenOptions" : idempotent ? "WriteOptions" : "CallOptions"}`);

  function bodyType(): string {
    if (body?.writing === "json") return type(body.shape);
    return body?.writing === "text" ? "string" : "Uint8Array";
  }

  const request = [`method: ${JSON.stringify(operation.method)}`, `path: ${pathOf(operation)}`];
  if (query.length > 0) request.push("query");
  if (body) request.push("body", `mediaType: ${JSON.stringify(body.mediaType)}`);
  if (idempotent) request.push("idempotent: true");
  request.push(`answer: ${JSON.stringify(answer.writing)}`, `accept: ${JSON.stringify(answer.mediaType)}`);
  const [call, result] =
    answer.writing === "events" ? [`listen<${answerType}>`, `EventStream<${answerType}>`]
    : item ? [`list<${answerType}, ${type(item)}>`, `Listing<${answerType}, ${type(item)}>`]
    : [`call<${answerType}>`, `Promise<${answerType}>`];
  const told = [operation.summary, operation.description, `\`${operation.method} ${operation.path}\` (${operation.id})`].filter((line) => line !== "").join("\n\n");
  return `${comment(told)}${operation.name}(${parameters.join(", ")}): ${result} {\n  return this.#transport.${call}({ ${request.join(", ")} }, options);\n}\n`;
}

function pathOf({ path }: Operation): string {
  if (!path.includes("{")) return JSON.stringify(path);
  return `\`${path.replace(/\{([^}]+)\}/g, (_, name: string) => `\${segment(${camelCase(name)})}`)}\``;
}

function rootClass({ groups }: Api): string {
  const fields = groups.map(({ name, description }) => `${comment(description)}readonly ${camelCase(name)}: ${className(name)};`);
  const made = groups.map(({ name }) => `this.${camelCase(name)} = new ${className(name)}(transport);`);
  const constructor = `constructor(transport: Transport) {\n${indent(made.join("\n"))}\n}`;
  return `/** All operations, by group. */\nexport abstract class Resources {\n${indent([...fields, "", constructor].join("\n"))}\n}\n`;
}

const className = (group: string) => `${words(group).map(capital).join("")}Resource`;

function comment(told: string): string {
  if (told === "") return "";
  const lines = told.replaceAll("*/", "*\\/").split("\n");
  return lines.length === 1 ? `/** ${lines[0]} */\n` : `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join("\n")}\n */\n`;
}

const indent = (code: string) => code.replace(/^(?=.)/gm, "  ");
