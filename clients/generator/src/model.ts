/**
 * The API as the client libraries see it: named shapes, and operations in groups (the description's tags), each a
 * method. Read from the OpenAPI document; knows neither files nor any target language, so the reference page uses it too.
 */
import { capital } from "./names.ts";
import { isObject, shapeOf, text, type Field, type Json, type JsonObject, type Shape } from "./shape.ts";

export interface Api {
  readonly groups: readonly Group[];
  readonly types: readonly NamedShape[];
  /** Names of fields that hold 64-bit integers somewhere; a field of such a name is a 64-bit integer wherever it is one. */
  readonly wideFields: ReadonlySet<string>;
  /** The problem codes that the description has examples of. */
  readonly problemCodes: readonly string[];
  readonly document: JsonObject;
}

export interface NamedShape {
  readonly name: string;
  readonly description: string;
  readonly shape: Shape;
}

export interface Group {
  readonly name: string;
  readonly description: string;
  readonly operations: readonly Operation[];
}

export interface Operation {
  readonly id: string;
  /** What the method is called in camel case: `createOrder` of the group `orders` is `create`. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly pathParameters: readonly Field[];
  readonly query: readonly Field[];
  readonly body: Body | null;
  readonly answer: Answer;
  /** In a list: what its items are. */
  readonly item: Shape | null;
  /** Takes an `Idempotency-Key`. */
  readonly idempotent: boolean;
  /** Who may use it: security schemes, with the scopes that they need, as in `merchant_key (read)`; none where anybody may. */
  readonly security: readonly string[];
}

/** How a body or an answer is written. */
export type Writing = "json" | "text" | "bytes" | "events" | "nothing";

export interface Body {
  readonly writing: "json" | "text" | "bytes";
  readonly mediaType: string;
  readonly required: boolean;
  readonly shape: Shape;
  readonly schema: JsonObject;
  readonly example: Json | undefined;
}

export interface Answer {
  readonly writing: Writing;
  readonly mediaType: string;
  readonly shape: Shape;
  readonly schema: JsonObject;
}

const methods = ["get", "post", "put", "patch", "delete"];

export function readApi(document: Json): Api {
  if (!isObject(document) || !isObject(document["paths"])) throw new Error("not an OpenAPI document");
  const components = isObject(document["components"]) ? document["components"] : {};
  const schemas = isObject(components["schemas"]) ? components["schemas"] : {};
  const types = Object.entries(schemas).map(([name, schema]) => {
    const description = isObject(schema) ? text(schema["description"]) : "";
    return { name, description, shape: shapeOf(schema) };
  });
  const reader = new Reader(document, new Map(types.map((type) => [type.name, type.shape])));
  const wideFields = new Set(types.flatMap(({ shape }) => wideNames("", shape)));
  return { groups: reader.groups(), types, wideFields, problemCodes: problemCodes(document), document };
}

class Reader {
  constructor(
    readonly document: JsonObject,
    readonly types: ReadonlyMap<string, Shape>,
  ) {}

  groups(): Group[] {
    const found = new Map<string, Operation[]>();
    const described = new Map<string, string>();
    for (const tag of list(this.document["tags"])) described.set(text(tag["name"]), text(tag["description"]));
    for (const name of described.keys()) found.set(name, []);
    for (const [path, item] of entries(this.document["paths"])) {
      for (const method of methods) {
        const operation = item[method];
        if (!isObject(operation)) continue;
        const group = Array.isArray(operation["tags"]) ? text(operation["tags"][0]) : "";
        const operations = this.operations(method, path, item, operation);
        found.set(group, [...(found.get(group) ?? []), ...operations]);
      }
    }
    const groups = [...found].filter(([, operations]) => operations.length > 0);
    return groups.map(([name, operations]) => ({ name, description: described.get(name) ?? "", operations: named(name, operations) }));
  }

