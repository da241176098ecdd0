#!/usr/bin/env bash
# Installs Ansible, its linter and the collections that the shipped playbooks use, from PyPI, into a folder of the cache; prints the
# folder. What is there already, with the same versions, is used again. Where Python's venv is missing: root of Debian installs it,
# others are told.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../python.sh" ansible "the tests with Ansible"
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
