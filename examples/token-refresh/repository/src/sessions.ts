const sessions = new Map<unknown, string>();

/** Keeps the refresh token that a user holds. */
export function remember(userId: unknown, refresh: string): void {
  sessions.set(userId, refresh);
}

/** The refresh token that a user holds, or undefined. */
export function recall(userId: unknown): string | undefined {
  return sessions.get(userId);
}