  /** One operation for each way in which it can answer. */
  private operations(method: string, path: string, item: JsonObject, operation: JsonObject): Operation[] {
    const parameters = [...list(item["parameters"]), ...list(operation["parameters"])].map((parameter) => this.resolve(parameter));
    const where = (place: string) => parameters.filter((parameter) => parameter["in"] === place).map(fieldOf);
    const id = text(operation["operationId"]);
    if (id === "") throw new Error(`${method} ${path} has no operationId`);
    const query = where("query");
    const common = {
      method: method.toUpperCase(),
      path,
      summary: text(operation["summary"]),
      description: text(operation["description"]),
      pathParameters: where("path"),
      body: this.body(operation["requestBody"]),
      idempotent: where("header").some(({ name }) => name.toLowerCase() === "idempotency-key"),
      security: list(operation["security"]).flatMap((scheme) => Object.entries(scheme).map(withScopes)),
    };
    return this.answers(operation["responses"]).map((answer, index) => ({
      ...common,
      id: index === 0 ? id : id + suffixOf(answer),
      name: index === 0 ? id : answer.writing === "events" ? "listen" : id + suffixOf(answer),
      answer,
      // What pages or narrows a list is not for the stream beside it, which tells everything as it happens.
      query: answer.writing === "events" && index > 0 ? query.filter(({ required }) => required) : query,
      item: query.some(({ name }) => name === "starting_after") ? this.itemOf(answer) : null,
    }));
  }

  private body(given: Json | undefined): Body | null {
    if (!isObject(given)) return null;
    const contents = entries(this.resolve(given)["content"]);
    const [mediaType, content] = contents.find(([type]) => isJson(type)) ?? contents[0] ?? [];
    if (mediaType === undefined || content === undefined) return null;
    const writing = writingOf(mediaType);
    if (writing === "events" || mediaType.startsWith("multipart/")) throw new Error(`no body can be ${mediaType}`);
    const schema = isObject(content["schema"]) ? content["schema"] : {};
    return { writing, mediaType, required: given["required"] === true, shape: shapeOf(schema), schema, example: exampleOf(content) };
  }

  /** What it answers when it succeeds, JSON first. */
  private answers(responses: Json | undefined): Answer[] {
    const successes = entries(responses).filter(([status]) => /^2/.test(status));
    const contents = successes.flatMap(([, response]) => entries(this.resolve(response)["content"]));
    const answers = contents.map(([mediaType, content]) => {
      const writing = writingOf(mediaType);
      const schema = writing === "events" ? this.eventOf(content["schema"]) : isObject(content["schema"]) ? content["schema"] : {};
      return { writing, mediaType, shape: shapeOf(schema), schema };
    });
    const different = answers.filter(({ mediaType }, index) => answers.findIndex((other) => other.mediaType === mediaType) === index);
    const sorted = different.sort((a, b) => Number(b.writing === "json") - Number(a.writing === "json"));
    return sorted.length > 0 ? sorted : [{ writing: "nothing", mediaType: "", shape: { kind: "null" }, schema: {} }];
  }

  /** What the data of each event of a stream is, in JSON. */
  private eventOf(schema: Json | undefined): JsonObject {
    const properties = isObject(schema) ? this.resolve(schema)["properties"] : undefined;
    const data = isObject(properties) ? properties["data"] : undefined;
    const event = isObject(data) ? data["contentSchema"] : undefined;
    if (!isObject(event)) throw new Error("a stream of events does not say what its events are");
    return event;
  }

  /** The items of a list that can be read on from its last item. */
  private itemOf({ writing, shape }: Answer): Shape | null {
    if (writing !== "json") return null;
    const fields = fieldsOf(shape, this.types);
    const data = fields.find(({ name }) => name === "data")?.shape;
    if (data?.kind !== "list" || !fields.some(({ name }) => name === "has_more")) return null;
    return fieldsOf(data.item, this.types).some(({ name }) => name === "id") ? data.item : null;
  }

  private resolve(value: Json): JsonObject {
    if (!isObject(value)) return {};
    if (typeof value["$ref"] !== "string") return value;
    let found: Json = this.document;
    for (const step of value["$ref"].split("/").slice(1)) found = isObject(found) ? (found[step] ?? null) : null;
    return isObject(found) ? found : {};
  }
}

