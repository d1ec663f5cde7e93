/** What documents and manifests promise: commands that exist, exact versions, a changelog on top. */
import type { SourceFile } from "./source-tree.ts";

/** What a command in a document may refer to. */
export interface Known {
  /** Names of package.json's scripts. */
  readonly scripts: ReadonlySet<string>;
  /** Verbs of the command line. */
  readonly verbs: ReadonlySet<string>;
  /** Paths of all files. */
  readonly paths: ReadonlySet<string>;
}

/** The verbs of the command line, by the files that define them. */
export function verbsOf(files: readonly SourceFile[]): ReadonlySet<string> {
  const verbs = new Set<string>();
  for (const { path, text } of files) {
    if (!/^cli\/verbs\/[\w/-]+\.ts$/.test(path)) continue;
    for (const [, name] of text.matchAll(/^ {2,4}name: "([a-z]+)",$/gm)) verbs.add(name ?? "");
  }
  return verbs;
}

/** Commands in a document, a message or a comment that do not exist, each as `path: command`. */
export function commandBreaches(document: SourceFile, known: Known): readonly string[] {
  const breaches: string[] = [];
  const check = (pattern: RegExp, exists: (name: string) => boolean): void => {
    for (const [command, name = ""] of document.text.matchAll(pattern)) {
      if (!exists(name)) breaches.push(`${document.path}: ${command}`);
    }
  };
  check(/npm run ([\w:-]+)/g, (name) => known.scripts.has(name));
  check(/npm (test|start)\b/g, (name) => known.scripts.has(name));
  check(/npx orrery ([a-z]+)/g, (name) => known.verbs.has(name));
  check(/(?:npx tsx|node --import tsx) ([\w./-]+\.ts)/g, (name) => {
    const isExample = /(^|\/)(NAME|YOURS?|my-[\w-]+)\.ts$/.test(name);
    return isExample || known.paths.has(name.replace(/^\.\//, ""));
  });
  return breaches;
}

/** The newest section of a changelog is the unreleased one. */
export function changelogBreaches({ path, text }: SourceFile): readonly string[] {
  const first = /^## (.*)$/m.exec(text)?.[1];
  return first === "Unreleased" ? [] : [`${path}: starts with ${first ?? "nothing"}`];
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<Record<string, Manifest & { readonly version?: string }>>;
}

/** Versions are exact, and the lock file holds the same. */
export function manifestBreaches(manifest: string, lock: string): readonly string[] {
  const own = dependenciesOf(JSON.parse(manifest) as Manifest);
  const { packages } = JSON.parse(lock) as Lock;
  const locked = dependenciesOf(packages[""] ?? {});
  const breaches: string[] = [];
  for (const [name, version] of Object.entries(own)) {
    if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
      breaches.push(`${name}: ${version} is not exact`);
    const installed = packages[`node_modules/${name}`]?.version;
    if (locked[name] !== version || installed !== version) {
      breaches.push(`${name}: ${version}, but the lock file has ${installed ?? "none"}`);
    }
  }
  for (const name of Object.keys(locked)) {
    if (!(name in own)) breaches.push(`${name}: only in the lock file`);
  }
  const host = /"resolved": "https?:[^"]*"/.exec(lock);
  if (host) breaches.push(`the lock file names a registry: ${host[0]}`);
  return breaches;
}

const dependenciesOf = (manifest: Manifest): Readonly<Record<string, string>> => ({
  ...manifest.dependencies,
  ...manifest.devDependencies,
  ...manifest.optionalDependencies,
});
