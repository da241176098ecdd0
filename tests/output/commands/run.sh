#!/bin/sh
# Runs the commands of a file with the programs of a folder. Usage: run.sh NAME PROGRAMS OUT
cd "$(dirname "$0")" || exit
out=$3
PATH=$2:$PATH
export PATH
run() {
    echo "\$ $*"
    "$@" </dev/null 2>/dev/null
    echo "exit code $?"
}
. "./$1.sh"
