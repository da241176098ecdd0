# This computer as a machine with a cluster: its address, systemd's folder, and an /etc that nobody can write.
set -e
ip link add bridge type bridge
ip address add 198.51.100.10/24 dev bridge
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
mount -t overlay overlay -o lowerdir=etc:/etc /etc
set +e
for other in pod_cidr=10.201.0.0/16 service_cidr=10.33.0.0/24 cluster_domain=example.org; do
  vent run playbooks/all.yml -i inventory/hosts.yml -e $other > out
  code=$?
  grep -E '^  error:|changed=' out
done
exit $code
