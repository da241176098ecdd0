"""Lists and makes devices with the official client of Equinix Metal."""

import os

import equinix_metal

configuration = equinix_metal.Configuration(
    host=os.environ["STAND_IN"], api_key={"x_auth_token": os.environ["TOKEN"]}
)
with equinix_metal.ApiClient(configuration) as client:
    projects = equinix_metal.ProjectsApi(client).find_projects().projects
    devices = equinix_metal.DevicesApi(client)
    project = projects[0].id
    found = devices.find_project_devices(id=project, include=["plan", "project"]).devices
    assert [device.hostname for device in found] == ["controller-0", "worker-0", "gone"], found
    wanted = equinix_metal.DeviceCreateInMetroInput(
        metro="am", plan="c3.small.x86", operating_system="debian_12", hostname="worker-1", tags=["worker"]
    )
    made = devices.create_device(id=project, create_device_request=equinix_metal.CreateDeviceRequest(wanted))
    assert made.hostname == "worker-1" and made.state == "queued", made
    for _ in range(3):
        made = devices.find_device_by_id(id=made.id)
    assert made.state == "active" and made.ip_addresses[0].public, made
    devices.delete_device(id=made.id, force_delete=True)
print("done")
