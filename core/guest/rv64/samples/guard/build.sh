#!/bin/sh
# Rebuilds the guest with an integrity driver with Debian's gcc-riscv64-unknown-elf, into the folder given (default: beside
# the sources).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here}
cd "$here"
flags="-march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -O2 -ffreestanding -nostdlib -static -Wall -Wextra -Werror
  -fno-tree-loop-distribute-patterns -fno-jump-tables -Wl,--build-id=none -Wl,--no-warn-rwx-segments
  -Wl,-z,max-page-size=4096 -T guard.ld"
build() {
  riscv64-unknown-elf-gcc $flags $2 start.S guard.c -o "$out/$1.elf"
  riscv64-unknown-elf-strip --strip-debug -R .comment -R .riscv.attributes "$out/$1.elf"
}
build guard "-DROUNDS=1 -DPAUSE=0 -DHAS_DISK=1"
# Attacked again and again, every 20 ms of a clock of 10 MHz.
build sentry "-DROUNDS=10 -DPAUSE=200000 -DHAS_DISK=0"
