"""Lists and sets up with proxmoxer, which always uses https://."""

import os

import requests

original = requests.Session.request


def request(self, method, url, *arguments, **options):
    return original(self, method, url.replace("https://", "http://"), *arguments, **options)


requests.Session.request = request
from proxmoxer import ProxmoxAPI  # noqa: E402

proxmox = ProxmoxAPI(
    os.environ["HOST"],
    port=int(os.environ["PORT"]),
    user=os.environ["PROXMOX_USER"],
    token_name=os.environ["PROXMOX_TOKEN_ID"],
    token_value=os.environ["PROXMOX_TOKEN_SECRET"],
)
guests = proxmox.cluster.resources.get(type="vm")
assert {guest["name"] for guest in guests} == {"debian-12", "controller-0", "worker-0", "box"}, guests
task = proxmox.nodes("pve1").qemu(90).clone.post(newid=120, name="worker-1", full=1)
assert task.startswith("UPID:pve1:"), task
while proxmox.nodes("pve1").tasks(task).status.get()["status"] != "stopped":
    pass
proxmox.nodes("pve1").qemu(120).config.put(tags="demo;worker")
assert proxmox.nodes("pve1").qemu(120).config.get()["tags"] == "demo;worker"
print("done")
