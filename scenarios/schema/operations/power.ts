/** Timeline operations on a VM's power and its stun. */
import type { Extension } from "../extension.ts";
import { id, object } from "../members.ts";

const vm = id("The VM.");

export const powerOn: Extension = {
  family: "operation",
  name: "power-on",
  description: "Power a VM on, on the host where it is registered.",
  parameters: object("", { vm }, ["vm"]),
  references: { vm: "vm" },
};

export const powerOff: Extension = {
  family: "operation",
  name: "power-off",
  description: "Power a VM off at once, as if its plug were pulled.",
  parameters: object("", { vm }, ["vm"]),
  references: { vm: "vm" },
};

export const stun: Extension = {
  family: "operation",
  name: "stun",
  description: "Stop a VM between two instructions; time goes on without it.",
  parameters: object("", { vm }, ["vm"]),
  references: { vm: "vm" },
};

export const unstun: Extension = {
  family: "operation",
  name: "unstun",
  description: "Let a VM go on that `stun` stopped. Fails with `not-stunned` where it did not.",
  parameters: object("", { vm }, ["vm"]),
  references: { vm: "vm" },
};

export const unpause: Extension = {
  family: "operation",
  name: "unpause",
  description:
    "Let a VM go on that its host has stopped at an integrity alert (`onAlert`). Fails with " +
    "`not-paused` where it does not stand at one.",
  parameters: object("", { vm }, ["vm"]),
  references: { vm: "vm" },
};

export const takeOver: Extension = {
  family: "operation",
  name: "take-over",
  description:
    "Power a VM on on another host although its end has not been seen there: once its disks can " +
    "be had, because their owner gives them up or its lease has run out. What is left of the VM " +
    "on its old host cannot write any more. Refused while the old host answers for the VM.",
  parameters: object("", { vm, host: id("The host on which it goes on.") }, ["vm", "host"]),
  references: { vm: "vm", host: "host" },
};

export const restart: Extension = {
  family: "operation",
  name: "restart",
  description: "Power a VM off, if it is on, and on again on the named host.",
  parameters: object("", { vm, host: id("The host on which it starts.") }, ["vm", "host"]),
  references: { vm: "vm", host: "host" },
};
