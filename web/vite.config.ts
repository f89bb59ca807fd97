import { defineConfig } from "vite";

const pages = ["index", "till", "wallet", "reference"];

/** The server answers the pages without `.html`; the development server does the same. */
const pageRoutes = new Map([
  ["/till", "/till.html"],
  ["/wallet", "/wallet.html"],
  ["/t", "/wallet.html"],
  ["/reference", "/reference.html"],
]);

const api = { target: process.env["TAPSTONE_API"] ?? "http://127.0.0.1:8080" };

export default defineConfig({
  appType: "mpa",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [
    {
      name: "tapstone-page-routes",
      configureServer(server) {
        server.middlewares.use((request, _response, next) => {
          const [path = "/", query] = (request.url ?? "/").split("?", 2);
          const page = pageRoutes.get(path);
          if (page) request.url = query === undefined ? page : `${page}?${query}`;
          next();
        });
      },
    },
  ],
  // The reference shares its examples' generator with the client libraries.
  server: { fs: { allow: [".."] }, proxy: { "/v1": api, "/demo": api, "/openapi.json": api } },
  build: {
    target: "es2022",
    // The strict content policy allows files, not inlined ones.
    assetsInlineLimit: 0,
    rollupOptions: { input: pages.map((page) => `${page}.html`) },
  },
});
