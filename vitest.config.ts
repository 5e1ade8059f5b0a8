import { defineConfig } from "vitest/config";

/** A suite that starts real processes: one file at a time, and time enough for a busy machine. */
const slow = (name: string) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    // After the unit tests: a suite that measures time should not share the cores with them.
    sequence: { groupOrder: 1 },
  },
});

/** Suites by folder. `unit` is every test that is in none of the others. */
const folders = ["e2e", "agents", "crash"];

export default defineConfig({
  test: {
    // Two cores are what a small runner has.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: folders.map((folder) => `test/${folder}/**`),
        },
      },
      ...folders.map(slow),
    ],
    coverage: { provider: "v8", include: ["src/**/*.ts"], reporter: ["text-summary", "html"] },
  },
});
