#!/bin/sh
# Runs the playbooks, and the commands of commands/, with Ansible's programs and writes down what they print.
# Usage: record.sh ANSIBLE_PLAYBOOK PYTHON [NAME...]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
ansible=$1 python=$2
shift 2
[ $# -gt 0 ] || set -- $(grep -l '^# -' -- *.yml | sed 's/[.]yml$//') ad-hoc config inventory settings
mkdir -p expected
for name in "$@"; do
    home=$(mktemp -d)
    mkdir "$home/out"
    quiet=true
    [ "$name" != quiet ] || quiet=false
    code=0
    if [ -e "commands/$name.sh" ]; then
        ANSIBLE_PYTHON_INTERPRETER=$python ANSIBLE_NOCOLOR=1 ANSIBLE_HOME=$home/.ansible PYTHONHASHSEED=0 \
            sh commands/run.sh "$name" "$(dirname "$ansible")" "$home/out" >"$home/log"
        sh "$here/same.sh" "$home/out" "$here" <"$home/log" >"expected/$name.txt"
        rm -rf "$home"
        continue
    fi
    # The arguments stand in the first line.
    eval "ANSIBLE_NOCOLOR=1 ANSIBLE_HOME=\$home/.ansible ANSIBLE_DISPLAY_OK_HOSTS=$quiet ANSIBLE_DISPLAY_SKIPPED_HOSTS=$quiet \
        PYTHONHASHSEED=0 \"\$ansible\" $(sed -n '1s/^# //p' "$name.yml") -c local -e ansible_python_interpreter=\$python -e out=\$home/out \
        \"\$name.yml\"" </dev/null >"$home/log" 2>/dev/null || code=$?
    {
        sh "$here/same.sh" "$home/out" "$here" <"$home/log"
        echo "exit code $code"
    } >"expected/$name.txt"
    rm -rf "$home"
done
