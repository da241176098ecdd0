# Settings that are heeded, each by its variable. Sourced in this folder with `run`, which tells a command, what it prints and how it
# ends, and `$out`.
here='-i hosts.ini -c local -f 1'
run env ANSIBLE_ANY_ERRORS_FATAL=1 ansible-playbook $here settings.yml -e fails=1
run env ANSIBLE_FORCE_HANDLERS=1 ansible-playbook $here settings.yml -e fails=1
run env ANSIBLE_RUN_TAGS=chosen ansible-playbook $here settings.yml
run env ANSIBLE_RUN_TAGS=nothing ansible-playbook $here settings.yml -t chosen
run env ANSIBLE_SKIP_TAGS=chosen ansible-playbook $here settings.yml --skip-tags other
run env ANSIBLE_NO_LOG=1 ansible one $here -m command -a true
seq 12 >"$out/numbers"
run env ANSIBLE_DIFF_ALWAYS=1 ANSIBLE_DIFF_CONTEXT=1 ansible-playbook $here settings-more.yml -C -e "out=$out"
run env ANSIBLE_ERROR_ON_MISSING_HANDLER=0 ansible-playbook $here settings-more.yml -e notifies=1
run env ANSIBLE_HOST_PATTERN_MISMATCH=error ansible-playbook $here settings.yml -l one:nobody
run env ANSIBLE_HOST_PATTERN_MISMATCH=error ansible one:nobody $here -m ping
run env ANSIBLE_TRANSPORT=local ANSIBLE_REMOTE_PORT=1 ansible one -i hosts.ini -m ping
run env ANSIBLE_MODULE_ARGS=true ansible one $here
mkdir -p "$out/project/group_vars"
echo 'number: 5' >"$out/project/group_vars/all.yml"
run env ANSIBLE_PLAYBOOK_DIR="$out/project" ansible all -i one, -m debug -a var=number
run env ANSIBLE_PLAYBOOK_DIR="$out/project" ansible-inventory -i one, --list
run env ANSIBLE_INVENTORY_EXPORT=1 ansible-inventory -i hosts.ini --list
mkdir "$out/folder"
for name in a.ini b.txt c d.cfg skipped; do echo "${name%.*}" >"$out/folder/$name"; done
run ansible-inventory -i "$out/folder" --graph
run env ANSIBLE_INVENTORY_IGNORE=.ini ansible-inventory -i "$out/folder" --graph
run env ANSIBLE_INVENTORY_IGNORE_REGEX='^skip' ansible-inventory -i "$out/folder" --graph
echo one >"$out/one"
echo two >"$out/two"
vaulted='-e vaulted=1'
run env ANSIBLE_VAULT_IDENTITY_LIST="other@$out/two,label@$out/one" ansible-playbook $here settings-more.yml $vaulted
run env ANSIBLE_VAULT_IDENTITY_LIST="other@$out/one" ansible-playbook $here settings-more.yml $vaulted
run env ANSIBLE_VAULT_PASSWORD_FILE="$out/one" ANSIBLE_VAULT_ID_MATCH=1 sh -c "ansible-playbook $here settings-more.yml $vaulted >/dev/null"
run env ANSIBLE_VAULT_PASSWORD_FILE="$out/one" ANSIBLE_VAULT_IDENTITY=label ANSIBLE_VAULT_ID_MATCH=1 ansible-playbook $here settings-more.yml $vaulted
