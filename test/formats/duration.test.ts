import { describe, expect, test } from "vitest";
import { parseDuration } from "../../src/formats/duration.ts";

describe("a length of time in milliseconds", () => {
  test.each([
    ["5m", 300_000],
    ["300s", 300_000],
    [300, 300_000],
    ["300", 300_000],
    [0.5, 500],
    ["1.5h", 5_400_000],
    ["1h30m", 5_400_000],
    [" 2 d ", 172_800_000],
    ["250ms", 250],
    ["1M", 60_000],
  ])("%j", (value, ms) => expect(parseDuration(value)).toEqual({ ok: true, value: ms }));
});

test.each([
  0,
  -1,
  "0s",
  "",
  "m",
  "5 minutes",
  "5m!",
  "1e3",
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1e300,
  true,
  null,
  ["5m"],
  { m: 5 },
])("%j is no length of time", (value) =>
  expect(parseDuration(value)).toMatchObject({ ok: false, problems: [{ code: "bad-duration" }] }),
);
