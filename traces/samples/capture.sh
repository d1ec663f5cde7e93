#!/bin/sh
# Captures the block requests of real file-system work, at the virtual disk's boundary.
#
#   sh traces/samples/capture.sh unpack  WORKDIR   -> debian-unpack-and-inserts.vscsi.csv.gz
#   sh traces/samples/capture.sh inserts WORKDIR   -> inserts.vscsi.csv
#   sh traces/samples/capture.sh crosscheck WORKDIR -> a few inserts, traced twice: by nbdkit
#     outside and by blktrace inside the guest (the two fixtures in scenarios/captures/fixtures/)
#
# A Debian kernel boots under QEMU with a virtio-blk disk (write-back cache, so the guest sends
# flushes). The disk is an NBD export of nbdkit, whose log filter writes one line as each request
# arrives and one as it completes. The guest mounts ext4 on the disk and works (see the two
# workload scripts below). The log is then turned into vscsiStats CSV by Orrery's own importer.
#
# What must hold: nothing but the guest's own requests reaches the export, so the log is the
# complete and exact block trace of that guest's kernel, from the first read of the partition scan
# to the last flush of the unmount, followed by QEMU's own flushes as it stops and closes the disk
# (the last two). QEMU must not merge requests, or they would not be the guest's. Two reads of the
# boot sector come before the kernel's, by QEMU and the firmware; they are checked to be that and
# left out. mke2fs runs outside, before the log begins.
#
# Needs Debian packages: qemu-system-x86 nbdkit e2fsprogs busybox-static sqlite3 git dpkg kmod cpio
# blktrace (for crosscheck), about 1 GiB in WORKDIR, the package mirror (apt-get download), and Node
# for the last step.
# Timings come from the machine that ran it; a second run gives another, equally real, trace.
set -eu

mode=${1:?usage: capture.sh unpack|inserts|crosscheck WORKDIR}
mkdir -p "${2:?usage: capture.sh unpack|inserts|crosscheck WORKDIR}"
work=$(cd "$2" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
export TZ=UTC LC_ALL=C

case $mode in
unpack) disk_mib=1024 name=debian-unpack-and-inserts.vscsi.csv.gz ;;
inserts) disk_mib=64 name=inserts.vscsi.csv ;;
crosscheck) disk_mib=64 name=crosscheck ;;
*) echo "capture.sh: unknown workload '$mode' (unpack, inserts or crosscheck)" >&2; exit 2 ;;
esac

# The set that is unpacked; no package of it has a preinst script, which would need a shell inside
# the target tree.
packages="libpython3.11-stdlib libpython3.11-minimal perl-modules-5.36"

kernel_package=$(apt-cache depends linux-image-amd64 | awk '/Depends:/ {print $2; exit}')
mkdir -p "$work/deb"
(cd "$work/deb" && for p in $kernel_package $packages; do
  ls "${p}"_*.deb >/dev/null 2>&1 || apt-get download "$p"
done)
[ -d "$work/kernel" ] || dpkg-deb -x "$work"/deb/linux-image-*.deb "$work/kernel"
release=$(ls "$work/kernel/lib/modules")
depmod -b "$work/kernel" "$release"

# --- initramfs: busybox, the programs with their libraries, the modules of ext4 and of the disk
# (the disk last: its first request, which starts the capture, is then followed by the mount)
root=$work/root-$mode
rm -rf "$root"
mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/mnt" "$root/tmp" "$root/deb"
cp "$(command -v busybox)" "$root/bin/busybox"
add_program() {
  cp --parents "$1" "$root"
  ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | while read -r lib; do
    mkdir -p "$root$(dirname "$lib")" && cp -Ln "$lib" "$root$lib"
  done || true
}
add_program /usr/bin/sqlite3
[ "$mode" != crosscheck ] || for p in /usr/sbin/blktrace /usr/bin/blkparse; do add_program $p; done
if [ "$mode" = unpack ]; then
  for p in /usr/bin/dpkg /usr/bin/dpkg-deb /usr/bin/dpkg-split /usr/bin/git /bin/tar; do
    add_program "$p"
  done
  ln -s git "$root/usr/bin/git-upload-pack"
  for p in $packages; do cp "$work"/deb/"${p}"_*.deb "$root/deb/"; done
fi
modules=$work/kernel/lib/modules/$release
for m in virtio_pci crc32c_generic ext4 virtio_blk; do
  modprobe -d "$work/kernel" -S "$release" --show-depends "$m" | awk '/^insmod/ {print $2}'
done | awk '!seen[$0]++' >"$work/insmod-order"
: >"$root/modules.list"
while read -r ko; do
  cp "$ko" "$root/tmp/" && echo "/tmp/$(basename "$ko")" >>"$root/modules.list"
done <"$work/insmod-order"

# --- the two workloads; a step that fails ends the capture
cat >"$root/inserts.sh" <<'GUEST'
set -e
# 150 durable transactions on a rollback journal, 150 on a write-ahead log, then a cold read.
sqlite3 /mnt/ledger.db 'PRAGMA journal_mode=DELETE;
CREATE TABLE entry(id INTEGER PRIMARY KEY, note TEXT);'
{ echo 'PRAGMA synchronous=FULL;'
  i=0; while [ $i -lt ${1:-150} ]; do
    echo "INSERT INTO entry(note) VALUES (hex(randomblob(200)));"; i=$((i+1))
  done; } | sqlite3 /mnt/ledger.db
{ echo 'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;'
  i=0; while [ $i -lt ${1:-150} ]; do
    echo "INSERT INTO entry(note) VALUES (hex(randomblob(200)));"
    if [ $((i % 10)) = 9 ]; then
      echo "UPDATE entry SET note = hex(randomblob(150)) WHERE id % 40 = $((i % 40));"
    fi
    i=$((i+1))
  done; } | sqlite3 /mnt/ledger.db
