/**
 * The guest that is a real machine: RISC-V, 64 bits, with a program or a Linux kernel of its own. Its
 * harts are the VM's `vcpus`, its RAM the VM's `memoryMiB`, its disks the VM's disks.
 */
import type { Extension } from "./extension.ts";
import type { JsonSchema } from "./json-schema.ts";
import { count, flag, id, list, milliseconds, object, text } from "./members.ts";

const nic: JsonSchema = object(
  "A network interface, connected with one of another VM whose guest is rv64 as well.",
  {
    to: id("The VM at the other end; it has an interface that names this one."),
    mac: text("MAC address; absent = one that is unique in the document.", undefined, {
      pattern: "^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$",
    }),
  },
  ["to"],
);

const typing: JsonSchema = object(
  "Something typed into the serial console.",
  {
    waitFor: text(
      "Typed once the console has shown this since the last was typed; absent = at once.",
      undefined,
      { minLength: 1 },
    ),
    delayMs: milliseconds("Time that passes before it is typed.", 0),
    text: text("What is typed; a new line is the Enter key.", undefined, { minLength: 1 }),
  },
  ["text"],
);

export const realGuestDefinitions: Readonly<Record<string, JsonSchema>> = {
  Rv64Nic: nic,
  Rv64Typing: typing,
};

export const rv64: Extension = {
  family: "guest",
  name: "rv64",
  description: "A real RISC-V machine (RV64GC) that runs a program or a Linux kernel.",
  parameters: object(
    "",
    {
      file: text(
        "An ELF file or a Linux `Image`: a path from the document's folder, else from Orrery's own.",
        undefined,
        { minLength: 1 },
      ),
      initrd: text("Initial RAM disk of a Linux kernel, found in the same way.", undefined, {
        minLength: 1,
      }),
      commandLine: text("Command line of a Linux kernel.", ""),
      rngSeed: text(
        "Up to 64 bytes in hexadecimal from which a Linux kernel's random numbers start.",
        undefined,
        { pattern: "^([0-9a-f]{2}){1,64}$" },
      ),
      firmware: flag(
        "An ELF starts in supervisor mode with SBI below it, instead of in machine mode.",
        false,
      ),
      instructionsPerSecond: count("Instructions of all harts in a second.", 100_000_000, {
        minimum: 1_000_000,
        maximum: 100_000_000_000,
      }),
      quantum: count("Instructions that a hart executes before the next one's turn.", 10_000, {
        minimum: 64,
        maximum: 1_000_000_000,
      }),
      rng: flag("A virtio source of randomness.", false),
      virtioConsole: flag("A virtio console beside the serial one.", false),
      network: list("Network interfaces, the first one first.", { $ref: "#/$defs/Rv64Nic" }),
      typed: list("What is typed into its console, one after the other.", {
        $ref: "#/$defs/Rv64Typing",
      }),
    },
    ["file"],
  ),
};
