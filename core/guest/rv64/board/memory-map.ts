// Where devices stand in the physical address space, and which interrupt source each one drives.

/** Ticks per second of the guest's clock. */
export const TIMEBASE_HZ = 10_000_000;

/** A word stored here ends the machine: 0x5555 power off, 0x7777 reset. */
export const FINISHER = { base: 0x10_0000, bytes: 0x1000 } as const;
export const CLINT = { base: 0x200_0000, bytes: 0x1_0000 } as const;
export const PLIC = { base: 0xc00_0000, bytes: 0x60_0000 } as const;
export const UART = { base: 0x1000_0000, bytes: 0x100, source: 10 } as const;
/** Device i stands at base + i * bytes and drives source + i. */
export const VIRTIO = { base: 0x1000_1000, bytes: 0x1000, source: 1 } as const;

/** Machine, then supervisor. */
export const PLIC_CONTEXTS_PER_HART = 2;

/** Interrupt sources 1 to 31. */
export const SOURCES = 31;
