#!/usr/bin/env bash
# Installs what the contract tests need, from PyPI and npm, into a folder of the cache; prints the folder. What is there already, with
# the same versions, is used again. Where Python's venv, Node or npm is missing: root of Debian installs it, others are told.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# Why Node cannot run Prism; nothing if it can.
node_trouble() {
  command -v node >/dev/null || { echo "node is missing"; return; }
  command -v npm >/dev/null || { echo "npm is missing"; return; }
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 18 || a === 18 && b >= 20 ? 0 : 1)' ||
    echo "node $(node --version) is older than 18.20"
}

if [ -n "$(node_trouble)" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing nodejs npm" >&2
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null
fi
trouble=$(node_trouble)
if [ -n "$trouble" ]; then
  printf 'the contract tests cannot run: %s\nThey need Node 18.20 with npm (Debian: apt install nodejs npm).\n' "$trouble" >&2
  exit 1
fi

. "$here/../python.sh" contract "the contract tests"
npm install --no-audit --no-fund --silent --prefix . @stoplight/prism-cli@5.14.2 >&2 &
npm_job=$!

python3 -m venv venv
pip() { venv/bin/python -m pip --quiet --disable-pip-version-check "$@" >&2; }
pip install -r "$here/requirements.txt"
# The collections of ansible 12, of which two are wanted; and the last release with the inventory script of Packet.
pip download --no-deps ansible==12.3.0 --dest . &
wheel_job=$!
pip download --no-deps --no-binary ansible --no-build-isolation ansible==2.10.7 --dest .
tar -xzf ansible-2.10.7.tar.gz --strip-components=6 --wildcards '*/scripts/inventory/packet_net.*'
wait "$wheel_job"
venv/bin/python - <<'PYTHON'
import zipfile

wanted = tuple(f"ansible_collections/{name}/" for name in ("community/proxmox", "amazon/aws"))
with zipfile.ZipFile("ansible-12.3.0-py3-none-any.whl") as wheel:
    wheel.extractall(".", [name for name in wheel.namelist() if name.startswith(wanted)])
PYTHON
rm -f ansible-*.whl ansible-*.tar.gz
wait "$npm_job"
touch done
echo "$folder"
