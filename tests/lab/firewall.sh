# firewall.sh VENT FOLDER: runs in network and mount namespaces of its own.
# A lab behind a firewall that drops what is forwarded: its node reaches the outside, and nothing stays.
set -eux
vent=$1
cd "$2"
export VENT_STATE=$PWD/state

# /sys shows the interfaces of this namespace, and still the control groups.
mkdir groups
mount --rbind /sys/fs/cgroup groups
mount -t sysfs sysfs /sys
mount --rbind groups /sys/fs/cgroup
umount --lazy groups
mount -t tmpfs tmpfs /run

# The outside: a machine behind a cable.
unshare --net sleep 600 &
outside=$!
trap 'kill $outside' EXIT
until [ "$(readlink /proc/$outside/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
ip link set lo up
ip link add cable type veth peer name end netns $outside
ip address add 198.18.0.1/24 dev cable
ip link set cable up
nsenter --target $outside --net ip address add 198.18.0.2/24 dev end
nsenter --target $outside --net ip link set end up

echo 0 >/proc/sys/net/ipv4/ip_forward
nft add table ip filter
nft add chain ip filter FORWARD '{ type filter hook forward priority 0; policy drop; }'
nft add rule ip filter FORWARD counter drop
nft list ruleset >before

cat >lab.yml <<'LAB'
plugin: lab
name: walled
public_cidr: 10.79.0.0/24
memory: 256M
nodes: {one: {address: 10}}
LAB
lab="$vent lab -i lab.yml"
trap '$lab down; kill $outside' EXIT
$lab up 2>said
grep 'ip_forward=1' said
grep 'root of a node is root of this computer' said
grep 'chain `FORWARD` of table `ip filter` drops' said
[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ]

# Nobody listens outside: a refusal came all the way back, a drop would be silence.
answer=$($lab ssh one -- 'timeout 5 bash -c "exec 3<>/dev/tcp/198.18.0.2/80"; echo $?' 2>&1)
case $answer in *refused*) ;; *) exit 1 ;; esac

# A second time nothing is added.
nft list ruleset | grep -c 'comment "vent lab' >first
$lab up
nft list ruleset | grep -c 'comment "vent lab' | cmp - first

$lab down
nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*/packets 0 bytes 0/' | cmp - before
[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 0 ]
[ -z "$(ls state/lab)" ]
