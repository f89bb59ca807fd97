/**
 * A JSON schema (as OpenAPI 3.1 carries them), read into the few shapes that values of the API have. A keyword that
 * would change a value's type and is not known here is an error, so that nothing is generated from a guess.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

export type Shape =
  | { readonly kind: "reference"; readonly name: string }
  | { readonly kind: "text" | "boolean" | "number" | "null" | "anything" }
  /** `wide`: may pass 2^53. */
  | { readonly kind: "integer"; readonly wide: boolean }
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "list"; readonly item: Shape }
  | { readonly kind: "map"; readonly value: Shape }
  | { readonly kind: "object"; readonly fields: readonly Field[] }
  /** One of them. */
  | { readonly kind: "union"; readonly shapes: readonly Shape[] }
  /** All of them at once. */
  | { readonly kind: "both"; readonly shapes: readonly Shape[] };

export interface Field {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  readonly shape: Shape;
  readonly schema: JsonObject;
}

const unsupported = ["not", "if", "patternProperties", "prefixItems", "dependentSchemas", "$dynamicRef"];

export function shapeOf(schema: Json | undefined): Shape {
  if (schema === undefined || schema === true) return { kind: "anything" };
  if (!isObject(schema)) throw new Error(`not a schema: ${JSON.stringify(schema)}`);
  const strange = unsupported.find((keyword) => keyword in schema);
  if (strange !== undefined) throw new Error(`a schema uses ${strange}, which the generator does not know`);
  if (typeof schema["$ref"] === "string") return { kind: "reference", name: nameOf(schema["$ref"]) };
  // Beside properties they say which of these go together, for which the target languages have no words.
  const isWhole = isObject(schema["properties"]);
  const alternatives = schema["oneOf"] ?? schema["anyOf"];
  if (Array.isArray(alternatives) && !isWhole) return united(alternatives.map(shapeOf));
  if (Array.isArray(schema["allOf"]) && !isWhole) return joined(schema["allOf"].map(shapeOf));
  if (Array.isArray(schema["enum"])) return ofWords(schema["enum"]);
  if (schema["const"] !== undefined) return ofWords([schema["const"]]);
  const types = Array.isArray(schema["type"]) ? schema["type"] : [schema["type"]];
  return united(types.map((type) => ofType(type, schema)));
}

function ofType(type: Json | undefined, schema: JsonObject): Shape {
  switch (type) {
    case "string":
      return { kind: "text" };
    case "boolean":
    case "number":
    case "null":
      return { kind: type };
    case "integer":
      return { kind: "integer", wide: isWide(schema) };
    case "array":
      return { kind: "list", item: shapeOf(schema["items"]) };
    case "object":
      return ofObject(schema);
    case undefined:
      return isObject(schema["properties"]) ? ofObject(schema) : { kind: "anything" };
    default:
      throw new Error(`not a type: ${JSON.stringify(type)}`);
  }
}

function isWide({ format, minimum, maximum }: JsonObject): boolean {
  if (typeof format === "string" && /^u?int(8|16|32)$/.test(format)) return false;
  const bounded = typeof maximum === "number" && maximum <= Number.MAX_SAFE_INTEGER;
  return !(bounded && (minimum === undefined || (typeof minimum === "number" && Number.isSafeInteger(minimum))));
}

function ofObject(schema: JsonObject): Shape {
  const { properties, additionalProperties: rest } = schema;
  if (!isObject(properties)) return { kind: "map", value: isObject(rest) ? shapeOf(rest) : { kind: "anything" } };
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const fields = Object.entries(properties).map(([name, property]) => {
    const object = isObject(property) ? property : {};
    return { name, description: text(object["description"]), required: required.includes(name), shape: shapeOf(property), schema: object };
  });
  return { kind: "object", fields };
}

function ofWords(values: readonly Json[]): Shape {
  const words = values.filter((value): value is string => typeof value === "string");
  if (words.length + values.filter((value) => value === null).length !== values.length) return { kind: "anything" };
  const shapes: Shape[] = [{ kind: "words", words }];
  return united(values.includes(null) ? [...shapes, { kind: "null" }] : shapes);
}

function united(shapes: readonly Shape[]): Shape {
  const flat = shapes.flatMap((shape) => (shape.kind === "union" ? shape.shapes : [shape]));
  const different = flat.filter((shape, index) => flat.findIndex((other) => JSON.stringify(other) === JSON.stringify(shape)) === index);
  return different.length === 1 && different[0] ? different[0] : { kind: "union", shapes: different };
}

function joined(shapes: readonly Shape[]): Shape {
  return shapes.length === 1 && shapes[0] ? shapes[0] : { kind: "both", shapes };
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The last part of a reference: `#/components/schemas/Order` names `Order`. */
function nameOf(reference: string): string {
  return reference.slice(reference.lastIndexOf("/") + 1);
}

export function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
