# What is shown of an inventory.
run ansible-inventory -i hosts.ini --list
run ansible-inventory -i hosts.ini --list --export
run ansible-inventory -i hosts.ini --list -l one,alone
run ansible-inventory -i hosts.ini --list --yaml -l one
run ansible-inventory -i hosts.ini --list -y --export
run ansible-inventory -i hosts.ini --graph
run ansible-inventory -i hosts.ini --graph above --vars
run ansible-inventory -i hosts.ini --graph -l one
run ansible-inventory -i hosts.ini --graph nobody
run ansible-inventory -i hosts.ini --host one
run ansible-inventory -i hosts.ini --host one -y -e more=1
run ansible-inventory -i hosts.ini --host nobody
run ansible-inventory -i hosts.ini --host web
run ansible-inventory -i hosts.ini
run ansible-inventory -i hosts.ini --list --graph
run ansible-inventory -i hosts.ini --list --output "$out/list"
run cat "$out/list"
run ansible-inventory --list
run ansible-inventory -i a,b --list -v
