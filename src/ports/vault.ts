/** What leaves this machine leaves without secrets and without its paths (law J8). */
export interface Vault {
  /** The text with known secret values, recognised credentials and absolute paths of this machine taken out. */
  redact(text: string): Promise<string>;
  /** Redacted, compressed; undefined when the result is larger than what is kept. Its absence costs context only. */
  pack(session: Uint8Array): Promise<Uint8Array | undefined>;
  unpack(packed: Uint8Array): Promise<Uint8Array>;
}
