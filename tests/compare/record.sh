#!/bin/sh
# Runs the playbooks with ansible-playbook and writes down how they end. Usage: record.sh ANSIBLE_PLAYBOOK PYTHON [NAME...]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
ansible=$1 python=$2
shift 2
[ $# -gt 0 ] || set -- $(ls [0-9]*.yml | grep -v imported | sed 's/[.]yml$//')
mkdir -p expected
for name in "$@"; do
    home=$(mktemp -d)
    mkdir "$home/out"
    code=0
    ANSIBLE_NOCOLOR=1 ANSIBLE_HOME="$home/.ansible" "$ansible" -i hosts.ini -e "ansible_python_interpreter=$python" \
        -e "out=$home/out" "$name.yml" </dev/null >"$home/log" 2>&1 || code=$?
    {
        echo "exit code $code"
        grep ' ok=' "$home/log" | sed -E 's/ +/ /g; s/ $//'
        (cd "$home/out" && sh "$here/files.sh")
    } >"expected/$name.txt"
    rm -rf "$home"
done
