import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What happens to the pushes that come next, one entry for each; afterwards the network is sound again. */
export type Fault =
  /** The connection ends before git has seen the request. */
  | "cut-before"
  /** Git does what it was asked, and the answer is lost. */
  | "cut-after"
  /** Git does what it was asked, and half of the answer is lost. */
  | "cut-halfway"
  /** A proxy on the way gives up; git has not seen the request. */
  | "bad-gateway"
  | "none";

export interface GitServer {
  /** The address of the repository `NAME.git` in the folder. */
  address(name: string): string;
  faults: Fault[];
  /** Called after git has done what a push asked, before the answer goes out or is lost. */
  afterPush: () => void | Promise<void>;
  /** Requests so far, `METHOD PATH`. */
  readonly requests: readonly string[];
  /** Whether anything is answered at all. */
  up: boolean;
  close(): Promise<void>;
}

/** Smart HTTP over loopback by git's own CGI program, with the faults of a real network. */
export async function gitServer(folder: string): Promise<GitServer> {
  const requests: string[] = [];
  const state = { faults: [] as Fault[], afterPush: () => undefined as void | Promise<void>, up: true };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests.push(`${request.method} ${request.url}`);
    const isPush = request.method === "POST" && (request.url?.endsWith("/git-receive-pack") ?? false);
    const fault = state.up ? ((isPush ? state.faults.shift() : undefined) ?? "none") : "cut-before";
    if (fault === "cut-before") return void request.socket.destroy();
    if (fault === "bad-gateway") return void response.writeHead(502).end("Bad gateway");
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk as Buffer);
    const answer = await runCgi(folder, request, Buffer.concat(body));
    if (isPush) await state.afterPush();
    if (fault === "cut-after") return void request.socket.destroy();
    const end = answer.indexOf("\r\n\r\n");
    const headers = answer
      .toString("latin1", 0, end)
      .split("\r\n")
      .map((line) => line.split(": ") as [string, string]);
    const status = headers.find(([name]) => name === "Status")?.[1] ?? "200";
    response.writeHead(Number.parseInt(status, 10), Object.fromEntries(headers.filter(([name]) => name !== "Status")));
    if (fault !== "cut-halfway") return void response.end(answer.subarray(end + 4));
    response.write(answer.subarray(end + 4, end + 4 + Math.floor((answer.length - end - 4) / 2)), () =>
      request.socket.destroy(),
    );
  };

  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, {
    requests,
    address: (name: string) => `http://127.0.0.1:${port}/${name}.git`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

function runCgi(folder: string, request: IncomingMessage, body: Buffer): Promise<Buffer> {
  const [path = "", query = ""] = (request.url ?? "").split("?");
  const child = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env["PATH"] ?? "",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: "1",
      // Receive-pack wants somebody who is known.
      REMOTE_USER: "ana",
      REQUEST_METHOD: request.method ?? "GET",
      PATH_INFO: path,
      QUERY_STRING: query,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stdin.on("error", () => undefined);
  child.stdin.end(body);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve(Buffer.concat(output)));
  });
}
