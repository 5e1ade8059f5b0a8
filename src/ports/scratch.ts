/**
 * Small text files inside a work tree, through which a step and its agent exchange documents.
 *
 * S1 No path leaves the directory: absolute paths, `..` and symbolic links on the way are refused, for reading too.
 * S2 `get` gives undefined for what is not there, is not a regular file or is larger than 1 MiB.
 */
export interface Scratch {
  put(directory: string, path: string, content: string): Promise<void>;
  get(directory: string, path: string): Promise<string | undefined>;
  /** Names of the regular files directly in a folder. */
  list(directory: string, folder: string): Promise<readonly string[]>;
  /** Makes the folder empty, and makes it when it is not there. */
  clear(directory: string, folder: string): Promise<void>;
}
