# Prints what the facts of a host are made of; reads only. Each section opens with a record separator
# and its name. Small files are read by the shell itself: starting a program for each would take most of
# the time.
s() { printf '\036%s\n' "$1"; }
r() { v=; IFS= read -r v <"$1"; [ -n "$v" ] && printf '%s\n' "$v"; }
f() { v=; IFS= read -r v <"$1"; printf '%s|' "$v"; }
s env; env
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin; export PATH
s uname; for k in ostype hostname osrelease version; do r "/proc/sys/kernel/$k"; done; uname -m
IFS= read -r h </proc/sys/kernel/hostname
s bits; getconf LONG_BIT
s names
a=$(getent hosts "$h" | sed 's/[[:space:]].*//;q')
[ -n "$a" ] || a=$(sed 's/#.*//' /etc/hosts | grep -w -- "$h" | sed 's/[[:space:]].*//;q')
[ -z "$a" ] || getent hosts "$a" || grep "^$a[[:space:]]" /etc/hosts
s os-release; cat /etc/os-release || cat /usr/lib/os-release
s lsb-release; cat /etc/lsb-release
for f in debian_version redhat-release alpine-release; do s "$f"; cat "/etc/$f"; done
s date; date '+%Y|%m|%d|%H|%M|%S|%s|%A|%w|%W|%Z|%z'; date -u '+%Y-%m-%dT%H:%M:%S%n%N'
s cpuinfo; cat /proc/cpuinfo
s nproc; nproc
s meminfo; cat /proc/meminfo
s loadavg; r /proc/loadavg
s uptime; r /proc/uptime
s cmdline; r /proc/cmdline
s user; id -u; id -g; id -ru; id -rg; u=$(id -un); printf '%s\n' "$u"; getent passwd "$u" || grep "^$u:" /etc/passwd
s resolv; cat /etc/resolv.conf
s machine-id; r /etc/machine-id || r /var/lib/dbus/machine-id
s fips; r /proc/sys/crypto/fips_enabled
s selinux; getenforce; r /sys/fs/selinux/policyvers; sed -n 's/^SELINUX\(TYPE\)\{0,1\}=//p' /etc/selinux/config
s apparmor; [ -d /sys/kernel/security/apparmor ] && echo enabled
s init; r /proc/1/comm; readlink /proc/1/exe; [ -d /run/systemd/system ] && echo /systemd; [ -d /run/openrc ] && echo /openrc
s systemd; systemctl --version
s managers; for p in apt-get dnf5 dnf microdnf yum zypper apk pacman opkg xbps-install; do command -v "$p"; done
s chroot; stat -c '%i %d' / /proc/1/root/.
for k in rsa ecdsa ed25519 dsa; do
  for d in /etc/ssh /etc/openssh /etc; do
    [ -r "$d/ssh_host_${k}_key.pub" ] && { s "hostkey $k"; cat "$d/ssh_host_${k}_key.pub"; break; }
  done
done
for f in bios_date bios_vendor bios_version board_asset_tag board_name board_serial board_vendor board_version \
  chassis_asset_tag chassis_serial chassis_type chassis_vendor chassis_version \
  product_name product_serial product_uuid product_version sys_vendor; do
  s "dmi $f"; r "/sys/class/dmi/id/$f" || printf 'NA\n'
