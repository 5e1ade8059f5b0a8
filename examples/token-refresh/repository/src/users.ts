export interface User {
  readonly id: number;
  readonly name: string;
}

export const users: readonly User[] = [
  { id: 7, name: "ana" },
  { id: 8, name: "ben" },
];
