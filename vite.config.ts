import { defaultClientConditions, defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // With `source` the package's own name leads to its sources, so that nothing has to be built first.
  resolve: { conditions: ["source", ...defaultClientConditions] },
  ssr: { resolve: { conditions: ["source", ...defaultServerConditions] } },
  test: {
    include: ["{src,adapters,playground,docs,test}/**/*.test.{ts,tsx}"],
    // Generous, because time is measured in the bench: here a slow machine is no failure, and only what hangs is.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    coverage: { include: ["src/**", "adapters/**"] },
  },
});
