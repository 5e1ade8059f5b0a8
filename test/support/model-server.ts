import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A model that plays a script, behind the Anthropic Messages API, on loopback. A real agent is pointed at it with
 * `ANTHROPIC_BASE_URL`.
 *
 * The turn is chosen by the number of tool results in the conversation, so the server needs no memory of who asked
 * before: an agent that was killed and resumes its session is given the turn it had reached. A conversation that is
 * past the end of its script is told "The script has ended."; a request without tools (a title, a summary) gets "ok".
 */
export type Turn = Delayed & (ToolTurn | TextTurn | StatusTurn | HangTurn | CutTurn);
interface Delayed {
  /** Milliseconds before the answer begins. */
  readonly delayMs?: number;
}
interface ToolTurn {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** What the model says before it calls the tool. */
  readonly say?: string;
}
interface TextTurn {
  readonly text: string;
}
/** Answers with an HTTP error, `times` times (for ever when absent), and then plays `next`. */
interface StatusTurn {
  readonly status: number;
  readonly message?: string;
  readonly times?: number;
  readonly next?: Turn;
}
/** Takes the request and never answers. */
interface HangTurn {
  readonly hang: true;
}
/** Begins an answer and drops the connection in the middle of it. */
interface CutTurn {
  readonly cut: true;
}

/** A request as the agent sent it, with what a test or a script wants to know about it worked out. */
export interface ModelRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** All text of the first message of the user: the prompt, with what the agent puts around it. */
  readonly opening: string;
  /** The text of every tool result in the conversation, oldest first. */
  readonly toolResults: readonly string[];
  /** The names of the tools that were offered to the model. */
  readonly tools: readonly string[];
}

/** One script for all conversations, or a choice by what the request holds (a skill's name in its opening). */
export type Script = readonly Turn[] | ((request: ModelRequest) => readonly Turn[]);

export interface ModelServer {
  readonly url: string;
  /** The `/v1/messages` requests that offered tools, in order: the log that proves which history an agent sent. */
  readonly requests: readonly ModelRequest[];
  close(): Promise<void>;
}

/** The scripts by a text that stands in the opening of their conversation; the first that matches is played. */
export const scriptByMarker =
  (scripts: Readonly<Record<string, readonly Turn[]>>) =>
  (request: ModelRequest): readonly Turn[] =>
    Object.entries(scripts).find(([marker]) => request.opening.includes(marker))?.[1] ?? [];

/** Starts the server on a free port of the loopback interface. */
export async function startModelServer(script: Script): Promise<ModelServer> {
  const requests: ModelRequest[] = [];
  const refused = new Map<Turn, number>();

  const turnFor = (request: ModelRequest): Turn => {
    if (request.tools.length === 0) return { text: "ok" };
    requests.push(request);
    const turns = typeof script === "function" ? script(request) : script;
    return turns[request.toolResults.length] ?? { text: "The script has ended." };
  };

  const play = async (turn: Turn, response: ServerResponse, body: ModelRequest["body"]): Promise<void> => {
    if (turn.delayMs !== undefined) await sleep(turn.delayMs);
    if ("hang" in turn) return;
    if ("status" in turn) {
      const count = refused.get(turn) ?? 0;
      if (turn.times !== undefined && count >= turn.times) {
        return play(turn.next ?? { text: "ok" }, response, body);
      }
      refused.set(turn, count + 1);
      return sendJson(response, turn.status, errorBody(turn));
    }
    sendMessage(response, turn, body);
  };

  const server = createServer((request, response) => {
    // An agent that is killed in the middle of an answer resets the connection: that is what these tests are about.
    response.on("error", () => undefined);
    void answer(request, response).catch((error: unknown) => sendJson(response, 500, { error: String(error) }));
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = new URL(request.url ?? "/", "http://model").pathname;
    const text = await textOf(request);
    if (request.method !== "POST") return sendJson(response, 200, {});
    const body = objectOf(JSON.parse(text));
    if (path === "/v1/messages/count_tokens") return sendJson(response, 200, { input_tokens: 100 });
    if (path !== "/v1/messages") return sendJson(response, 404, errorBody({ status: 404 }));
    await play(turnFor(requestOf(path, request.headers, body)), response, body);
  };

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "request-id": "req_scripted" });
  response.end(JSON.stringify(body));
}

