/** Writes the Python library's generated part: `_generated_types.py` (all shapes), `_generated_resources.py` (all operations). */
import { fieldsOf, type Api, type Group, type Operation } from "./model.ts";
import { capital, isPythonName, snakeCase, words } from "./names.ts";
import type { Field, Shape } from "./shape.ts";

const header = "# Generated from docs/openapi.json by `make clients`. Changes here are lost.\n";

export function pythonTypes(api: Api): string {
  const shapes = shapesOf(api);
  const isObject = ({ shape }: { shape: Shape }) => fieldsOf(shape, shapes).length > 0;
  const aliases = api.types.filter((type) => !isObject(type)).map(({ name, description, shape }) => {
    return `${name} = ${typeOf(shape, answered, true)}\n${docstring(description)}`;
  });
  const classes = api.types.filter(isObject).map(({ name, description, shape }) => classOf(name, description, fieldsOf(shape, shapes)));
  const given = parameterTypes(api);
  const parameters = [...given].sort().map((name) => parameterClass(name, fieldsOf({ kind: "reference", name }, shapes), given));
  const decoders = api.types.filter(isObject).flatMap(({ name, shape }) => {
    const parts = fieldsOf(shape, shapes).flatMap((field) => {
      const decoder = decoderOf(field.shape, shapes);
      return decoder === null ? [] : [`${JSON.stringify(field.name)}: ${decoder}`];
    });
    const required = fieldsOf(shape, shapes).filter((field) => field.required).map(({ name: field }) => JSON.stringify(field));
    return [`${name}._parts = {${parts.join(", ")}}`, `${name}._required = frozenset([${required.join(", ")}])`];
  });
  const codes = `ProblemCode = ${wordsOf(api.problemCodes, true)}\n"""The codes of problems that are known so far."""\n`;
  const imports = "from __future__ import annotations\n\nfrom typing import Any, Dict, List, Literal, Mapping, Optional, Sequence, TypedDict, Union\n\nfrom ._resource import Resource\n";
  return [header + imports, ...classes, ...parameters, aliases.join("\n"), codes, decoders.join("\n") + "\n"].join("\n");
}

/** Named types that callers give: those of bodies, and of what is in them. */
function parameterTypes(api: Api): Set<string> {
  const shapes = shapesOf(api);
  const found = new Set<string>();
  const visit = (shape: Shape): void => {
    if (shape.kind === "reference" && !found.has(shape.name)) {
      const target = shapes.get(shape.name);
      if (target === undefined) return;
      const fields = fieldsOf(target, shapes);
      if (fields.length === 0) return visit(target);
      found.add(shape.name);
      for (const field of fields) visit(field.shape);
    }
    if (shape.kind === "list") visit(shape.item);
    if (shape.kind === "map") visit(shape.value);
    if (shape.kind === "object") for (const field of shape.fields) visit(field.shape);
    if (shape.kind === "union" || shape.kind === "both") for (const part of shape.shapes) visit(part);
  };
  for (const { operations } of api.groups) for (const { body } of operations) if (body) visit(body.shape);
  return found;
}

/** How types are written: as answered, or as given by callers. */
interface Side {
  readonly list: string;
  readonly map: string;
  readonly prefix: string;
  /** Types that have a form for callers. */
  readonly given: ReadonlySet<string>;
  /** Named types stand in quotes where they are not there yet when they are read. */
  readonly quote: string;
}

const answered: Side = { list: "List", map: "Dict", prefix: "", given: new Set(), quote: '"' };

function typeOf(shape: Shape, side: Side, open = false): string {
  switch (shape.kind) {
    case "reference": {
      const name = (suffix: string) => `${side.quote}${side.prefix}${shape.name}${suffix}${side.quote}`;
      return side.given.has(shape.name) ? `Union[${name("Params")}, ${name("")}]` : name("");
    }
    case "text":
      return "str";
    case "integer":
      return "int";
    case "number":
      return "float";
    case "boolean":
      return "bool";
    case "null":
      return "None";
    case "anything":
      return "Any";
    case "words":
      return wordsOf(shape.words, open || shape.words.length > 1);
    case "list":
      return `${side.list}[${typeOf(shape.item, side)}]`;
    case "map":
      return `${side.map}[str, ${typeOf(shape.value, side)}]`;
    case "object":
      return `${side.map}[str, Any]`;
    case "both":
      return "Any";
    case "union":
      return unionOf(shape.shapes.map((part) => typeOf(part, side)));
  }
}

