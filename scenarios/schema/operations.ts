/** Built-in timeline operations. Each mechanism adds its own here when it exists, never before. */
import type { Extension } from "./extension.ts";
import { id, list, object } from "./members.ts";

const vm = id("The VM.");

const snapshot: Extension = {
  family: "operation",
  name: "snapshot",
  description: "Take a snapshot of a VM's disks while it runs.",
  parameters: object(
    "",
    {
      vm,
      disks: list("The disks; absent = all that can be snapshotted.", id("A disk of the VM."), {
        minItems: 1,
        uniqueItems: true,
      }),
    },
    ["vm"],
  ),
  references: { vm: "vm", disks: "vmDisk" },
};

const powerOn: Extension = {
  family: "operation",
  name: "power-on",
  description: "Power a VM on, on the host where it is registered.",
  parameters: object("", { vm }, ["vm"]),
  references: { vm: "vm" },
};

const powerOff: Extension = {
  family: "operation",
  name: "power-off",
  description: "Power a VM off at once, as if its plug were pulled.",
  parameters: object("", { vm }, ["vm"]),
  references: { vm: "vm" },
};

const stun: Extension = {
  family: "operation",
  name: "stun",
  description: "Stop a VM between two instructions; time goes on without it.",
  parameters: object("", { vm }, ["vm"]),
  references: { vm: "vm" },
};

const unstun: Extension = {
  family: "operation",
  name: "unstun",
  description: "Let a stunned VM go on.",
  parameters: object("", { vm }, ["vm"]),
  references: { vm: "vm" },
};

const restart: Extension = {
  family: "operation",
  name: "restart",
  description: "Power a VM off, if it is on, and on again on the named host.",
  parameters: object("", { vm, host: id("The host on which it starts.") }, ["vm", "host"]),
  references: { vm: "vm", host: "host" },
};

export const builtInOperations: readonly Extension[] = [
  snapshot,
  powerOn,
  powerOff,
  stun,
  unstun,
  restart,
];
