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
riscv64-unknown-elf-gcc $flags start.S guard.c -o "$out/guard.elf"
riscv64-unknown-elf-strip --strip-debug -R .comment -R .riscv.attributes "$out/guard.elf"
