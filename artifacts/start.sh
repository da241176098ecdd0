#!/bin/sh
# Starts every program of an architecture and prints what it says of itself.
# Usage: artifacts/start.sh amd64|arm64     (a foreign architecture needs qemu-user)
# Ends with 1 if one does not start.
set -u
arch=${1:?amd64 or arm64}
case $arch in
amd64) machine=x86_64 ;;
arm64) machine=aarch64 ;;
*) echo "$arch is neither amd64 nor arm64" >&2; exit 2 ;;
esac
emulator=
[ "$(uname -m)" = "$machine" ] || emulator=qemu-$machine
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0

# start NAME VARIANT EXPECTED WORDS...: the program's output must contain EXPECTED.
start() {
    name=$1 variant=$2 expected=$3
    shift 3
    path=$(vent artifacts path "$name" --arch "$arch" ${variant:+--variant "$variant"}) || { failed=1; return; }
    said=$(cd "$folder" && timeout 60 ${emulator:+"$emulator"} "$path" "$@" 2>&1 </dev/null)
    case $said in
    *"$expected"*) echo "ok      $name${variant:+ ($variant)}: $(echo "$said" | grep -F -m 1 -e "$expected" | cut -c 1-90)" ;;
    *) echo "FAILED  $name${variant:+ ($variant)}: $(echo "$said" | head -n 3)"; failed=1 ;;
    esac
}

for name in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy; do
    start $name '' 'Kubernetes v1.' --version
done
start kubectl '' 'Client Version: v1.' version --client
start etcd '' 'etcd Version: 3.' --version
start etcdctl '' 'etcdctl version: 3.' version
start etcdutl '' 'etcdutl version: 3.' version
start containerd '' 'containerd/v2 v2.' --version
start containerd-shim-runc-v2 '' 'Version:  v2.' -v
start ctr '' 'containerd/v2 v2.' --version
start crio '' 'crio version 1.' --version
start pinns '' 'Path for pinning namespaces not specified'
start runc '' 'runc version 1.' --version
start runsc '' 'release-' --version
start containerd-shim-runsc-v1 '' 'Version: ' -v
start containerd-shim-runsc-v1 no-sys-resource 'Version: ' -v
start crictl '' 'crictl version v1.' --version
for name in bridge host-local loopback portmap firewall bandwidth tuning flannel; do
    start $name '' 'plugin v'
done
start flanneld '' 'v0.' --version
start coredns '' 'CoreDNS-1.' -version
start agnhost '' 'app version' --version
start pause '' 'pause.c v3.' -v
start dmesg '' '['
exit $failed
