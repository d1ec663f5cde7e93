/** `orrery export`: parts of a trace as files for other tools. */
import { renameSync, writeFileSync } from "node:fs";
import { extname } from "node:path";
import type { DiskStates } from "../../core/disks/index.ts";
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
  readonly as?: string;
}

const FORMATS = { ".vmdk": "vmdk", ".qcow2": "qcow2", ".raw": "raw" } as const;
type Extension = keyof typeof FORMATS;

/** How a disk becomes files, and which formats can hold that. */
const FORMS = {
  one: [".vmdk", ".qcow2", ".raw"],
  flat: [".vmdk", ".raw"],
  chain: [".vmdk", ".qcow2"],
  snapshots: [".qcow2"],
} as const;
type Form = keyof typeof FORMS;
const SECTORS_PER_MIB = 2_048;

const isForm = (text: string): text is Form => Object.hasOwn(FORMS, text);

export const exportVerb: Verb = verb<readonly [string, string], ExportFlags>({
  name: "export",
  describe: "write a disk as an image, metrics as CSV, or a timeline for Perfetto",
  arguments: [
    { syntax: "<trace>", describe: "a .orrery trace" },
    { syntax: "<file>", describe: "to write; of a disk: .vmdk, .qcow2 or .raw" },
  ],
  options: [
    { flags: "--disk <vm:disk>", describe: "this disk of this VM, through its chain" },
    {
      flags: "--as <form>",
      describe:
        "of a disk: one (default: one file, through its chain), flat (its bytes in a file of " +
        "their own beside a VMDK descriptor), chain (a file for each layer, .vmdk or .qcow2), " +
        "snapshots (a .qcow2 with its points in time inside)",
    },
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
    {
      command: "orrery export tour-7.orrery --disk db:data --as chain data.vmdk",
      describe: "Base and redo logs, each a VMDK that names its parent.",
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
      files: {
        type: "array",
        items: { type: "string" },
        description: "Of a disk: all that was written, the base first.",
      },
      sectors: { type: "integer", description: "Of a disk: its size in sectors of 512 bytes." },
      event: { type: "integer", description: "Of a disk: the last event before it." },
      timeNs: { type: "integer" },
      status: { type: "string", enum: ["whole", "salvaged"] },
      damage: { type: "object" },
    },
  },
  run(context, [file, out], options) {
    const { disk, at, csv = false, perfetto = false, as: form = "one" } = options;
    const wanted = [disk !== undefined, csv, perfetto].filter(Boolean).length;
    if (wanted !== 1) {
      return Promise.resolve(context.usage("give one of --disk, --csv and --perfetto"));
    }
    if (at !== undefined && disk === undefined) {
      return Promise.resolve(context.usage("--at goes with --disk"));
    }
    if (!isForm(form)) {
      const forms = Object.keys(FORMS).join(", ");
      return Promise.resolve(context.usage(`--as ${form}: one of ${forms}`));
    }
    if (options.as !== undefined && disk === undefined) {
      return Promise.resolve(context.usage("--as goes with --disk"));
    }
    return withRun(context, file, options, (opened) => {
      if (disk !== undefined) return exportDisk(context, opened, { named: disk, at, out, form });
      const kind = csv ? "csv" : "perfetto";
      return exportSummary(context, opened, out, kind, csv ? metricsCsv : perfettoJson);
    });
  },
});

interface DiskExport {
  readonly named: string;
  readonly at: Moment | undefined;
  readonly out: string;
  readonly form: Form;
}

async function exportDisk(
  context: Context,
  opened: OpenRun,
  { named, at, out, form }: DiskExport,
): Promise<ExitCode> {
  const extension = extname(out);
  if (!isExtension(extension) || !(FORMS[form] as readonly string[]).includes(extension)) {
    const what = form === "one" ? "a disk" : `a disk as ${form}`;
    return context.usage(`${out}: ${what} is written as ${FORMS[form].join(", ")}`);
  }
  const format = FORMATS[extension];
  const found = findDisk(opened, named);
  if (!found.ok) return context.usage(found.message);
  const beyond = beyondEnd(opened, at);
  if (beyond !== undefined) return context.usage(beyond);
  const { Timeline } = await import("../../traces/index.ts");
  const { diskStates } = await import("../../core/disks/index.ts");
  const timeline = new Timeline(opened.run, opened.builder);
  seekMoment(timeline, at);
  const { world } = timeline;
  const states = diskStates(world, found.on, found.vm, found.disk, found.sectors);
  if (states === undefined) return context.usage(`${named} has no whole chain at that moment`);
  const writing = await writeDisk(states, format, form, out);
  if (!writing.ok) return context.missing(`${out} cannot be written: ${writing.message}`);
  const { sectors } = states.running;
  const { files } = writing;
  context.print(`${out}: ${named} after event #${timeline.event}, ${sectors} sectors, ${format}`);
  if (files.length > 1) context.print(`with ${files.slice(0, -1).join(", ")}`);
  context.result({
    file: out,
    kind: "disk",
    format,
    files,
    sectors,
    event: timeline.event,
    timeNs: world.timeNs,
    ...traceStatus(opened),
  });
  return EXIT.fine;
}

type Writing =
  | { readonly ok: true; readonly files: readonly string[] }
  | { readonly ok: false; readonly message: string };

/** Writes the files of one form; all of them, the base first. */
async function writeDisk(
  { layers, points, running }: DiskStates,
  format: (typeof FORMATS)[Extension],
  form: Form,
  out: string,
): Promise<Writing> {
  const { writeChain, writeImage, writeQcow2Snapshots } = await import("../../traces/index.ts");
  let files: readonly string[] = [out];
  const message = written(() => {
    if (form === "chain" && format !== "raw") files = writeChain(out, format, layers);
    else if (form === "snapshots") writeQcow2Snapshots(out, points, running);
    else if (form === "flat" && format === "vmdk") {
      writeImage(out, "vmdk-flat", running);
      files = [out.replace(/\.vmdk$/, "-flat.vmdk"), out];
    } else writeImage(out, format, running);
  });
  return message === undefined ? { ok: true, files } : { ok: false, message };
}

const isExtension = (text: string): text is Extension => Object.hasOwn(FORMATS, text);

type FoundDisk =
  | {
      readonly ok: true;
      readonly vm: string;
      readonly disk: string;
      readonly on: string;
      readonly sectors: number;
    }
  | { readonly ok: false; readonly message: string };

function findDisk({ document }: OpenRun, named: string): FoundDisk {
  const [vm = "", disk = ""] = named.split(":");
  const placed = document.vms.find(({ id }) => id === vm)?.disks.find(({ id }) => id === disk);
  if (placed !== undefined) {
    const { on, sizeMiB } = placed;
    return { ok: true, vm, disk, on, sectors: sizeMiB * SECTORS_PER_MIB };
  }
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
