/** Names in the styles of both languages. */

/** A name's words: `starting_after` and `webhook-endpoints` are two each, `createOrder` is one. */
export function words(name: string): string[] {
  return name.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
}

/** `starting_after` is `startingAfter`. */
export function camelCase(name: string): string {
  return words(name).map((word, index) => (index === 0 ? word : capital(word))).join("");
}

const pythonWords = new Set(
  "False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield".split(" "),
);

/** Whether Python allows it as an attribute. */
export const isPythonName = (name: string) => /^[A-Za-z_]\w*$/.test(name) && !pythonWords.has(name);

/** `createRefund` is `create_refund`; Python's own words get an underscore. */
export function snakeCase(name: string): string {
  const snaked = words(name).map((word) => word.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toLowerCase()).join("_");
  return pythonWords.has(snaked) ? `${snaked}_` : snaked;
}

/** `order` is `Order`. */
export const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
