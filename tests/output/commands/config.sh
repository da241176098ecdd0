# What settings are, and who made them. Sourced in this folder with `run`, which tells a command, what it prints and how it ends, and
# `$out`.
unset ANSIBLE_HOME ANSIBLE_PYTHON_INTERPRETER EDITOR NO_COLOR PAGER
mkdir "$out/home"
export HOME="$out/home"
run ansible-config dump
run ansible-config dump --only-changed
run ansible-config view
run ansible-config view -c "$out/nowhere"
run ansible-config dump -c "$out/nowhere"
cat >"$out/ansible.cfg" <<'END'
[defaults]
forks = 7
LIBRARY = ./mods:~/x:more/../$FOLDER
inventory = a,b
remote_user = "me"
timeout = 5 ; seconds
no_such_setting = 1
callbacks_enabled = timer,
  "profile_tasks"
[diff]
always = yes
[privilege_escalation]
become_user = them
[sudo_become_plugin]
user = x
[ssh_connection]
ssh_args = -o A=b
timeout = 6
[tags]
run = a,b
END
export FOLDER=folder
run ansible-config view -c "$out/ansible.cfg"
run ansible-config dump --only-changed -c "$out/ansible.cfg"
export ANSIBLE_CONFIG="$out/ansible.cfg"
run ansible-config dump --only-changed
run ansible-config dump --only-changed --format json
run ansible-config dump --only-changed -f yaml
run ansible-config dump --only-changed -t connection ssh
run ansible-config dump --only-changed -t become
run ansible-config dump -t callback default minimal tree
run ansible-config dump --format json
run env ANSIBLE_FORKS=3 ANSIBLE_TIMEOUT= ANSIBLE_RUN_TAGS= ANSIBLE_ROLES_PATH=r:../s:/t/./u ansible-config dump --only-changed
run env ANSIBLE_INVENTORY=x,y ANSIBLE_HOME=h ANSIBLE_BECOME=0 ANSIBLE_WORKER_SHUTDOWN_POLL_DELAY=3 ansible-config dump --changed-only -v
run env ANSIBLE_FORKS=many ansible-config dump
run env ANSIBLE_GATHERING=never ansible-config dump
run ansible-config dump -t nothing
run ansible-config
