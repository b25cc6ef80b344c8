import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Nothing is inlined: the server allows scripts and styles from itself alone. */
export default defineConfig({
  base: "/ui/",
  plugins: [react(), tailwind()],
  build: { assetsInlineLimit: 0, target: "es2023", sourcemap: false, modulePreload: { polyfill: false } },
  server: { proxy: { "/api": process.env["WINDLASS_SERVER"] ?? "http://127.0.0.1:8380" } },
});