done
s container; [ -e /.dockerenv ] || [ -e /.dockerinit ] && echo docker; [ -e /run/.containerenv ] && echo podman
tr '\000' '\n' </proc/1/environ | grep '^container='; r /run/systemd/container; cat /proc/1/cgroup
s hypervisor; r /sys/hypervisor/type; [ -e /proc/xen ] && echo xen; [ -e /dev/kvm ] && echo /dev/kvm
grep -E '^(kvm|vboxdrv|virtio) ' /proc/modules
s capabilities; capsh --print | grep '^Current:'
s links
for i in /sys/class/net/*; do
  n=${i##*/}; [ -e "$i/address" ] || continue
  printf '%s|' "$n"; for k in address mtu operstate type flags speed; do f "$i/$k"; done
  [ -e "$i/device" ] && { d=$(readlink -f "$i/device"); printf '%s' "${d##*/}"; }
  d=; [ -e "$i/device/driver/module" ] && d=$(readlink -f "$i/device/driver/module"); printf '|%s|' "${d##*/}"
  [ -d "$i/bridge" ] && { cat "$i/bridge/bridge_id" | tr '\n' '|'; cat "$i/bridge/stp_state" | tr '\n' '|'; ls "$i/brif" | tr '\n' ' '; }
  printf '\n'
done
s addresses
if command -v ip >/dev/null; then ip -o addr show; else
  sed 's/^/inet6 /' /proc/net/if_inet6
  awk 'NR > 1 && $8 != "FFFFFFFF" && $3 == "00000000" { print "net " $1 " " $2 " " $8 }' /proc/net/route
  awk '$2 ~ /^[0-9]/ { a = $2 } /host LOCAL/ { print "local " a }' /proc/net/fib_trie | sort -u
fi
s route4; awk 'NR > 1 && $2 == "00000000" && $8 == "00000000" { print $1, $3, $7 }' /proc/net/route
if command -v ip >/dev/null; then ip -4 route get 8.8.8.8; fi
s route6; if command -v ip >/dev/null; then ip -6 route get 2404:6800:400a:800::1012; fi
s local4; if command -v ip >/dev/null; then ip -4 route show table local; fi
s local6; if command -v ip >/dev/null; then ip -6 route show table local; fi
s mounts
while read -r d m t o a b; do
  case $d in /*|*:/*) ;; *) continue ;; esac
  case $t in none|autofs) continue ;; esac
  case $m in *\\*) p=$(printf '%b_' "$m"); p=${p%_} ;; *) p=$m ;; esac
  printf '%s %s %s %s %s %s %s %s\n' "$d" "$m" "$t" "$o" "$a" "$b" "$(stat -f -c '%S,%b,%a,%c,%d' "$p")" "$(stat -c %d "$p")"
done </proc/mounts
s uuids; for l in /dev/disk/by-uuid/*; do [ -e "$l" ] && printf '%s %s\n' "$(readlink -f "$l")" "${l##*/}"; done
s labels; for l in /dev/disk/by-label/*; do [ -e "$l" ] && printf '%s %s\n' "$(readlink -f "$l")" "${l##*/}"; done
s ids; for l in /dev/disk/by-id/*; do [ -e "$l" ] && printf '%s %s\n' "$(readlink -f "$l")" "${l##*/}"; done
s devices
for b in /sys/block/*; do
  [ -d "$b" ] || continue
  v=; case $(readlink -f "$b") in */virtual/*) v=1 ;; esac
  printf '%s|%s|' "${b##*/}" "$v"
  for k in size queue/logical_block_size removable queue/rotational device/vendor device/model queue/scheduler; do f "$b/$k"; done
  r "$b/queue/discard_granularity" || printf '\n'
  for p in "$b/${b##*/}"*; do
    [ -e "$p/partition" ] && { printf '+%s|%s|' "${b##*/}" "${p##*/}"; f "$p/start"; r "$p/size" || printf '\n'; }
  done
done
s local
for f in /etc/ansible/facts.d/*.fact; do
  [ -r "$f" ] || continue
  n=${f##*/}; s "local ${n%.fact}"
  if [ -x "$f" ]; then "$f"; else cat "$f"; fi
done
s python
for p in "$P" python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 /usr/bin/python3 python3; do
  [ -n "$p" ] && command -v "$p" || continue
  "$p" -I -S -c 'import sys, importlib.util as u
print(",".join(map(str, sys.version_info)), sys.executable, u.find_spec("_ssl") is not None, sys.implementation.name, sep="\n")' && break
done
s end; :
