import { describe, expect, test } from "vitest";
import { mask, secretsOf } from "../../src/adapters/vault/redaction.ts";
import { vault } from "../../src/adapters/vault/vault.ts";

const environment = {
  ANTHROPIC_API_KEY: "sk-test-1234567890",
  GITHUB_TOKEN: "ghs_short1",
  HOME: "/home/ana",
  CI_TOKEN: "abc",
};
const { redact, pack, unpack } = vault({
  environment,
  folders: () => ({ "/home/ana": "~", "/home/ana/trees": "…", "/srv/repo": "." }),
});

describe("J8 what leaves the machine", () => {
  test("holds no value of a secret variable, wherever it stands", async () => {
    expect(await redact("key=sk-test-1234567890, again sk-test-1234567890")).toBe("key=[redacted], again [redacted]");
    expect(await redact("header ghs_short1 end")).toBe("header [redacted] end");
  });
  test("holds no credential that the rules recognise, though no variable has it", async () => {
    const key = [
      "-----BEGIN RSA ",
      "PRIVATE KEY-----\n",
      "MIIEpAIBAAKCAQEA".repeat(8),
      "\n-----END RSA ",
      "PRIVATE KEY-----",
    ].join("");
    expect(await redact(`found ${key} in a file`)).not.toContain("MIIEpAIBAAKCAQEA");
    const token = ["ghp", "_", "R4nd0mR4nd0mR4nd0mR4nd0mR4nd0mR4nd0m"].join("");
    expect(await redact(`git clone https://x:${token}@example.com/a.git`)).not.toContain(token);
  });
  test("holds no path of this machine, the longest folder first", async () => {
    expect(await redact("at /home/ana/trees/run/src/a.ts and /home/ana/.config and /srv/repo/x")).toBe(
      "at …/run/src/a.ts and ~/.config and ./x",
    );
  });
  test("keeps short words of secret variables: they would be found in innocent text", async () => {
    expect(await redact("the abc of it all, at length")).toBe("the abc of it all, at length");
  });
  test("plain text stays as it is", async () => {
    const text = "Expected values to be strictly equal:\n\n401 !== 200\n";
    expect(await redact(text)).toBe(text);
  });
});

describe("a kept session", () => {
  test("comes back as it was, without its secrets", async () => {
    const packed = await pack(new TextEncoder().encode('{"text":"sk-test-1234567890 in /home/ana"}\n'));
    expect(packed && new TextDecoder().decode(await unpack(packed))).toBe('{"text":"[redacted] in ~"}\n');
  });
  test("that is too large is not kept, which costs context only", async () => {
    let noise = "";
    for (let i = 0; noise.length < 6_000_000; i += 1) noise += `${((i * 2654435761) % 4294967296).toString(36)} `;
    expect(await pack(new TextEncoder().encode(noise))).toBeUndefined();
  });
});

test("spans may touch and overlap", () => {
  expect(
    mask("0123456789", [
      { start: 2, end: 5 },
      { start: 4, end: 6 },
      { start: 8, end: 10 },
    ]),
  ).toBe("01[redacted]67[redacted]");
});

test("secrets are told by their names, the longest first", () => {
  expect(secretsOf({ MY_TOKEN: "12345678", DB_PASSWORD: "1234567890", PATH: "/usr/bin:/bin" })).toEqual([
    "1234567890",
    "12345678",
  ]);
});
