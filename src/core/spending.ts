/** What an agent has cost. Adding two spendings gives what both cost. */
export interface Spending {
  /** US dollars as the agent itself reports them; 0 when it does not. */
  readonly usd: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly turns: number;
}

export const nothingSpent: Spending = { usd: 0, inputTokens: 0, outputTokens: 0, turns: 0 };

export const addSpending = (a: Spending, b: Spending): Spending => ({
  usd: Math.round((a.usd + b.usd) * 1e6) / 1e6,
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  turns: a.turns + b.turns,
});
