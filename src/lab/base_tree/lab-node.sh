#!/bin/sh
# Lets this node pass for a machine of its own, though it shares the kernel of the computer it runs on.
# Runs once, early in every boot.
set -u
cover=/run/lab-node
mkdir -p "$cover/empty"

# With cgroup v1 the controllers come read-only; container runtimes make groups in them.
for controller in /sys/fs/cgroup/*/; do
    if mountpoint -q "$controller"; then
        mount -o remount,bind,rw "$controller"
    fi
done

# The kubelet writes these settings of the kernel, which are not the node's to change, and only if they
# differ: it shall see that all is as it wants.
pretend() {
    file=$cover/$(echo "$1" | tr / .)
    printf '%s\n' "$2" >"$file"
    mount --bind "$file" "/proc/sys/$1"
}
pretend kernel/panic 10
pretend kernel/panic_on_oops 1
pretend vm/overcommit_memory 1
pretend kernel/keys/root_maxkeys 1000000
pretend kernel/keys/root_maxbytes 25000000

# The swap of the computer is no swap of the node.
printf 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n' >"$cover/swaps"
mount --bind "$cover/swaps" /proc/swaps

# Huge pages cannot be limited where no controller does it, so there are none to offer.
if [ ! -d /sys/fs/cgroup/hugetlb ] && ! grep -qsw hugetlb /sys/fs/cgroup/cgroup.controllers; then
    mount --bind "$cover/empty" /sys/kernel/mm/hugepages
fi
exit 0
