#!/bin/sh
# Rebuilds the sample programs with Debian's gcc-riscv64-unknown-elf, into the folder given (default: beside the sources).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here}
cd "$here"
flags="-march=rv64gc -mabi=lp64d -mcmodel=medany -O2 -ffreestanding -nostdlib -static
  -fno-tree-loop-distribute-patterns -Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,-z,max-page-size=4096 -T link.ld"
for program in primes newton; do
  riscv64-unknown-elf-gcc $flags start.S "$program.c" -o "$out/$program.elf"
  riscv64-unknown-elf-strip --strip-debug --keep-symbol=tohost -R .comment -R .riscv.attributes "$out/$program.elf"
done
riscv64-unknown-elf-gcc $flags paging.S -o "$out/paging.elf"
riscv64-unknown-elf-strip --strip-debug --keep-symbol=tohost -R .riscv.attributes "$out/paging.elf"
