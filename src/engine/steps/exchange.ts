import { type Contract, type Document, type DocumentName, documentPath } from "../../core/document.ts";
import type { KeptDocument } from "../../core/event.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { SkillDocument } from "../../core/skill.ts";
import type { Tree } from "../../ports/workspace.ts";
import type { Worker } from "../worker.ts";

/** Where an agent finds what it is given, and where it leaves what it makes; inside the work tree, never committed. */
export const inFolder = ".perdure/in";
export const outFolder = ".perdure/out";

export interface Present {
  readonly name: string;
  readonly path: string;
}

/** Lays the documents of the run, and the contracts of those to be written, into the tree. */
export async function layInputs(
  worker: Worker,
  tree: Tree,
  fresh: Readonly<Partial<Record<DocumentName, Document>>>,
): Promise<readonly Present[]> {
  const { scratch } = worker.ports;
  const { contracts } = worker.kit;
  await scratch.clear(tree.directory, inFolder);
  const present: Present[] = [];
  for (const kept of Object.values(worker.ledger.state().documents)) {
    const text = await keptText(worker, kept);
    if (text === undefined || fresh[kept.name]) continue;
    present.push(await lay(kept.name, contracts[kept.name].file, text));
  }
  for (const [name, document] of Object.entries(fresh) as [DocumentName, Document][]) {
    present.push(await lay(name, contracts[name].file, contracts[name].write(document)));
  }
  return present;

  async function lay(name: string, file: string, text: string): Promise<Present> {
    const path = `${inFolder}/${file}`;
    await scratch.put(tree.directory, path, text);
    return { name, path };
  }
}

/** Earlier attempts at verification, for whoever must see the pattern in them. */
export async function layHistory(worker: Worker, tree: Tree, paths: readonly string[]): Promise<readonly Present[]> {
  const present: Present[] = [];
  for (const path of paths) {
    const bytes = await worker.ledger.read(path);
    if (!bytes) continue;
    const target = `${inFolder}/history/${path.replaceAll("/", "-")}`;
    await worker.ports.scratch.put(tree.directory, target, new TextDecoder().decode(bytes));
    present.push({ name: path, path: target });
  }
  return present;
}

export interface Expected {
  readonly name: string;
  readonly path: string;
  readonly required: boolean;
  readonly schema_path: string;
  readonly example_path: string;
}

/** Empties the out folder and says what must appear in it, with a schema and an example of each beside the inputs. */
export async function layExpectations(
  worker: Worker,
  tree: Tree,
  outputs: readonly SkillDocument[],
): Promise<readonly Expected[]> {
  const { scratch } = worker.ports;
  await scratch.clear(tree.directory, outFolder);
  const expected: Expected[] = [];
  for (const { name, required } of outputs) {
    const { file } = worker.kit.contracts[name];
    const guide = worker.kit.guide(name);
    const schemaPath = `${inFolder}/contracts/${name}.schema.json`;
    const examplePath = `${inFolder}/contracts/example-${file}`;
    await scratch.put(tree.directory, schemaPath, guide.schema);
    await scratch.put(tree.directory, examplePath, guide.example);
    expected.push({ name, path: `${outFolder}/${file}`, required, schema_path: schemaPath, example_path: examplePath });
  }
  return expected;
}

export interface Received {
  readonly documents: ReadonlyMap<DocumentName, { readonly document: Document; readonly text: string }>;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** Reads what was left in the out folder against its contracts. Files nobody expected are left alone, and named. */
export async function receive(worker: Worker, tree: Tree, outputs: readonly SkillDocument[]): Promise<Received> {
  const { scratch, vault } = worker.ports;
  const documents = new Map<DocumentName, { readonly document: Document; readonly text: string }>();
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const known = new Set<string>();
  for (const { name, required } of outputs) {
    const contract: Contract = worker.kit.contracts[name];
    known.add(contract.file);
    const text = await scratch.get(tree.directory, `${outFolder}/${contract.file}`);
    if (text === undefined) {
      if (required)
        problems.push(
          problem("missing-document", `\`${contract.file}\` was not written.`, {
            expected: `${outFolder}/${contract.file}`,
          }),
        );
      continue;
    }
    const clean = await vault.redact(text);
    const read = contract.read(clean);
    if (!read.ok) problems.push(...read.problems);
    else {
      documents.set(name, { document: read.value, text: clean });
    }
  }
  const strangers = (await scratch.list(tree.directory, outFolder)).filter((file) => !known.has(file));
  if (strangers.length > 0) warnings.push(`Files nobody expected were left out: ${strangers.slice(0, 5).join(", ")}.`);
  return { documents, problems, warnings };
}

export async function keptText(worker: Worker, kept: KeptDocument): Promise<string | undefined> {
  const bytes = await worker.ledger.read(kept.path);
  return bytes && new TextDecoder().decode(bytes);
}

/** A document of the run as it was last kept, or undefined. It was checked when it was kept. */
export async function keptDocument(worker: Worker, name: DocumentName): Promise<Document | undefined> {
  const kept = worker.ledger.state().documents[name];
  const text = kept && (await keptText(worker, kept));
  const read = text === undefined ? undefined : worker.kit.contracts[name].read(text);
  return read?.ok ? read.value : undefined;
}

/** Files and journal entries for documents that are to be kept. */
export function keep(
  worker: Worker,
  visit: number,
  documents: ReadonlyMap<DocumentName, { readonly text: string }>,
): { readonly files: Readonly<Record<string, string>>; readonly kept: readonly KeptDocument[] } {
  const kept = [...documents.keys()].map((name) => ({ name, path: documentPath(worker.kit.contracts[name], visit) }));
  const files = Object.fromEntries(
    [...documents].map(([name, { text }]) => [documentPath(worker.kit.contracts[name], visit), text]),
  );
  return { files, kept };
}
