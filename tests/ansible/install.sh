#!/usr/bin/env bash
# Installs Ansible, its linter and the collections that the shipped playbooks use, from PyPI, into a folder of the cache; prints the
# folder. What is there already, with the same versions, is used again. Where Python's venv is missing: root of Debian installs it,
# others are told.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
versions=$(cat "$here/requirements.txt" "$here/install.sh" | sha256sum | cut -c1-12)
folder=${VENT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vent}/ansible-$versions
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
  echo "the tests with Ansible need Python 3.11 with venv (Debian: apt install python3-venv)" >&2
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
python3 -m venv --clear venv
pip() { venv/bin/python -m pip --quiet --disable-pip-version-check "$@" >&2; }
# Of the collections of ansible 12 those that the shipped playbooks name.
pip download --no-deps ansible==12.3.0 --dest . &
wheel_job=$!
pip install -r "$here/requirements.txt"
wait "$wheel_job"
venv/bin/python - <<'PYTHON'
import zipfile

names = ("amazon/aws", "ansible/posix", "ansible/utils", "community/crypto", "community/general")
wanted = tuple(f"ansible_collections/{name}/" for name in names)
with zipfile.ZipFile("ansible-12.3.0-py3-none-any.whl") as wheel:
    wheel.extractall(".", [name for name in wheel.namelist() if name.startswith(wanted) and "/tests/" not in name])
PYTHON
rm -f ansible-*.whl
touch done
echo "$folder"
