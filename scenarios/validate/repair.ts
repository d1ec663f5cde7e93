/**
 * Makes a document that the schema accepts also mean something: names are given out, references
 * point at what exists, moments are single and in time. For tests of well-formed documents.
 */
import type { Extension } from "../schema/extension.ts";
import { builtInExtensions } from "../schema/build-schema.ts";

interface Entry {
  [member: string]: unknown;
}

const rename = (entries: readonly Entry[], prefix: string, member = "id"): void =>
  entries.forEach((entry, index) => (entry[member] = `${prefix}${index}`));

const listOf = (entry: Entry, member: string): Entry[] => (entry[member] as Entry[]) ?? [];

function repairLatencies(entry: Entry): void {
  for (const member of ["readLatencyUs", "writeLatencyUs", "flushUs"]) {
    const latency = entry[member] as { median: number; p99: number } | number | undefined;
    if (typeof latency === "object") entry[member] = { median: latency.median, p99: 8_640_000_000 };
  }
}

function repairGuest(vm: Entry, vms: readonly Entry[]): void {
  const guest = vm["guest"] as Entry;
  delete guest["disk"];
  if (guest["kind"] === "rv64") {
    const limit = (member: string, most: number): void => {
      if (vm[member] !== undefined) vm[member] = Math.min(vm[member] as number, most);
    };
    limit("memoryMiB", 2_048);
    limit("vcpus", 8);
    delete guest["network"];
  }
  if (guest["integrity"] !== undefined) repairDriver(guest["integrity"] as Entry);
  rename(listOf(guest, "phases"), "phase", "name");
  for (const phase of listOf(guest, "phases")) {
    const other = vms.find((one) => one !== vm);
    if (other === undefined) delete phase["network"];
    for (const traffic of listOf(phase, "network")) traffic["to"] = other?.["id"];
    for (const event of listOf(phase, "events")) event["atMs"] = 0;
    for (const block of listOf(phase, "block")) {
      block["disk"] = "disk0";
      delete block["regionMiB"];
      block["sizeKiB"] = 4;
    }
    if (phase["memory"]) {
      (phase["memory"] as Entry)["workingSetMiB"] = 1;
      delete (phase["memory"] as Entry)["furtherSets"];
    }
  }
}

/** Everything fits into the smallest memory. */
function repairDriver(driver: Entry): void {
  Object.assign(driver, { atMiB: 0, codePages: 1, dataPages: 1 });
  for (const range of listOf(driver, "protect")) Object.assign(range, { atMiB: 0.5, pages: 1 });
  for (const attack of listOf(driver, "attacks")) Object.assign(attack, { on: "code", pages: 1 });
}

/** One moment each: `atMs` for the first entry and all faults, `after` the one before for others. */
function repairMoments(document: Entry): void {
  listOf(document, "timeline").forEach((entry, index) => {
    delete entry["atMs"];
    delete entry["after"];
    delete entry["delayMs"];
    if (index === 0) entry["atMs"] = 0;
    else entry["after"] = `op${index - 1}.complete`;
  });
  for (const fault of listOf(document, "faults")) {
    for (const member of ["atMs", "atStep", "during", "meanIntervalMs"]) delete fault[member];
    fault["atMs"] = 0;
  }
}

const NAMES = {
  host: "host0",
  array: "array0",
  vm: "vm0",
  vmDisk: "disk0",
  operation: "op0",
  endpoint: "array0",
  domain: "host0",
  device: "array0",
  component: "array0",
} as const;

function repairReferences(entry: Entry, extension: Extension | undefined): void {
  for (const [member, target] of Object.entries(extension?.references ?? {})) {
    if (entry[member] === undefined) continue;
    entry[member] = Array.isArray(entry[member]) ? [NAMES[target]] : NAMES[target];
  }
}

const find = (family: Extension["family"], name: unknown): Extension | undefined =>
  builtInExtensions.find((one) => one.family === family && one.name === name);

/** Of a machine that can be followed, on the host that is linked with its own. */
function repairProtection(vm: Entry, isPair: boolean): void {
  const { protection, guest } = vm as { protection?: Entry; guest: Entry };
  if (protection === undefined) return;
  if (!isPair || guest["kind"] === "rv64") return void delete vm["protection"];
  protection["host"] = "host1";
  vm["vcpus"] = 1;
}

/** Checkpoints at alerts have a place, and are not of a machine that cannot be saved. */
function repairAlertPolicy(vm: Entry): void {
  const policy = vm["onAlert"] as Entry | undefined;
  if (policy?.["do"] !== "snapshot") return;
  if (vm["protection"] === undefined) policy["on"] = NAMES.array;
  else policy["do"] = "pause";
}

/** Changes `document` in place; the result is well-formed whatever random names it had. */
export function repair(document: Entry): Entry {
  const hosts = listOf(document, "hosts");
  rename(hosts, "host");
  for (const host of hosts) {
    delete host["rack"];
    delete host["evacuation"];
    host["memoryMiB"] = 67_108_864;
    rename(listOf(host, "disks"), "local");
    rename(listOf(host, "sensors"), "sensor");
    listOf(host, "disks").forEach(repairLatencies);
  }
  hosts[0]!["sensors"] = [{ id: "sensor0", nominal: 20 }];
  document["arrays"] = [...listOf(document, "arrays").slice(0, 2), { id: "array0" }];
  rename(listOf(document, "arrays"), "array");
  for (const array of listOf(document, "arrays")) {
    delete array["rack"];
    delete array["capacityMiB"];
    repairLatencies(array);
  }
  // What a fault of an array's tasks needs; disks of every kind can lie on such an array.
  if (listOf(document, "faults").some(({ kind }) => kind === "array-task")) {
    listOf(document, "arrays")[0]!["kind"] = "cow";
  }
  document["links"] = hosts.flatMap((host) =>
    listOf(document, "arrays").map((array) => ({ between: [host["id"], array["id"]] })),
  );
  const isPair = hosts.length > 1;
  if (isPair) listOf(document, "links").push({ between: ["host0", "host1"] });
  const timeline = listOf(document, "timeline");
  const vms = [...listOf(document, "vms")];
  if (vms.length === 0) {
    document["timeline"] = [];
    document["faults"] = [];
    document["expect"] = [];
    return document;
  }
  rename(vms, "vm");
  for (const vm of vms) {
    vm["host"] = "host0";
    delete vm["restartOn"];
    vm["disks"] = [{ id: "disk0", on: "array0", sizeMiB: 1_024 }];
    repairGuest(vm, vms);
    repairProtection(vm, isPair);
    repairAlertPolicy(vm);
    // The one that has its disks.
    if (vm["protection"] !== undefined)
      delete listOf(document, "arrays")[0]!["writeCacheProtected"];
  }
  rename(timeline, "op");
  repairMoments(document);
  timeline.forEach((entry) => repairReferences(entry, find("operation", entry["do"])));
  for (const fault of listOf(document, "faults")) {
    repairReferences(fault, find("fault", fault["kind"]));
    if (fault["kind"] === "partition") fault["to"] = "host0";
    if (fault["kind"] === "degrade") fault["sensor"] = "sensor0";
    if (fault["kind"] === "path-loss") fault["path"] = 0;
  }
  document["expect"] = listOf(document, "expect").filter(
    (one) => one["metric"] === undefined && (one["operation"] === undefined || timeline.length > 0),
  );
  for (const one of listOf(document, "expect")) {
    if (one["operation"] !== undefined) one["operation"] = "op0";
    if (one["vm"] !== undefined) one["vm"] = "vm0";
    if (one["host"] !== undefined) one["host"] = "host0";
  }
  return document;
}