/** An object's fields, those of what it is joined of included. */
export function fieldsOf(shape: Shape, types: ReadonlyMap<string, Shape>): readonly Field[] {
  switch (shape.kind) {
    case "object":
      return shape.fields;
    case "both":
      // Of two fields with one name the later says more.
      return [...new Map(shape.shapes.flatMap((part) => fieldsOf(part, types)).map((field) => [field.name, field])).values()];
    case "reference": {
      const target = types.get(shape.name);
      return target ? fieldsOf(target, types) : [];
    }
    default:
      return [];
  }
}

function fieldOf(parameter: JsonObject): Field {
  const schema = isObject(parameter["schema"]) ? parameter["schema"] : {};
  const examples = parameter["example"] === undefined ? {} : { example: parameter["example"] };
  return {
    name: text(parameter["name"]),
    description: text(parameter["description"]),
    required: parameter["required"] === true,
    shape: shapeOf(schema),
    schema: { ...schema, ...examples },
  };
}

function withScopes([scheme, scopes]: [string, Json]): string {
  return Array.isArray(scopes) && scopes.length > 0 ? `${scheme} (${scopes.join(", ")})` : scheme;
}

function exampleOf(content: JsonObject): Json | undefined {
  if (content["example"] !== undefined) return content["example"];
  return entries(content["examples"])[0]?.[1]["value"];
}

function writingOf(mediaType: string): "json" | "text" | "bytes" | "events" {
  if (isJson(mediaType)) return "json";
  if (mediaType.startsWith("text/event-stream")) return "events";
  return mediaType.startsWith("text/") ? "text" : "bytes";
}

const isJson = (mediaType: string) => /^application\/(.*\+)?json(;|$)/.test(mediaType);

/** `AsCsv` for text/csv. */
function suffixOf({ writing, mediaType }: Answer): string {
  if (writing === "events") return "AsStream";
  const word = mediaType.split(/[/;+]/)[1] ?? "";
  return `As${word.replace(/(^|[^a-z0-9]+)([a-z0-9])/gi, (_, __, letter: string) => letter.toUpperCase())}`;
}

/** Leaves the group's noun out of its operations' names, unless two would then be called the same. */
function named(group: string, operations: readonly Operation[]): Operation[] {
  const noun = group.split(/[^A-Za-z0-9]+/).map(capital).join("");
  const singular = noun.replace(/ies$/, "y").replace(/s$/, "");
  const pattern = new RegExp(`^([a-z]+)(?:${noun}|${singular})(As[A-Z].*)?$`);
  const short = operations.map(({ name }) => name.replace(pattern, (_, verb: string, suffix = "") => verb + suffix));
  return operations.map((operation, index) => {
    const name = short[index] ?? operation.name;
    return { ...operation, name: short.filter((other) => other === name).length === 1 ? name : operation.name };
  });
}

function wideNames(name: string, shape: Shape): string[] {
  switch (shape.kind) {
    case "integer":
      return shape.wide && name !== "" ? [name] : [];
    case "list":
      return wideNames(name, shape.item);
    case "map":
      return wideNames(name, shape.value);
    case "object":
      return shape.fields.flatMap((field) => wideNames(field.name, field.shape));
    case "union":
    case "both":
      return shape.shapes.flatMap((part) => wideNames(name, part));
    default:
      return [];
  }
}

function problemCodes(document: JsonObject): string[] {
  const responses = entries(document["paths"]).flatMap(([, item]) => methods.flatMap((method) => entries(isObject(item[method]) ? item[method]["responses"] : undefined)));
  const contents = responses.flatMap(([, response]) => entries(response["content"]).filter(([type]) => type === "application/problem+json"));
  return [...new Set(contents.flatMap(([, content]) => entries(content["examples"]).map(([name]) => name)))].sort();
}

function entries(value: Json | undefined): [string, JsonObject][] {
  return isObject(value) ? Object.entries(value).filter((entry): entry is [string, JsonObject] => isObject(entry[1])) : [];
}

function list(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
