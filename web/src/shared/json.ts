/**
 * JSON with exact money. `JSON.parse` reads 9007199254740993 as 9007199254740992, so the integers of
 * the money fields are read as bigints, and bigints are written as integers.
 */

/** The fields that hold minor units, in every object of the contract. */
const minorUnitFields: ReadonlySet<string> = new Set(["amount", "available"]);

const longInteger = /"(?:[^"\\]|\\.)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g;

/** Reads JSON; integers of money fields become bigints. Throws SyntaxError when it is not JSON. */
export function readJson(text: string): unknown {
  const quoted = text.replace(longInteger, (token) => (token.startsWith('"') ? token : `"${token}"`));
  return JSON.parse(quoted, (field, value: unknown) => {
    if (!minorUnitFields.has(field)) return value;
    if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
    if (typeof value === "string" && /^-?\d+$/.test(value)) return BigInt(value);
    return value;
  });
}

/** Writes JSON; a bigint becomes an integer, `undefined` fields are left out. */
export function writeJson(value: unknown): string {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${writeJson(field)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}