const errorTypes: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  429: "rate_limit_error",
  529: "overloaded_error",
};
const errorBody = (turn: StatusTurn): unknown => ({
  type: "error",
  error: { type: errorTypes[turn.status] ?? "api_error", message: turn.message ?? `Scripted ${turn.status}` },
});

/** Sends a whole message, as events when the agent asked for a stream (Claude Code always does). */
function sendMessage(response: ServerResponse, turn: ToolTurn | TextTurn | CutTurn, body: ModelRequest["body"]): void {
  const id = `msg_${Math.random().toString(36).slice(2)}`;
  const blocks = blocksOf(turn);
  const stopReason = "tool" in turn ? "tool_use" : "end_turn";
  const usage = { input_tokens: 100, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 20 };
  const message = { id, type: "message", role: "assistant", model: body["model"], stop_sequence: null, usage };
  if (body["stream"] !== true) {
    sendJson(response, 200, { ...message, content: blocks, stop_reason: stopReason });
    return;
  }

  const send = (event: ServerEvent): boolean =>
    response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  const begun = { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } };
  send({ type: "message_start", message: begun });
  for (const event of blocks.flatMap(eventsOf)) send(event);
  if ("cut" in turn) {
    // Let what was written leave first: dropping at once would look like a refused connection.
    setTimeout(() => response.destroy(), 20);
    return;
  }
  send({ type: "message_delta", delta: { stop_reason: stopReason, stop_sequence: null }, usage });
  send({ type: "message_stop" });
  response.end();
}

type Block =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; readonly input: ToolTurn["input"] };

function blocksOf(turn: ToolTurn | TextTurn | CutTurn): readonly Block[] {
  if ("cut" in turn) return [{ type: "text", text: "I was about to" }];
  if ("text" in turn) return [{ type: "text", text: turn.text }];
  const id = `toolu_${Math.random().toString(36).slice(2)}`;
  const call: Block = { type: "tool_use", id, name: turn.tool, input: turn.input };
  return turn.say === undefined ? [call] : [{ type: "text", text: turn.say }, call];
}

interface ServerEvent {
  readonly type: string;
  readonly [key: string]: unknown;
}

function eventsOf(block: Block, index: number): readonly ServerEvent[] {
  const delta =
    block.type === "text"
      ? { type: "text_delta", text: block.text }
      : { type: "input_json_delta", partial_json: JSON.stringify(block.input) };
  const empty = block.type === "text" ? { ...block, text: "" } : { ...block, input: {} };
  return [
    { type: "content_block_start", index, content_block: empty },
    { type: "content_block_delta", index, delta },
    { type: "content_block_stop", index },
  ];
}

function requestOf(path: string, headers: ModelRequest["headers"], body: ModelRequest["body"]): ModelRequest {
  const messages = listOf(body["messages"]).map(objectOf);
  const parts = messages.flatMap((message) => partsOf(message["content"]));
  return {
    path,
    headers,
    body,
    opening: partsOf(messages.find((message) => message["role"] === "user")?.["content"])
      .map(textOfPart)
      .join("\n"),
    toolResults: parts.filter((part) => part["type"] === "tool_result").map((part) => contentText(part["content"])),
    tools: listOf(body["tools"]).map((tool) => String(objectOf(tool)["name"])),
  };
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
const partsOf = (content: unknown): readonly Readonly<Record<string, unknown>>[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : listOf(content).map(objectOf);
const textOfPart = (part: Readonly<Record<string, unknown>>): string =>
  typeof part["text"] === "string" ? part["text"] : "";
const contentText = (content: unknown): string => partsOf(content).map(textOfPart).join("\n");
