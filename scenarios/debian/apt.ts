// Gets packages of another architecture with apt: own state, own cache, nothing of the system is changed. The mirror and the
// keyring are the system's.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SUITE = "trixie";
const ARCHITECTURE = "riscv64";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Something of the environment is missing: said in one line. */
export class Missing extends Error {}

export function have(command: string): boolean {
  return spawnSync(command, ["--version"], { stdio: "ignore" }).error === undefined;
}

/** The mirror of the main archive among the system's sources. */
function systemMirror(): string {
  const format = "$(REPO_URI)|$(COMPONENT)|$(LABEL)|$(RELEASE)";
  const listed = spawnSync("apt-get", ["indextargets", "--format", format], { encoding: "utf8" });
  const targets = listed.stdout.split("\n").map((line) => line.split("|"));
  const debian = targets.find(
    ([uri, component, label, release]) =>
      component === "main" &&
      uri !== undefined &&
      !(release ?? "").includes("security") &&
      (label === "Debian" || /\/debian\/?$/.test(uri)),
  );
  if (debian === undefined) throw new Missing("no Debian mirror among the sources of apt");
  return debian[0]!;
}

export class Apt {
  readonly #folder: string;
  readonly #options: readonly string[];

  /** Prepares `folder` and reads the suite's index. */
  constructor(folder: string) {
    for (const command of ["apt-get", "apt-cache", "dpkg-deb"])
      if (!have(command)) throw new Missing(`${command} is not installed`);
    if (!existsSync(KEYRING))
      throw new Missing("the package debian-archive-keyring is not installed");
    this.#folder = folder;
    for (const path of ["state/lists/partial", "cache/archives/partial", "packages"])
      mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(join(folder, "state/status"), "");
    const source = `deb [signed-by=${KEYRING}] ${systemMirror()} ${SUITE} main\n`;
    writeFileSync(join(folder, "sources.list"), source);
    const settings = {
      "Dir::State": join(folder, "state"),
      "Dir::State::status": join(folder, "state/status"),
      "Dir::Cache": join(folder, "cache"),
      "Dir::Etc::sourcelist": join(folder, "sources.list"),
      "Dir::Etc::sourceparts": "-",
      "APT::Architecture": ARCHITECTURE,
      "APT::Architectures": ARCHITECTURE,
      "APT::Sandbox::User": "root",
      "Acquire::Languages": "none",
      "Acquire::Retries": "2",
    };
    this.#options = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
    this.#run("apt-get", ["update", "-qq", "--error-on=any"]);
  }

  #run(command: string, parameters: readonly string[], folder = this.#folder): string {
    const ran = spawnSync(command, [...this.#options, ...parameters], {
      cwd: folder,
      encoding: "utf8",
    });
    if (ran.status === 0) return ran.stdout;
    const said = ran.stderr.trim().split("\n").at(-1) ?? "";
    throw new Missing(`${command} ${parameters[0]} failed: ${said}`);
  }

  /** The first package that `name` depends on and whose name matches. */
  dependencyOf(name: string, pattern: RegExp): string {
    const found = this.#run("apt-cache", ["depends", name])
      .split("\n")
      .map((line) => /Depends: (\S+)/.exec(line)?.[1])
      .find((dependency) => dependency !== undefined && pattern.test(dependency));
    if (found === undefined) throw new Missing(`${name} depends on no kernel package`);
    return found;
  }

  /** Name and version of the package that would be fetched. */
  versionOf(name: string): string {
    const shown = this.#run("apt-cache", ["show", "--no-all-versions", name]);
    return `${name} ${/^Version: (\S+)/m.exec(shown)?.[1] ?? "unknown"}`;
  }

  /** Fetches a package and unpacks it into a folder of its own, whose path it returns. */
  unpack(name: string): string {
    const packages = join(this.#folder, "packages");
    const uris = this.#run("apt-get", ["download", "--print-uris", name]);
    const file = /^'\S+' (\S+)/m.exec(uris)?.[1];
    if (file === undefined) throw new Missing(`${name} cannot be fetched`);
    if (!existsSync(join(packages, file))) this.#run("apt-get", ["download", name], packages);
    const target = join(this.#folder, "unpacked", name);
    mkdirSync(target, { recursive: true });
    execFileSync("dpkg-deb", ["-x", join(packages, file), target]);
    return target;
  }
}
