import { basename } from "node:path";
import { contracts } from "../../src/formats/documents.ts";
import { fileOn, filesOn, type Sample } from "./sample.ts";
import { git } from "./store-fixtures.ts";

/** What lies on a run's branch beside its journal, the log of the day and the skills that are pinned. */
export const runFilesOf = (sample: Sample, run: string): readonly string[] =>
  filesOn(sample.repository, `perdure/runs/${run}`).filter((path) => !/^(?:journal|logs|skills)\//.test(path));

/** The documents among a run's files that break their contract, with what is wrong. */
export function brokenDocuments(sample: Sample, run: string): readonly string[] {
  const byFile = new Map(Object.values(contracts).map((contract) => [contract.file, contract]));
  return runFilesOf(sample, run).flatMap((path) => {
    const read = byFile.get(basename(path))?.read(fileOn(sample.repository, `perdure/runs/${run}`, path));
    return read?.ok === false ? read.problems.map(({ what }) => `${path}: ${what}`) : [];
  });
}

/** The first lines of the commits in a range, oldest first. */
export const subjectsIn = (sample: Sample, range: string): readonly string[] =>
  git(sample.repository, ["log", "--reverse", "--format=%s", range]).trim().split("\n");
