/** JSON over several lines; exact integers stay exact, and short lists and objects stay on one line. */
export function pretty(value: unknown, indent = ""): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const parts = isList ? value.map((item) => pretty(item, inner)) : Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}: ${pretty(field, inner)}`);
  const [open, close] = isList ? "[]" : "{}";
  const line = parts.join(", ");
  if (parts.length === 0) return `${open}${close}`;
  if (indent !== "" && line.length < 50 && !line.includes("\n")) return isList ? `[${line}]` : `{ ${line} }`;
  return `${open}\n${parts.map((part) => inner + part).join(",\n")}\n${indent}${close}`;
}
