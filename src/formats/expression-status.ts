import { data } from "@actions/expressions";
import {
  Binary,
  ContextAccess,
  type Expr,
  FunctionCall,
  Grouping,
  IndexAccess,
  Literal,
  Logical,
  Unary,
} from "@actions/expressions/ast";
import { TokenType } from "@actions/expressions/lexer";

/** Words that mean one status wherever a `.status` is compared (requirements C5, C6): a cached step has completed. */
const families: readonly (readonly string[])[] = [
  ["completed", "success", "cached"],
  ["failed", "failure"],
];
/** Maps whose entries people name themselves; a `status` in there is their own word. */
const own = new Set(["outputs", "inputs"]);

/** Makes every comparison of a `.status` with a word accept the other words for it. Changes the tree in place. */
export function acceptStatusWords(node: Expr): Expr {
  if (node instanceof Binary) {
    node.left = acceptStatusWords(node.left);
    node.right = acceptStatusWords(node.right);
    return widened(node);
  }
  if (node instanceof Logical || node instanceof FunctionCall) node.args = node.args.map(acceptStatusWords);
  if (node instanceof Unary || node instanceof IndexAccess) node.expr = acceptStatusWords(node.expr);
  if (node instanceof IndexAccess) node.index = acceptStatusWords(node.index);
  if (node instanceof Grouping) node.group = acceptStatusWords(node.group);
  return node;
}

/** `x.status == "success"` becomes `x.status == "completed" || x.status == "success" || …`, and `!=` the opposite. */
function widened(node: Binary): Expr {
  const { left, operator, right } = node;
  const type =
    operator.type === TokenType.EQUAL_EQUAL
      ? TokenType.OR
      : operator.type === TokenType.BANG_EQUAL
        ? TokenType.AND
        : undefined;
  const [status, word] = isStatus(left) ? [left, right] : [right, left];
  if (type === undefined || !isStatus(status) || !(word instanceof Literal)) return node;
  // `completed` and `success` mean the family; `cached` alone means just that.
  const family = families.find((words) => words.slice(0, 2).includes(word.literal.coerceString().toLowerCase()));
  if (!family) return node;
  const same = (name: string) => new Binary(status, operator, new Literal(new data.StringData(name), word.token));
  return new Logical({ ...operator, type }, family.map(same));
}

const isStatus = (node: Expr): boolean =>
  node instanceof IndexAccess && nameOf(node) === "status" && !own.has(nameOf(node.expr) ?? "");

/** The last name of an access: `outputs` in `steps.build.outputs`. */
function nameOf(node: Expr): string | undefined {
  if (node instanceof ContextAccess) return node.name.lexeme.toLowerCase();
  if (!(node instanceof IndexAccess && node.index instanceof Literal)) return undefined;
  return node.index.literal.coerceString().toLowerCase();
}
