"""Signs, lists, makes and waits with the official client of Exoscale."""

import os

from exoscale.api.v2 import Client

client = Client(os.environ["KEY"], os.environ["SECRET"], url=os.environ["STAND_IN"])
assert [item["name"] for item in client.list_instances()["instances"]] == ["worker-0"]
public = client.list_templates(visibility="public")["templates"]
begun = client.create_security_group(name="demo", description="of a test")
done = client.wait(begun["id"])
group = done["reference"]["id"]
begun = client.add_rule_to_security_group(
    id=group, flow_direction="ingress", protocol="tcp", network="192.0.2.0/24", start_port=6443, end_port=6443
)
client.wait(begun["id"])
assert client.get_security_group(id=group)["rules"][0]["start-port"] == 6443
kind = client.list_instance_types()["instance-types"][3]["id"]
begun = client.create_instance(
    name="worker-1", disk_size=20, instance_type={"id": kind}, template={"id": public[0]["id"]}, labels={"role": "worker"}
)
instance = client.wait(begun["id"])["reference"]["id"]
assert client.get_instance(id=instance)["labels"] == {"role": "worker"}
client.wait(client.delete_instance(id=instance)["id"])
assert len(client.list_instances()["instances"]) == 1
print("done")
