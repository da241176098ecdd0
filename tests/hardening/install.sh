#!/usr/bin/env bash
# Installs checkov and kube-hunter, from PyPI, into a folder of the cache; prints the folder. What is there already, with the same
# versions, is used again. Where Python's venv is missing: root of Debian installs it, others are told.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
versions=$(cat "$here/requirements.txt" "$here/install.sh" | sha256sum | cut -c1-12)
folder=${VENT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vent}/hardening-$versions
if [ -e "$folder/done" ]; then
  echo "$folder"
  exit
fi

has_python() {
  command -v python3 >/dev/null && python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if ! has_python && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing python3 python3-venv" >&2
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv >/dev/null
fi
has_python || {
  echo "checkov and kube-hunter need Python 3.11 with venv (Debian: apt install python3-venv)" >&2
  exit 1
}

mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9
if [ -e "$folder/done" ]; then
  echo "$folder"
  exit
fi
cd "$folder"
# Each has an environment of its own: they want different versions of what they share.
python3 -m venv --clear checkov
python3 -m venv --clear kube-hunter
pip() { "$1/bin/python" -m pip --quiet --disable-pip-version-check install "${@:2}" >&2; }
pip checkov "$(grep '^checkov==' "$here/requirements.txt")"
pip kube-hunter $(grep -v '^#\|^checkov==' "$here/requirements.txt")
touch done
echo "$folder"
