import { afterEach, describe, expect, it } from "vitest";
import { type ModelServer, type Script, scriptByMarker, startModelServer } from "./model-server.ts";

let server: ModelServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

interface Asked {
  readonly messages: readonly unknown[];
  readonly tools?: readonly unknown[];
  readonly stream?: boolean;
}
async function ask(script: Script, asked: Partial<Asked> = {}): Promise<Response> {
  server ??= await startModelServer(script);
  const messages = [{ role: "user", content: "Do it." }];
  const body = JSON.stringify({ model: "m", messages, tools: [{ name: "Read" }], stream: true, ...asked });
  return fetch(`${server.url}/v1/messages?beta=true`, { method: "POST", body });
}
const called = (count: number): readonly unknown[] => [
  { role: "user", content: [{ type: "text", text: "Do it." }] },
  ...Array.from({ length: count }, () => ({ role: "user", content: [{ type: "tool_result", content: "seen" }] })),
];

describe("The scripted model", () => {
  it("streams a tool call as events", async () => {
    const response = await ask([{ say: "I look.", tool: "Read", input: { file_path: "a" } }]);
    const text = await response.text();
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect([...text.matchAll(/^event: (\w+)$/gm)].map((found) => found[1])).toEqual([
      "message_start",
      ...["content_block_start", "content_block_delta", "content_block_stop"],
      ...["content_block_start", "content_block_delta", "content_block_stop"],
      ...["message_delta", "message_stop"],
    ]);
    expect(text).toContain('"partial_json":"{\\"file_path\\":\\"a\\"}"');
    expect(text).toContain('"stop_reason":"tool_use"');
  });

  it("chooses the turn by the tool results in the conversation, so that a resumed one goes on", async () => {
    const script = [{ tool: "Read", input: {} }, { text: "second" }];
    expect(await (await ask(script, { messages: called(1) })).text()).toContain("second");
    expect(await (await ask(script, { messages: called(2) })).text()).toContain("The script has ended.");
    expect(server?.requests.map((request) => request.toolResults.length)).toEqual([1, 2]);
    expect(server?.requests[0]).toMatchObject({ opening: "Do it.", tools: ["Read"], toolResults: ["seen"] });
  });

  it("answers a request without tools, and the rest of what agents ask, without the script", async () => {
    const script = [{ text: "scripted" }];
    const answer = await (await ask(script, { tools: [], stream: false })).json();
    expect(answer).toMatchObject({
      role: "assistant",
      content: [{ type: "text", text: "ok" }],
      stop_reason: "end_turn",
    });
    expect(server?.requests).toEqual([]);
    const url = server?.url ?? "";
    expect((await fetch(url, { method: "HEAD" })).status).toBe(200);
    const count = await fetch(`${url}/v1/messages/count_tokens`, { method: "POST", body: "{}" });
    expect(await count.json()).toEqual({ input_tokens: 100 });
    expect((await fetch(`${url}/v1/other`, { method: "POST", body: "{}" })).status).toBe(404);
  });

  it("refuses as often as it is told, and then goes on", async () => {
    const script = [{ status: 529, times: 2, next: { text: "fine" } }];
    const statuses = [];
    for (const _ of [1, 2, 3]) statuses.push((await ask(script)).status);
    expect(statuses).toEqual([529, 529, 200]);
  });

  it("drops the connection in the middle, or never answers", async () => {
    await expect((await ask([{ cut: true }])).text()).rejects.toThrow();
    await server?.close();
    server = await startModelServer([{ hang: true }]);
    const hung = fetch(`${server.url}/v1/messages`, {
      method: "POST",
      body: JSON.stringify({ messages: [], tools: [{ name: "Read" }] }),
    });
    const result = await Promise.race([hung, new Promise((resolve) => setTimeout(resolve, 100, "silence"))]);
    expect(result).toBe("silence");
    await server.close();
    await expect(hung).rejects.toThrow();
    server = undefined;
  });

  it("plays the script whose marker stands in the opening", async () => {
    const script = scriptByMarker({ triage: [{ text: "one" }], execute: [{ text: "two" }] });
    const messages = [
      {
        role: "user",
        content: [
          { type: "text", text: "<reminder>" },
          { type: "text", text: "execute this" },
        ],
      },
    ];
    expect(await (await ask(script, { messages })).text()).toContain("two");
    expect(await (await ask(script)).text()).toContain("The script has ended.");
  });
});
