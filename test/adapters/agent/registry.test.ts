import { describe, expect, it } from "vitest";
import { agentNamed, agentNames } from "../../../src/adapters/agent/registry.ts";
import { processGroups } from "../../../src/adapters/process/group.ts";

const dependencies = { processes: processGroups(), host: {}, newId: () => "id" };

describe("The registry of agents", () => {
  it.each([...agentNames])("has %s under its own name, and starts nothing", (name) => {
    expect(agentNamed(name, dependencies)).toMatchObject({ ok: true, value: { name } });
  });

  it("knows the one that was probably meant", () => {
    expect(agentNamed("claude-cod", dependencies)).toMatchObject({
      ok: false,
      problems: [
        {
          code: "unknown-agent",
          what: "There is no agent `claude-cod`.",
          expected: "claude-code, command, scripted",
          fix: "Did you mean `claude-code`?",
        },
      ],
    });
  });

  it.each(["toString", "__proto__", "gpt"])("does not have %s", (name) => {
    expect(agentNamed(name, dependencies)).toMatchObject({
      ok: false,
      problems: [{ fix: "Name one of these agents." }],
    });
  });
});