function unionOf(parts: readonly string[]): string {
  const rest = parts.filter((part) => part !== "None");
  const whole = rest.length === 1 ? String(rest[0]) : `Union[${rest.join(", ")}]`;
  return rest.length === parts.length ? whole : `Optional[${whole}]`;
}

function wordsOf(known: readonly string[], open: boolean): string {
  if (known.length === 0) return "str";
  const literal = `Literal[${known.map((word) => JSON.stringify(word)).join(", ")}]`;
  return open ? `Union[${literal}, str]` : literal;
}

function classOf(name: string, description: string, fields: readonly Field[]): string {
  const lines = fields.filter(({ name: field }) => isPythonName(field)).map(({ name: field, description: told, required, shape }) => {
    const type = typeOf(shape, { ...answered, quote: "" });
    return `${field}: ${required || /^Optional|^None$/.test(type) ? type : `Optional[${type}]`}\n${docstring(told)}`;
  });
  return `\nclass ${name}(Resource):\n${indent((docstring(description) + "\n" + lines.join("")).trimStart())}`;
}

function parameterClass(name: string, fields: readonly Field[], given: ReadonlySet<string>): string {
  const of = (required: boolean) => fields.filter((field) => field.required === required);
  const typed = (field: Field, quote: string) => typeOf(field.shape, { ...answered, list: "Sequence", map: "Mapping", given, quote });
  const needed = of(true).map((field) => `${JSON.stringify(field.name)}: ${typed(field, '"')}`);
  const base = `\n_${name}ParamsRequired = TypedDict("_${name}ParamsRequired", {${needed.join(", ")}})\n`;
  const rest = of(false).filter((field) => isPythonName(field.name)).map((field) => `${field.name}: ${typed(field, "")}`);
  const body = rest.length > 0 ? rest.join("\n") : "pass";
  return `${base}\n\nclass ${name}Params(_${name}ParamsRequired, total=False):\n${indent(`"""A ${name}, as callers give it."""\n\n${body}\n`)}`;
}

/** Python code that says what objects are in a field; null where there are none. */
function decoderOf(shape: Shape, shapes: ReadonlyMap<string, Shape>): string | null {
  switch (shape.kind) {
    case "reference": {
      const target = shapes.get(shape.name);
      if (target === undefined) return null;
      return fieldsOf(target, shapes).length > 0 ? shape.name : decoderOf(target, shapes);
    }
    case "list": {
      const item = decoderOf(shape.item, shapes);
      return item === null ? null : `[${item}]`;
    }
    case "map": {
      const value = decoderOf(shape.value, shapes) ?? "None";
      return `{"*": ${value}}`;
    }
    case "union": {
      const parts = shape.shapes.map((part) => decoderOf(part, shapes)).filter((part) => part !== null);
      return parts.length === 0 ? null : parts.length === 1 ? String(parts[0]) : `(${parts.join(", ")})`;
    }
    default:
      return null;
  }
}

export function pythonResources(api: Api): string {
  const imports = [
    "from __future__ import annotations\n\n",
    "from typing import Any, Dict, List, Literal, Mapping, Optional, Sequence, Union\n\n",
    "from . import _generated_types as types\n",
    "from ._events import EventStream\n",
    "from ._listing import Listing\n",
    "from ._resource import UNSET, Unset, given\n",
    "from ._transport import Transport, segment\n",
  ];
  const given = parameterTypes(api);
  return [header + imports.join(""), ...api.groups.map((group) => groupClass(group, api, given)), rootClass(api)].join("\n");
}

function groupClass({ name, description, operations }: Group, api: Api, given: ReadonlySet<string>): string {
  const methods = operations.map((operation) => method(operation, api, given));
  const opening = "def __init__(self, transport: Transport) -> None:\n    self._transport = transport\n";
  return `\nclass ${className(name)}:\n${indent([docstring(description), opening, ...methods].join("\n"))}`;
}

