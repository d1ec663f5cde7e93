// The machine as a device tree: harts, memory, interrupt controllers, UART, virtio devices, and what Linux is told at boot.

import * as layout from "../../layout.ts";
import type { BoardConfig } from "../config.ts";
import { CLINT, PLIC, SOURCES, TIMEBASE_HZ, UART, VIRTIO } from "../memory-map.ts";
import type { TreeNode } from "./flattened-tree.ts";

const EXTENSIONS = ["i", "m", "a", "f", "d", "c", "zicntr", "zicsr", "zifencei"] as const;
const SINGLE_LETTERS = 6;
const UART_CLOCK_HZ = 3_686_400;
const SUPERVISOR_EXTERNAL = 9;
const MACHINE_EXTERNAL = 11;
const MACHINE_SOFTWARE = 3;
const MACHINE_TIMER = 7;

const PLIC_HANDLE = 1;
const hartHandle = (hart: number): number => PLIC_HANDLE + 1 + hart;

/** Address and size in two cells each. */
const range = (base: number, bytes: number): number[] => [
  Math.floor(base / 2 ** 32),
  base % 2 ** 32,
  Math.floor(bytes / 2 ** 32),
  bytes % 2 ** 32,
];

const hex = (value: number): string => value.toString(16);

function hartNode(hart: number): TreeNode {
  const letters = EXTENSIONS.slice(0, SINGLE_LETTERS).join("");
  const rest = EXTENSIONS.slice(SINGLE_LETTERS).join("_");
  return {
    name: `cpu@${hex(hart)}`,
    properties: {
      device_type: "cpu",
      reg: [hart],
      status: "okay",
      compatible: "riscv",
      "riscv,isa": `rv64${letters}_${rest}`,
      "riscv,isa-base": "rv64i",
      "riscv,isa-extensions": EXTENSIONS,
      "mmu-type": "riscv,sv39",
    },
    children: [
      {
        name: "interrupt-controller",
        properties: {
          "#interrupt-cells": [1],
          "interrupt-controller": true,
          compatible: "riscv,cpu-intc",
          phandle: [hartHandle(hart)],
        },
      },
    ],
  };
}

const onEachHart = (harts: number, ...causes: number[]): number[] =>
  Array.from({ length: harts }, (_, hart) =>
    causes.flatMap((cause) => [hartHandle(hart), cause]),
  ).flat();

const virtioNode = (index: number): TreeNode => {
  const base = VIRTIO.base + index * VIRTIO.bytes;
  return {
    name: `virtio_mmio@${hex(base)}`,
    properties: {
      compatible: "virtio,mmio",
      reg: range(base, VIRTIO.bytes),
      interrupts: [VIRTIO.source + index],
      "interrupt-parent": [PLIC_HANDLE],
    },
  };
};

function socNode(harts: number, virtioDevices: number): TreeNode {
  return {
    name: "soc",
    properties: {
      "#address-cells": [2],
      "#size-cells": [2],
      compatible: "simple-bus",
      ranges: true,
    },
    children: [
      {
        name: `clint@${hex(CLINT.base)}`,
        properties: {
          compatible: ["sifive,clint0", "riscv,clint0"],
          reg: range(CLINT.base, CLINT.bytes),
          "interrupts-extended": onEachHart(harts, MACHINE_SOFTWARE, MACHINE_TIMER),
        },
      },
      {
        name: `plic@${hex(PLIC.base)}`,
        properties: {
          compatible: ["sifive,plic-1.0.0", "riscv,plic0"],
          reg: range(PLIC.base, PLIC.bytes),
          "interrupt-controller": true,
          "#interrupt-cells": [1],
          "#address-cells": [0],
          "interrupts-extended": onEachHart(harts, MACHINE_EXTERNAL, SUPERVISOR_EXTERNAL),
          "riscv,ndev": [SOURCES],
          phandle: [PLIC_HANDLE],
        },
      },
      {
        name: `serial@${hex(UART.base)}`,
        properties: {
          compatible: "ns16550a",
          reg: range(UART.base, UART.bytes),
          interrupts: [UART.source],
          "interrupt-parent": [PLIC_HANDLE],
          "clock-frequency": [UART_CLOCK_HZ],
        },
      },
      ...Array.from({ length: virtioDevices }, (_, index) => virtioNode(index)),
    ],
  };
}

export interface Chosen {
  readonly commandLine: string;
  /** Physical addresses of the first byte and of the one behind the last. */
  readonly initrd: { readonly start: number; readonly end: number } | null;
  /** Start of the guest's entropy; null: none. */
  readonly seed: Uint8Array | null;
}

export function describeMachine(
  config: BoardConfig,
  virtioDevices: number,
  chosen: Chosen,
): TreeNode {
  const { harts, memoryMiB } = config;
  const { initrd, seed } = chosen;
  const address = (at: number): number[] => range(at, 0).slice(0, 2);
  return {
    name: "",
    properties: {
      "#address-cells": [2],
      "#size-cells": [2],
      compatible: "riscv-virtio",
      model: "orrery,rv64",
    },
    children: [
      {
        name: "chosen",
        properties: {
          bootargs: chosen.commandLine,
          "stdout-path": `/soc/serial@${hex(UART.base)}`,
          ...(initrd === null
            ? {}
            : {
                "linux,initrd-start": address(initrd.start),
                "linux,initrd-end": address(initrd.end),
              }),
          ...(seed === null ? {} : { "rng-seed": seed }),
        },
      },
      {
        name: `memory@${hex(layout.RAM_BASE)}`,
        properties: {
          device_type: "memory",
          reg: range(layout.RAM_BASE, memoryMiB * 2 ** 20),
        },
      },
      {
        name: "cpus",
        properties: {
          "#address-cells": [1],
          "#size-cells": [0],
          "timebase-frequency": [TIMEBASE_HZ],
        },
        children: Array.from({ length: harts }, (_, hart) => hartNode(hart)),
      },
      socNode(harts, virtioDevices),
    ],
  };
}
