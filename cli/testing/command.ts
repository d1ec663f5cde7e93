/** The command line as a test uses it: words in, exit code and what was printed out. */
import { main } from "../main.ts";
import type { Verb } from "../verb.ts";

export interface Printed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function orrery(
  words: readonly string[],
  options: { readonly signal?: AbortSignal; readonly verbs?: readonly Verb[] } = {},
): Promise<Printed> {
  const { signal = new AbortController().signal, verbs } = options;
  let stdout = "";
  let stderr = "";
  const terminal = {
    stderrIsTerminal: false,
    columns: 80,
    stdout: (text: string) => void (stdout += text),
    stderr: (text: string) => void (stderr += text),
  };
  const code = await main(words, { terminal, signal, ...(verbs && { verbs }) });
  return { code, stdout, stderr };
}

/** With `--json`: the object that it printed. */
export async function asJson(
  words: readonly string[],
): Promise<{ readonly code: number; readonly value: { [name: string]: unknown } }> {
  const { code, stdout } = await orrery([...words, "--json"]);
  return { code, value: JSON.parse(stdout) as { [name: string]: unknown } };
}
