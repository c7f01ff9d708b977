// How the dashboard is built: into dist/, which the server embeds and serves below /dashboard/.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `npm run dev` talks to this server; sign in with a key of it.
const server = process.env.TELECINE_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  base: "/dashboard/",
  plugins: [react()],
  build: {
    target: "es2022",
    // Inlined files would be data: URLs, which the content security policy forbids.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: {
    host: "127.0.0.1",
    // The server takes the cookie only from its own origin.
    proxy: { "^/(v1\\.\\d|pictures|streams)/": { target: server, changeOrigin: true, headers: { origin: server } } },
  },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx"] },
});
