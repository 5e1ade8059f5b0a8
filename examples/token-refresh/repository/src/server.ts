import { createServer, type IncomingMessage, type Server } from "node:http";
import { decode, issue } from "./tokens.js";
import { users } from "./users.js";

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

const unauthorised: Reply = { status: 401, body: { error: "unauthorised" } };

export const api = (): Server =>
  createServer(async (request, response) => {
    const { status, body } = await answer(request);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });

async function answer(request: IncomingMessage): Promise<Reply> {
  const input = await bodyOf(request);
  switch (`${request.method} ${request.url}`) {
    case "POST /login": {
      const user = users.find(({ name }) => name === input["name"]);
      if (!user) return unauthorised;
      return { status: 200, body: { access: issue(user.id, "access"), refresh: issue(user.id, "refresh") } };
    }
    case "GET /me": {
      const claims = decode((request.headers.authorization ?? "").replace("Bearer ", ""));
      const user = users.find(({ id }) => String(id) === claims.sub);
      return user ? { status: 200, body: user } : unauthorised;
    }
    default:
      return { status: 404, body: { error: "not found" } };
  }
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, string>> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text === "" ? {} : (JSON.parse(text) as Record<string, string>);
}
