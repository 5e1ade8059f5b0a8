/** What a person can tell a run. Parsing is a format's business; here is only what was meant. */
export type Command =
  | { readonly verb: "pause"; readonly now: boolean }
  | { readonly verb: "cancel"; readonly now: boolean }
  | { readonly verb: "resume"; readonly usd?: number }
  | { readonly verb: "answer"; readonly answers: Readonly<Record<string, string>>; readonly defaults: boolean }
  | { readonly verb: "note"; readonly text: string };
