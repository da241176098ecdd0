#!/bin/sh
# What differs from run to run is made the same: times, numbers of jobs, folders. Usage: same.sh OUT HERE
sed -E -e "s#$1#OUT#g; s#$2#HERE#g" \
    -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+/TIME/g; s/"delta": "[^"]*"/"delta": "TIME"/g; s/jid=j?[0-9.]+/jid=JOB/' \
    -e 's/"ansible_job_id": "[^"]*"/"ansible_job_id": "JOB"/; s#"results_file": "[^"]*", ##' \
    -e 's#"src": "[^"]*/tmp/[^"]*", ##; s#/ansible-local-[^ ",]*##'
