import assert from "node:assert/strict";
import { test } from "node:test";
import { rates } from "../src/rates.js";

test("asks the service once for each currency", async () => {
  const asked = [];
  const { rate } = rates(async (currency) => {
    asked.push(currency);
    return 2;
  });
  assert.deepEqual([await rate("EUR"), await rate("EUR"), await rate("USD")], [2, 2, 2]);
  assert.deepEqual(asked, ["EUR", "USD"]);
});
