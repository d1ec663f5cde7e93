#!/bin/sh
# Rebuilds the programs for the board with Debian's gcc-riscv64-unknown-elf, into the folder given (default: beside the
# sources).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here}
cd "$here"
flags="-march=rv64imac_zicsr -mabi=lp64 -mcmodel=medany -O2 -ffreestanding -nostdlib -static -Wall -Wextra -Werror
  -fno-tree-loop-distribute-patterns -Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,-z,max-page-size=4096 -T ../link.ld"
build() {
  riscv64-unknown-elf-gcc $flags $2 start.S "$1.c" -o "$out/$1.elf"
  riscv64-unknown-elf-strip --strip-debug --keep-symbol=tohost -R .comment -R .riscv.attributes "$out/$1.elf"
}
for program in timer echo net random hostile smp accessed; do build "$program" ""; done
build firmware -DSUPERVISOR
# These run on QEMU's machine as well.
build block -DPATIENT
build calls "-DPATIENT -DSUPERVISOR -Wl,--defsym=base=0x80200000"
