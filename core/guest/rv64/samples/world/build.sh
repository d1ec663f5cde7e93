#!/bin/sh
# Rebuilds the programs for simulated worlds with Debian's gcc-riscv64-unknown-elf, into the folder given (default: beside
# the sources). Their symbols stay in: they are what inspection shows.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here}
cd "$here"
flags="-march=rv64imac_zicsr -mabi=lp64 -mcmodel=medany -O2 -ffreestanding -nostdlib -static -Wall -Wextra -Werror
  -fno-tree-loop-distribute-patterns -Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,-z,max-page-size=4096 -T ../link.ld"
for program in grower ledger patterns scattered spinner talk worker; do
  riscv64-unknown-elf-gcc $flags ../board/start.S "$program.c" -o "$out/$program.elf"
  riscv64-unknown-elf-strip --strip-debug -R .comment -R .riscv.attributes "$out/$program.elf"
done