function method(operation: Operation, api: Api, given: ReadonlySet<string>): string {
  const shapes = shapesOf(api);
  const { pathParameters, body, answer, idempotent, item } = operation;
  const side: Side = { list: "Sequence", map: "Mapping", prefix: "types.", given, quote: "" };
  const fields = body?.writing === "json" ? fieldsOf(body.shape, shapes) : [];
  // What the body says itself is a parameter of the query only for bodies of other kinds.
  const query = operation.query.filter(({ name }) => !fields.some((field) => field.name === name));
  const keywords = [...fields, ...query].sort((a, b) => Number(b.required) - Number(a.required));
  const options = answer.writing === "events" ? ["last_event_id: Optional[str] = None"] : [...(idempotent ? ["idempotency_key: Optional[str] = None"] : []), "timeout: Optional[float] = None"];
  const signature = [
    "self",
    ...pathParameters.map(({ name }) => `${snakeCase(name)}: str`),
    ...(body && fields.length === 0 ? [`body: ${bodyType(operation, side)}${body.required ? "" : " = None"}`] : []),
    "*",
    ...keywords.map((field) => `${snakeCase(field.name)}: ${keywordType(field)}`),
    ...options,
  ];
  const names = signature.map((parameter) => parameter.split(":")[0]);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`${operation.id} has two parameters called ${twice}`);

  function keywordType(field: Field): string {
    const type = typeOf(field.shape, side);
    const optional = !field.required || (body !== null && !body.required && fields.includes(field));
    return optional ? `${type.startsWith("Union[") ? type.replace(/\]$/, ", Unset]") : `Union[${type}, Unset]`} = UNSET` : type;
  }

  const dictionary = (of: readonly Field[]) => `given({${of.map(({ name }) => `${JSON.stringify(name)}: ${snakeCase(name)}`).join(", ")}})`;
  const request = [JSON.stringify(operation.method), pathOf(operation)];
  if (query.length > 0) request.push(`query=${dictionary(query)}`);
  if (body) request.push(`body=${fields.length > 0 ? dictionary(fields) : "body"}`, `media_type=${JSON.stringify(body.mediaType)}`);
  if (idempotent) request.push("idempotent=True", "idempotency_key=idempotency_key");
  request.push(`answer=${JSON.stringify(answer.writing)}`, `accept=${JSON.stringify(answer.mediaType)}`);
  request.push(answer.writing === "events" ? "last_event_id=last_event_id" : "timeout=timeout");
  const out = { ...answered, prefix: "types.", quote: "" };
  const answerType = { json: typeOf(answer.shape, out), text: "str", bytes: "bytes", events: typeOf(answer.shape, out), nothing: "None" }[answer.writing];
  const decoder = answer.writing === "json" || answer.writing === "events" ? decoderOf(answer.shape, shapes) : null;
  request.push(`decode=${(decoder ?? "None").replace(/\b([A-Z]\w*)\b/g, (name) => (name === "None" ? name : `types.${name}`))}`);
  const [call, result] =
    answer.writing === "events" ? ["listen", `EventStream[${answerType}]`]
    : item ? ["list", `Listing[${answerType}, ${typeOf(item, out)}]`]
    : ["call", answerType];
  const told = [operation.summary, operation.description, `\`${operation.method} ${operation.path}\` (${operation.id})`].filter((line) => line !== "").join("\n\n");
  const returned = call === "call" ? `result: ${result} = self._transport.call(\n    ${request.join(",\n    ")},\n)\nreturn result` : `return self._transport.${call}(\n    ${request.join(",\n    ")},\n)`;
  const lines = signature.at(-1) === "*" ? signature.slice(0, -1) : signature;
  return `def ${snakeCase(operation.name)}(\n${indent(lines.join(",\n"))},\n) -> ${result}:\n${indent(docstring(told) + returned)}\n`;
}

function bodyType({ body }: Operation, side: Side): string {
  const type = body?.writing === "json" ? typeOf(body.shape, side) : body?.writing === "text" ? "str" : "bytes";
  return body?.required ? type : `Optional[${type}]`;
}

function pathOf({ path }: Operation): string {
  if (!path.includes("{")) return JSON.stringify(path);
  return `f"${path.replace(/\{([^}]+)\}/g, (_, name: string) => `{segment(${snakeCase(name)})}`)}"`;
}

function rootClass({ groups }: Api): string {
  const made = groups.map(({ name, description }) => `self.${snakeCase(name)} = ${className(name)}(transport)\n${docstring(description)}`);
  return `\nclass Resources:\n${indent(`"""All operations, by group."""\n\ndef __init__(self, transport: Transport) -> None:\n${indent(made.join(""))}`)}`;
}

const className = (group: string) => `${words(group).map(capital).join("")}Resource`;

function docstring(told: string): string {
  return told === "" ? "" : `"""${told.replaceAll("\\", "\\\\").replaceAll('"""', '\\"\\"\\"').replace(/"$/, '\\"')}"""\n`;
}

function shapesOf(api: Api): ReadonlyMap<string, Shape> {
  return new Map(api.types.map(({ name, shape }) => [name, shape]));
}

const indent = (code: string) => code.replace(/^(?=.)/gm, "    ");
