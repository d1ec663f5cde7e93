/** `orrery export`: parts of a trace as files for other tools. */
import { renameSync, writeFileSync } from "node:fs";
import { extname } from "node:path";
import type { RunSummary } from "../../traces/index.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { type Moment } from "../time.ts";
import { type Verb, verb } from "../verb.ts";
import { metricsCsv, perfettoJson } from "./export-text.ts";
import { atOption, beyondEnd, seekMoment } from "./moment.ts";
import { type InputFolders, inputsOption, type OpenRun, traceStatus, withRun } from "./with-run.ts";

interface ExportFlags extends InputFolders {
  readonly disk?: string;
  readonly at?: Moment;
  readonly csv?: boolean;
  readonly perfetto?: boolean;
}

const FORMATS = { ".vmdk": "vmdk", ".qcow2": "qcow2", ".raw": "raw" } as const;
type Extension = keyof typeof FORMATS;

export const exportVerb: Verb = verb<readonly [string, string], ExportFlags>({
  name: "export",
  describe: "write a disk as an image, metrics as CSV, or a timeline for Perfetto",
  arguments: [
    { syntax: "<trace>", describe: "a .orrery trace" },
    { syntax: "<file>", describe: "to write; of a disk: .vmdk, .qcow2 or .raw" },
  ],
  options: [
    { flags: "--disk <vm:disk>", describe: "this disk of this VM, through its chain" },
    atOption,
    { flags: "--csv", describe: "metrics: a row for each series and interval" },
    { flags: "--perfetto", describe: "operations, phases, faults and metrics as trace events" },
    inputsOption,
  ],
  examples: [
    {
      command: "orrery export tour-7.orrery --disk db:data --at 3s data.qcow2",
      describe: "A disk as it was after three seconds.",
    },
    { command: "orrery export tour-7.orrery --csv metrics.csv", describe: "For a spreadsheet." },
    {
      command: "orrery export tour-7.orrery --perfetto tour.json",
      describe: "Open it at ui.perfetto.dev.",
    },
  ],
  output: {
    type: "object",
    required: ["file", "kind"],
    properties: {
      file: { type: "string" },
      kind: { type: "string", enum: ["disk", "csv", "perfetto"] },
      format: { type: "string", description: "Of a disk." },
      sectors: { type: "integer", description: "Of a disk: its size in sectors of 512 bytes." },
      event: { type: "integer", description: "Of a disk: the last event before it." },
      timeNs: { type: "integer" },
      status: { type: "string", enum: ["whole", "salvaged"] },
      damage: { type: "object" },
    },
  },
  run(context, [file, out], options) {
    const { disk, at, csv = false, perfetto = false } = options;
    const wanted = [disk !== undefined, csv, perfetto].filter(Boolean).length;
    if (wanted !== 1) {
      return Promise.resolve(context.usage("give one of --disk, --csv and --perfetto"));
    }
    if (at !== undefined && disk === undefined) {
      return Promise.resolve(context.usage("--at goes with --disk"));
    }
    return withRun(context, file, options, (opened) => {
      if (disk !== undefined) return exportDisk(context, opened, disk, at, out);
      const kind = csv ? "csv" : "perfetto";
      return exportSummary(context, opened, out, kind, csv ? metricsCsv : perfettoJson);
    });
  },
});

async function exportDisk(
  context: Context,
  opened: OpenRun,
  named: string,
  at: Moment | undefined,
  out: string,
): Promise<ExitCode> {
  const extension = extname(out);
  if (!isExtension(extension)) {
    return context.usage(`${out}: a disk is written as ${Object.keys(FORMATS).join(", ")}`);
  }
  const format = FORMATS[extension];
  const found = findDisk(opened, named);
  if (!found.ok) return context.usage(found.message);
  const beyond = beyondEnd(opened, at);
  if (beyond !== undefined) return context.usage(beyond);
  const { Timeline, writeImage } = await import("../../traces/index.ts");
  const { runningContent } = await import("../../core/disks/index.ts");
  const timeline = new Timeline(opened.run, opened.builder);
  seekMoment(timeline, at);
  const { world } = timeline;
  const { on, vm, disk } = found;
  const content = runningContent(world, on, vm, disk);
  if (content === undefined) return context.usage(`${named} has no whole chain at that moment`);
  const failure = written(() => writeImage(out, format, content));
  if (failure !== undefined) return context.missing(`${out} cannot be written: ${failure}`);
  const { sectors } = content;
  context.print(`${out}: ${named} after event #${timeline.event}, ${sectors} sectors, ${format}`);
  context.result({
    file: out,
    kind: "disk",
    format,
    sectors,
    event: timeline.event,
    timeNs: world.timeNs,
    ...traceStatus(opened),
  });
  return EXIT.fine;
}

const isExtension = (text: string): text is Extension => Object.hasOwn(FORMATS, text);

type FoundDisk =
  | { readonly ok: true; readonly vm: string; readonly disk: string; readonly on: string }
  | { readonly ok: false; readonly message: string };

function findDisk({ document }: OpenRun, named: string): FoundDisk {
  const [vm = "", disk = ""] = named.split(":");
  const placed = document.vms.find(({ id }) => id === vm)?.disks.find(({ id }) => id === disk);
  if (placed !== undefined) return { ok: true, vm, disk, on: placed.on };
  const known = document.vms.flatMap(({ id, disks }) => disks.map((each) => `${id}:${each.id}`));
  return { ok: false, message: `no disk is named ${named} (one of ${known.join(", ")})` };
}

async function exportSummary(
  context: Context,
  opened: OpenRun,
  out: string,
  kind: "csv" | "perfetto",
  textOf: (summary: RunSummary) => string,
): Promise<ExitCode> {
  const { RunSummary: Summary } = await import("../../traces/index.ts");
  const text = textOf(Summary.of(opened.run.notices()));
  const failure = written(() => {
    writeFileSync(`${out}.part`, text);
    renameSync(`${out}.part`, out);
  });
  if (failure !== undefined) return context.missing(`${out} cannot be written: ${failure}`);
  context.print(`${out}: ${text.length.toLocaleString("en")} characters`);
  context.result({ file: out, kind, ...traceStatus(opened) });
  return EXIT.fine;
}

/** What the file system says against it; undefined when it is written. */
function written(write: () => void): string | undefined {
  try {
    write();
    return undefined;
  } catch (error) {
    if (typeof (error as NodeJS.ErrnoException).code !== "string") throw error;
    return (error as Error).message;
  }
}
