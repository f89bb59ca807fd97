/** Writes the generated parts of both client libraries: `main.js OPENAPI_JSON CLIENTS_FOLDER`. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readApi } from "./model.ts";
import { pythonResources, pythonTypes } from "./python.ts";
import type { Json } from "./shape.ts";
import { typescriptResources, typescriptTypes } from "./typescript.ts";

const [description, folder] = process.argv.slice(2);
if (description === undefined || folder === undefined) throw new Error("usage: main.js OPENAPI_JSON CLIENTS_FOLDER");

const api = readApi(JSON.parse(readFileSync(description, "utf8")) as Json);
const files = {
  "typescript/src/generated/types.ts": typescriptTypes(api),
  "typescript/src/generated/resources.ts": typescriptResources(api),
  "python/tapstone/_generated_types.py": pythonTypes(api),
  "python/tapstone/_generated_resources.py": pythonResources(api),
};
mkdirSync(join(folder, "typescript/src/generated"), { recursive: true });
for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
