import { type Context, Liquid, LiquidError } from "liquidjs";
import type { Command, CommandTemplate, Evaluation, Scope, Template } from "../core/expression.ts";
import { ok, type Place, type Problem, problem, type Result, refuse } from "../core/problem.ts";
import { suggest } from "../core/suggest.ts";
import { excerpt } from "./excerpt.ts";

const longestSource = 256_000;
const longestText = 1_000_000;
/** A guard against loops over loops; a prompt renders in a millisecond. */
const longestMs = 1_000;

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/u));
/** No tag that reads a file, keeps a count in the caller's data, or lays out a page. */
const tags = words("# assign break capture case comment continue echo else for if liquid raw unless");
/** No filter that asks a clock, a random number or a file, and none that turns the bound on the output off. */
const filters = words(
  `abs append at_least at_most capitalize ceil compact concat default divided_by downcase escape escape_once find first
  floor group_by has join json jsonify last lstrip map minus modulo newline_to_br number_of_words plus prepend reject
  remove remove_first remove_last replace replace_first replace_last reverse round rstrip size slice sort sort_natural
  split strip strip_newlines sum times truncate truncatewords uniq upcase url_decode url_encode where xml_escape`,
);

let engine: Liquid | undefined;

/** Made at the first template: loading a door must not pay for it. */
function engineOf(): Liquid {
  if (engine) return engine;
  const made = new Liquid({
    strictVariables: true,
    strictFilters: true,
    lenientIf: true,
    // As in expressions: empty text and 0 are false.
    jsTruthy: true,
    ownPropertyOnly: true,
    parseLimit: longestSource,
    renderLimit: longestMs,
    memoryLimit: 4 * longestText,
    templates: {},
    outputEscape: textOf,
  });
  for (const name of Object.keys(made.tags)) if (!tags.has(name)) delete made.tags[name];
  for (const name of Object.keys(made.filters)) if (!filters.has(name)) delete made.filters[name];
  engine = made;
  return made;
}

/** What a hole prints: a map or list as JSON instead of `[object Object]`, nothing for nothing; all of it is counted. */
function textOf(this: { readonly context: Context }, value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  this.context.memoryLimit.use(text.length);
  const values = valuesOfCommand.get(this.context.environments);
  if (!values) return text;
  values.push(text);
  return `\${${variableOf(values.length)}}`;
}

/** The values that a command being rendered has met so far, by the scope it is rendered with. */
const valuesOfCommand = new WeakMap<object, string[]>();
const variableOf = (number: number): string => `PERDURE_VALUE_${number}`;

/** A plain text longer than this goes through the engine all the same, for its limits. */
const longestPlain = 10_000;

/**
 * A text with `{{ holes }}` and `{% tags %}` (Liquid), compiled. It can read the scope and nothing else. A name that is
 * not in the scope is a fault, except where an `if`, `unless` or `default` asks for it. Nothing is thrown.
 */
export function compileTemplate(source: string): Result<Template> {
  // Most texts of a definition have no holes, and making the engine costs ten milliseconds.
  if (!/\{[{%]/.test(source) && source.length <= longestPlain)
    return ok({ source, render: () => ({ ok: true, value: source }) });
  try {
    const parsed = engineOf().parse(source);
    return ok({ source, render: (scope) => render(parsed, scope) });
  } catch (error) {
    return refuse(faultOf(error));
  }
}

/** The same for a command line, whose holes print the names of variables instead of their values. */
export function compileCommand(source: string): Result<CommandTemplate> {
  const template = compileTemplate(source);
  return template.ok ? ok({ source, render: (scope) => renderCommand(template.value, scope) }) : template;
}

function renderCommand(template: Template, scope: Scope): Evaluation<Command> {
  const values: string[] = [];
  valuesOfCommand.set(scope, values);
  try {
    const line = template.render(scope);
    if (!line.ok) return line;
    const nul = values.findIndex((value) => value.includes("\0"));
    if (nul >= 0) return { ok: false, message: "a value holds a NUL character, which no command can be given" };
    const environment = Object.fromEntries(values.map((value, index) => [variableOf(index + 1), value]));
    return { ok: true, value: { line: line.value, environment } };
  } finally {
    valuesOfCommand.delete(scope);
  }
}

function render(parsed: ReturnType<Liquid["parse"]>, scope: Scope): Evaluation<string> {
  try {
    const text: unknown = engineOf().renderSync(parsed, scope);
    if (typeof text === "string" && text.length <= longestText) return { ok: true, value: text };
    return { ok: false, message: `the text grew over ${longestText} characters` };
  } catch (error) {
    const { line, column } = placeOf(error);
    const where = line === undefined ? "" : ` at line ${line}, column ${column}`;
    return { ok: false, message: `${excerpt(messageOf(error))}${where}` };
  }
}

/** The library's complaint as a problem, with the slip that most often stands behind it. */
function faultOf(error: unknown): Problem {
  const message = messageOf(error);
  const [, kind, name] = /^(?:undefined (filter): |(?:tag) )"?(\w+)/u.exec(message) ?? [];
  const near = name && suggest(name, [...(kind === "filter" ? filters : tags)]);
  return problem("bad-template", `${excerpt(message)}.`, {
    where: placeOf(error),
    expected: "`{{ name }}`, `{% if name %} … {% endif %}` or `{% for item in list %} … {% endfor %}`",
    fix: near
      ? `Did you mean \`${near}\`?`
      : message.startsWith('expected ":"')
        ? 'Write what a filter needs after a colon: `{{ name | default: "none" }}`.'
        : "Check the tag near this place; `{% raw %}` … `{% endraw %}` prints braces as they are.",
  });
}

/** The library writes the place into its message; here it is a field of its own. */
const messageOf = (error: unknown): string => {
  const message = LiquidError.is(error) ? (error.originalError?.message ?? error.message) : String(error);
  return message.replace(/, (?:file|line|col):[\s\S]*$/u, "");
};

function placeOf(error: unknown): Place {
  if (!LiquidError.is(error)) return { line: 1, column: 1 };
  const [line, column] = error.token.getPosition();
  return { line: line ?? 1, column: column ?? 1 };
}
