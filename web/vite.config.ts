import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

// The server that answers /api, /tiles and /readyz while the page is developed.
const server = process.env["YICE_SERVER"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [vue()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: {
    __VUE_OPTIONS_API__: "true",
    __VUE_PROD_DEVTOOLS__: "false",
    __INTLIFY_PROD_DEVTOOLS__: "false",
  },
  worker: { format: "es" },
  build: {
    // Chromium 109 is the oldest browser met in the offices this is made for.
    target: ["chrome109", "firefox115", "safari16"],
    // A page served with a strict Content-Security-Policy can't use inlined data: fonts and scripts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
  },
  server: {
    host: "127.0.0.1",
    proxy: Object.fromEntries(
      ["/api", "/tiles", "/readyz", "/healthz", "/openapi.json", "/docs"].map((path) => [path, server]),
    ),
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
