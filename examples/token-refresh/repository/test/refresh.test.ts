import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { api } from "../src/server.js";

const server = api();
let base = "";

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

const post = (path: string, body: unknown): Promise<Response> =>
  fetch(`${base}${path}`, { method: "POST", body: JSON.stringify(body) });

test("a refresh token gives a new access token", async () => {
  const { refresh } = (await (await post("/login", { name: "ana" })).json()) as { refresh: string };
  const refreshed = await post("/refresh", { refresh });
  assert.equal(refreshed.status, 200);
  const { access } = (await refreshed.json()) as { access: string };
  const me = await fetch(`${base}/me`, { headers: { authorization: `Bearer ${access}` } });
  assert.deepEqual(await me.json(), { id: 7, name: "ana" });
});

test("a refresh token that nobody was given is refused", async () => {
  const forged = Buffer.from(JSON.stringify({ sub: 8, kind: "refresh" })).toString("base64url");
  assert.equal((await post("/refresh", { refresh: forged })).status, 401);
});
