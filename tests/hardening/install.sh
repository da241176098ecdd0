#!/usr/bin/env bash
# Installs checkov and kube-hunter, from PyPI, into a folder of the cache; prints the folder. What is there already, with the same
# versions, is used again. Where Python's venv is missing: root of Debian installs it, others are told.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../python.sh" hardening "checkov and kube-hunter"
# Each has an environment of its own: they want different versions of what they share.
python3 -m venv --clear checkov
python3 -m venv --clear kube-hunter
pip() { "$1/bin/python" -m pip --quiet --disable-pip-version-check install "${@:2}" >&2; }
pip checkov "$(grep '^checkov==' "$here/requirements.txt")"
pip kube-hunter $(grep -v '^#\|^checkov==' "$here/requirements.txt")
touch done
echo "$folder"
