export interface Claims {
  readonly sub: unknown;
  readonly kind: "access" | "refresh";
}

export const encode = (claims: Claims): string => Buffer.from(JSON.stringify(claims)).toString("base64url");

export const decode = (token: string): Claims => JSON.parse(Buffer.from(token, "base64url").toString("utf8")) as Claims;

export const issue = (userId: number, kind: Claims["kind"]): string => encode({ sub: userId.toString(), kind });
