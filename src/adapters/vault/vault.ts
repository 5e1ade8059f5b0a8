import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { Vault } from "../../ports/vault.ts";
import { mask, replaceKnown, type Span, secretsOf } from "./redaction.ts";

/** A kept session larger than this, compressed, is not worth its place on a branch. */
const largestSession = 2 * 1024 * 1024;

export interface VaultParts {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute folders of this machine and what stands for them in public: the work tree is `.`, the home is `~`. */
  readonly folders: () => Readonly<Record<string, string>>;
}

/**
 * Takes out what must not leave: the values of this process's own secrets, whatever secretlint's rules recognise
 * (they are kept up by people who do nothing else), and this machine's paths.
 */
export function vault({ environment, folders }: VaultParts): Vault {
  const secrets = secretsOf(environment);
  const redact = async (text: string): Promise<string> => {
    if (text.length < 8) return text;
    const known = replaceKnown(text, secrets, folders());
    return mightHoldSecret(known) ? mask(known, await recognised(known)) : known;
  };
  return {
    redact,
    async pack(session) {
      const clean = await redact(new TextDecoder().decode(session));
      const packed = await promisify(gzip)(clean, { level: 6 });
      return packed.length <= largestSession ? packed : undefined;
    },
    unpack: async (packed) => promisify(gunzip)(packed, { maxOutputLength: 256 * 1024 * 1024 }),
  };
}

/** Loading the rules costs tens of milliseconds; text without any long word of the kind that keys are made of has none. */
const mightHoldSecret = (text: string): boolean =>
  /[A-Za-z0-9_\-+/=.]{16,}|-----BEGIN|:\/\/[^\s/]*:[^\s/]*@/.test(text);

async function recognised(text: string): Promise<readonly Span[]> {
  const [{ lintSource }, { creator }] = await Promise.all([
    import("@secretlint/core"),
    import("@secretlint/secretlint-rule-preset-recommend"),
  ]);
  const result = await lintSource({
    source: { content: text, filePath: "text.txt", ext: ".txt", contentType: "text" },
    options: {
      config: { rules: [{ id: "@secretlint/secretlint-rule-preset-recommend", rule: creator, options: {} }] },
      noPhysicFilePath: true,
    },
  });
  return result.messages.map((message) => ({ start: message.range[0], end: message.range[1] }));
}
