/**
 * JSON with exact integers. `JSON.parse` reads 9007199254740993 as 9007199254740992; here the fields that hold 64-bit
 * integers are bigints, whatever their size, and so is any other integer that a number cannot hold.
 */

const token = /[ \t\n\r]*(?:([{}[\]:,])|("(?:[^"\\\u0000-\u001f]|\\.)*")|(-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)|(true|false|null))/y;

/** Deeper nesting is refused rather than overflow the stack. */
const deepest = 200;

/** Reads JSON. Integers of the fields named in `wide` become bigints. Throws SyntaxError when it is not JSON. */
export function readJson(text: string, wide: ReadonlySet<string>): unknown {
  return new Reader(text, wide).document();
}

class Reader {
  #place = 0;
  readonly #text: string;
  readonly #wide: ReadonlySet<string>;

  constructor(text: string, wide: ReadonlySet<string>) {
    this.#text = text;
    this.#wide = wide;
  }

  document(): unknown {
    const value = this.#value(this.#next(), "", 0);
    if (this.#text.slice(this.#place).trim() !== "") throw this.#wrong();
    return value;
  }

  #value(found: RegExpExecArray, field: string, depth: number): unknown {
    const [, mark, quoted, number, fraction, exponent, word] = found;
    if (quoted !== undefined) return JSON.parse(quoted);
    if (number !== undefined) return fraction === undefined && exponent === undefined ? this.#integer(number, field) : Number(number);
    if (word !== undefined) return JSON.parse(word);
    if (depth >= deepest) throw new SyntaxError("JSON is nested too deeply");
    if (mark === "[") return this.#list(field, depth + 1);
    if (mark === "{") return this.#object(field, depth + 1);
    throw this.#wrong();
  }

  #integer(digits: string, field: string): number | bigint {
    if (this.#wide.has(field)) return BigInt(digits);
    const number = Number(digits);
    return Number.isSafeInteger(number) ? number : BigInt(digits);
  }

  #list(field: string, depth: number): unknown[] {
    const items: unknown[] = [];
    let found = this.#next();
    if (found[1] === "]") return items;
    for (;;) {
      items.push(this.#value(found, field, depth));
      const mark = this.#next()[1];
      if (mark === "]") return items;
      if (mark !== ",") throw this.#wrong();
      found = this.#next();
    }
  }

  #object(field: string, depth: number): object {
    const fields: [string, unknown][] = [];
    let found = this.#next();
    while (found[1] !== "}") {
      if (found[2] === undefined) throw this.#wrong();
      const name = JSON.parse(found[2]) as string;
      if (this.#next()[1] !== ":") throw this.#wrong();
      // In a map of 64-bit integers the map's name decides.
      const decides = this.#wide.has(field) && !this.#wide.has(name) ? field : name;
      fields.push([name, this.#value(this.#next(), decides, depth)]);
      const mark = this.#next()[1];
      if (mark === "}") break;
      if (mark !== ",") throw this.#wrong();
      found = this.#next();
      if (found[1] === "}") throw this.#wrong();
    }
    // Also right for a field called __proto__.
    return Object.fromEntries(fields);
  }

  #next(): RegExpExecArray {
    token.lastIndex = this.#place;
    const found = token.exec(this.#text);
    if (!found) throw this.#wrong();
    this.#place = token.lastIndex;
    return found;
  }

  #wrong(): SyntaxError {
    return new SyntaxError(`not JSON at character ${this.#place}`);
  }
}

/** Writes JSON; bigints become integers, fields that are undefined are left out. Refuses numbers that are not exact. */
export function writeJson(value: unknown): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))) {
    throw new RangeError("a number cannot hold this integer exactly: use a bigint");
  }
  if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
  if (value instanceof Date) return JSON.stringify(value);
  if (value !== null && typeof value === "object") {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${writeJson(field)}`).join(",")}}`;
  }
  return JSON.stringify(value ?? null);
}
