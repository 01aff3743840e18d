import { defaultClientConditions, defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // With `source` the package's own name leads to its sources, so that nothing has to be built first.
  resolve: { conditions: ["source", ...defaultClientConditions] },
  ssr: { resolve: { conditions: ["source", ...defaultServerConditions] } },
  test: {
    include: ["{src,adapters,playground,docs,test}/**/*.test.{ts,tsx}"],
    coverage: { include: ["src/**", "adapters/**"] },
  },
});
