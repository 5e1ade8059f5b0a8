import { data, Evaluator, type Expr, ExpressionError, Lexer, Parser, wellKnownFunctions } from "@actions/expressions";
import { type Token, TokenType } from "@actions/expressions/lexer";
import type { Value } from "../core/brand.ts";
import type { Evaluation, Expression, Scope } from "../core/expression.ts";
import { ok, type Place, type Problem, problem, type Result, refuse } from "../core/problem.ts";
import { suggest } from "../core/suggest.ts";
import { excerpt } from "./excerpt.ts";
import { contextOf, plainOf } from "./expression-data.ts";
import { acceptStatusWords } from "./expression-status.ts";
import { maskStrings } from "./expression-strings.ts";

const longestSource = 20_000;
const longestText = 1_000_000;

/**
 * GitHub's expression language (design: "Libraries for text"), wrapped in `${{ }}` or not, with two additions: text may
 * stand in double quotes, and `.status` knows `success` and `completed` as one word (requirements C6). Any name may be
 * a root; what is not there is null. Nothing is thrown, here or in evaluation.
 */
export function compileExpression(source: string): Result<Expression> {
  const wrapped = /^\s*\$\{\{([\s\S]*)\}\}\s*$/u.exec(source);
  const inner = wrapped?.[1] ?? source;
  const place = (offset: number) => placeIn(source, offset + (wrapped ? source.indexOf("{{") + 2 : 0));
  if (inner.length > longestSource) {
    const received = `${inner.length} characters`;
    return refuse(bad("The expression is too long.", { expected: `at most ${longestSource} characters`, received }));
  }
  if (inner.trim() === "") return refuse(bad("The expression is empty.", { expected: "a condition or value" }));
  try {
    const tree = acceptStatusWords(parse(inner));
    return ok({ source, evaluate: (scope) => evaluate(tree, scope) });
  } catch (error) {
    return refuse(faultOf(error, inner, place));
  }
}

function parse(source: string): Expr {
  const { masked, texts } = maskStrings(source);
  const { tokens } = new Lexer(masked).lex();
  const strings = tokens.filter(({ type }) => type === TokenType.STRING);
  for (const [index, token] of strings.entries()) token.value = texts[index] ?? "";
  return new Parser(tokens, rootsOf(tokens), []).parse();
}

/** Names that begin an access; the library wants to know them before it parses. */
const rootsOf = (tokens: readonly Token[]): string[] =>
  tokens
    .filter(
      ({ type }, index) =>
        type === TokenType.IDENTIFIER &&
        tokens[index - 1]?.type !== TokenType.DOT &&
        tokens[index + 1]?.type !== TokenType.LEFT_PAREN,
    )
    .map(({ lexeme }) => lexeme);

function evaluate(tree: Expr, scope: Scope): Evaluation<Value> {
  try {
    return { ok: true, value: plainOf(new Evaluator(tree, contextOf(scope), boundedFunctions).evaluate()) };
  } catch (error) {
    return { ok: false, message: excerpt(messageOf(error)) };
  }
}

/** The library's functions; a text that doubles at every call is stopped before it fills the memory. */
const boundedFunctions = new Map(
  Object.entries(wellKnownFunctions).map(([name, definition]) => [
    name,
    {
      ...definition,
      call: (...given: Parameters<typeof definition.call>) => {
        const result = definition.call(...given);
        if (!(result instanceof data.StringData) || result.value.length <= longestText) return result;
        throw new Error(`${definition.name} made a text of more than ${longestText} characters`);
      },
    },
  ]),
);

const functionNames = ["contains", "startsWith", "endsWith", "format", "join", "toJSON", "fromJSON"];
const operators: Readonly<Record<string, string>> = { and: "&&", or: "||", not: "!", "=": "==", "&": "&&", "|": "||" };

/** The library's complaint as a problem, with the slip that most often stands behind it. */
function faultOf(error: unknown, source: string, place: (offset: number) => Place): Problem {
  const message = messageOf(error);
  const symbol = /'([^']*)'/u.exec(message)?.[1] ?? "";
  const meant = operators[symbol.toLowerCase()] ?? (symbol.startsWith("=") ? "==" : undefined);
  const near = message.startsWith("Unrecognized function") ? suggest(symbol, functionNames) : undefined;
  const complaint = excerpt(message.replace(/\. Located at position[\s\S]*$/u, ""));
  return bad(`${complaint.replaceAll("'", "`")}.`, {
    where: place(offsetOf(error, source)),
    received: excerpt(source),
    expected: message.startsWith("Unrecognized function")
      ? `one of ${functionNames.join(", ")}`
      : 'an expression such as `steps.build.status == "completed"`',
    fix: meant
      ? `Write \`${meant}\` instead of \`${excerpt(symbol)}\`.`
      : near
        ? `Did you mean \`${near}\`?`
        : "Check the expression near this place; text stands in quotes.",
  });
}

const bad = (what: string, more: Parameters<typeof problem>[2]): Problem => problem("bad-expression", what, more);
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : "unknown fault");

/** Where in the text the library stumbled; it tells in two ways, and not always. */
function offsetOf(error: unknown, source: string): number {
  if (error instanceof ExpressionError) {
    const before = source.split("\n").slice(0, error.pos.line);
    return before.reduce((sum, line) => sum + line.length + 1, error.pos.column);
  }
  const position = error instanceof Error ? / at position (\d+) /u.exec(error.message)?.[1] : undefined;
  return position === undefined ? 0 : Number(position) - 1;
}

function placeIn(source: string, offset: number): Place {
  const before = source.slice(0, Math.max(offset, 0)).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
}
