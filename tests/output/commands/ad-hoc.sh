# One task that is typed. Sourced in this folder with `run`, which tells a command, what it prints and how it ends, and `$out`.
here='-i hosts.ini -c local'
run ansible localhost -m ping
run ansible one $here -m ping -o
run ansible one $here -a 'echo {{ inventory_hostname }} {{ number }}'
run ansible one $here -a 'sh -c "echo o; echo e >&2; exit 3"'
run ansible one $here -a 'sh -c "echo o; echo e >&2; exit 3"' --one-line
run ansible one $here -m shell -a 'echo o; echo e >&2' -o
run ansible one $here -m ansible.builtin.shell -a 'echo o; echo e >&2'
run ansible one $here -m raw -a 'echo o; echo e >&2'
run ansible one $here -m debug -a msg=hi
run ansible one $here -m debug -a 'msg={{ nowhere }}'
run ansible one $here -m debug -a 'msg={{ nowhere }}' -o
run ansible one $here -m command
run ansible site.yml $here
run ansible one $here -m import_playbook -a site.yml
run ansible one $here -m include_role -a name=said
run ansible one $here -m import_role -a name=said
run ansible one $here -m include_tasks -a tasks.yml
run ansible one $here -m include_vars -a variables.yml
run ansible all $here --list-hosts
run ansible 'above:!two' $here --list-hosts
run ansible , $here --list-hosts
run ansible web $here -l ,,one --list-hosts
run ansible nobody $here -m ping
run ansible nobody $here --list-hosts
run ansible all $here -l nobody -m ping
run ansible all -m ping
run ansible one $here -a 'removes=/nowhere true'
run ansible one $here -m meta -a noop
run ansible one $here -m assert -a that=false
run ansible one $here -m fail -a msg=no
run ansible one $here -m ping -v
run ansible one $here -m set_fact -a a=1
run ansible one $here -m ping -a nothing=1
run ansible one $here -m debug -a '{"var": "number"}'
run ansible one $here -m ping -t "$out/tree"
run cat "$out/tree/one"
run ansible one $here -m replace -a "path=$out/tree/one regexp=pong replace=ping" -D
export ANSIBLE_LOAD_CALLBACK_PLUGINS=true
run ansible one $here -m ping
export ANSIBLE_STDOUT_CALLBACK=oneline
run ansible one $here -m ping