sync
echo 3 > /proc/sys/vm/drop_caches
sqlite3 /mnt/ledger.db 'SELECT count(*), sum(length(note)) FROM entry; PRAGMA integrity_check;'
GUEST
cat >"$root/unpack.sh" <<'GUEST'
set -e
# dpkg unpacks a set of packages (it syncs each file before it renames it), git stores and clones
# the tree, sqlite inserts with synchronous=FULL, and everything is read again with a cold cache.
mkdir -p /mnt/root/var/lib/dpkg/info /mnt/root/var/lib/dpkg/updates /mnt/root/var/lib/dpkg/triggers
: > /mnt/root/var/lib/dpkg/status
/usr/bin/dpkg --root=/mnt/root --force-all --no-triggers --unpack /deb/*.deb
echo 3 > /proc/sys/vm/drop_caches
cd /mnt/root/usr/lib/python3.11
export HOME=/tmp GIT_CONFIG_NOSYSTEM=1
/usr/bin/git -c init.defaultBranch=main init -q .
git -c core.fsync=all -c core.fsyncMethod=fsync add encodings json email unittest
git config user.name orrery
git config user.email orrery@example.org
git -c core.fsync=all commit -q -m 'python tree'
sync
echo 3 > /proc/sys/vm/drop_caches
git clone -q --no-hardlinks . /mnt/clone
cd /
sync
sh /inserts.sh 400
rm -rf /mnt/clone
sync
echo 3 > /proc/sys/vm/drop_caches
find /mnt/root -type f -exec cat {} + | wc -c
GUEST
cat >"$root/crosscheck.sh" <<'GUEST'
sh /inserts.sh 8
GUEST
cat >"$root/init" <<GUEST
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/sbin:/usr/bin:/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
while read -r m; do insmod \$m || echo "insmod \$m failed"; done < /modules.list
if [ $mode = crosscheck ]; then
  mount -t debugfs debugfs /sys/kernel/debug
  blktrace -d /dev/vda -o - > /tmp/blktrace.bin & tracer=\$!
  sleep 2
fi
mount -t ext4 /dev/vda /mnt || echo "mount failed"
echo "workload begins: \$(uname -rm)"
sh /$mode.sh && echo "workload done"
umount /mnt && echo "unmounted"
if [ $mode = crosscheck ]; then
  kill -TERM \$tracer; wait \$tracer
  blkparse -i - < /tmp/blktrace.bin > /tmp/blkparse.txt
  stty -F /dev/ttyS1 raw && cat /tmp/blkparse.txt > /dev/ttyS1
fi
poweroff -f
GUEST
chmod +x "$root/init"
rm -f "$root/bin/sh" && ln -s busybox "$root/bin/sh"
(cd "$root" && find . | cpio -o -H newc --quiet) | gzip -1 >"$work/initrd-$mode.gz"

# --- the disk, its export and the guest
disk=$work/disk-$mode.raw log=$work/nbdkit-$mode.log socket=$work/nbd-$mode.sock
rm -f "$disk" "$log" "$socket"
truncate -s ${disk_mib}M "$disk"
mke2fs -q -t ext4 -E lazy_itable_init=1 "$disk"
nbdkit --foreground --unix "$socket" --filter=log file "$disk" \
  logfile="$log" &
nbdkit_pid=$!
trap 'kill $nbdkit_pid 2>/dev/null || true' EXIT
while [ ! -S "$socket" ]; do sleep 0.1; done
timeout 400 qemu-system-x86_64 -machine q35 -accel tcg -cpu max -smp 1 -m 1024 \
  -nodefaults -no-user-config -display none -no-reboot \
  -serial stdio -serial file:"$work/blkparse-$mode.txt" \
  -kernel "$work/kernel/boot/vmlinuz-$release" -initrd "$work/initrd-$mode.gz" \
  -append 'console=ttyS0 quiet panic=-1' \
  -blockdev driver=nbd,node-name=disk,server.type=unix,server.path="$socket",discard=unmap \
  -device virtio-blk-pci,drive=disk,write-cache=on,request-merging=off \
  </dev/null | tee "$work/console-$mode.txt"
kill $nbdkit_pid && wait $nbdkit_pid || true
grep -q 'workload done' "$work/console-$mode.txt"
grep -q unmounted "$work/console-$mode.txt"

# The requests before the kernel's: exactly the first two, of one sector at 0.
before=$(grep -c 'Read id=[12] offset=0x0 count=0x200 \.\.\.$' "$log")
[ "$before" = 2 ] || { echo "capture.sh: unexpected requests before the kernel's" >&2; exit 1; }
grep -v 'connection=1 \(\.\.\.\)\{0,1\}Read id=[12] ' "$log" >"$work/kernel-$mode.log"

if [ "$mode" = crosscheck ]; then
  fixtures=$here/../../scenarios/captures/fixtures
  mkdir -p "$fixtures"
  cp "$work/kernel-$mode.log" "$fixtures/crosscheck.nbdkit.log"
  cp "$work/blkparse-$mode.txt" "$fixtures/crosscheck.blkparse.txt"
else
  cd "$here/../.."
  node --import tsx scenarios/captures/convert.ts "$work/kernel-$mode.log" "$here/$name"
fi
