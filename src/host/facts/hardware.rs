//! Facts about the machine: processors, memory, firmware, disks, virtualisation.

use super::{Sections, put, strings};
use crate::value::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) fn add(sections: &Sections<'_>, facts: &mut Map) {
    processors(sections, facts);
    memory(sections, facts);
    firmware(sections, facts);
    put(facts, "mounts", mounts(sections));
    disks(sections, facts);
    virtualization(sections, facts);
    let uptime = sections.text("uptime").split('.').next();
    let uptime = uptime.and_then(|text| text.parse().ok());
    put(facts, "uptime_seconds", uptime.map_or(Value::Null, Value::Int));
    let loads = sections.text("loadavg").split_whitespace();
    let loads = loads
        .take(3)
        .filter_map(|load| load.parse().ok().map(Value::Float));
    put(
        facts,
        "loadavg",
        Value::map(["1m", "5m", "15m"].into_iter().zip(loads)),
    );
    put(facts, "lvm", "N/A");
    put(facts, "hostnqn", "");
    put(facts, "iscsi_iqn", "");
    put(facts, "fibre_channel_wwn", vec![]);
}

fn processors(sections: &Sections<'_>, facts: &mut Map) {
    let mut list = vec![];
    let mut packages: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    let mut package = "0";
    let mut count = 0;
    for line in sections.lines("cpuinfo") {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let (name, value) = (name.trim(), value.trim());
        match name {
            "processor" => {
                count += 1;
                list.push(Value::from(value));
            }
            "model name" | "Model" | "vendor_id" | "Vendor" | "cpu" | "CPU" => list.push(value.into()),
            "physical id" => package = value,
            "cpu cores" => packages.entry(package).or_insert((1, 1)).0 = value.parse().unwrap_or(1),
            "siblings" => packages.entry(package).or_insert((1, 1)).1 = value.parse().unwrap_or(1),
            "flags" | "Features" => put(facts, "flags", strings(value.split_whitespace())),
            _ => {}
        }
    }
    put(facts, "processor", list);
    let (sockets, cores, siblings) = match packages.first_key_value() {
        Some((_, (cores, siblings))) => (packages.len() as i64, *cores, *siblings),
        None => (count, 1, 1),
    };
    let threads = (siblings / cores.max(1)).max(1);
    put(facts, "processor_count", sockets);
    put(facts, "processor_cores", cores);
    put(facts, "processor_threads_per_core", threads);
    let vcpus = threads
        .checked_mul(sockets)
        .and_then(|count| count.checked_mul(cores));
    put(facts, "processor_vcpus", fitting(vcpus));
    let usable = sections.text("nproc").parse().unwrap_or(count);
    put(facts, "processor_nproc", usable);
}

fn memory(sections: &Sections<'_>, facts: &mut Map) {
    let numbers: HashMap<&str, i64> = sections
        .lines("meminfo")
        .filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            Some((name, rest.split_whitespace().next()?.parse().ok()?))
        })
        .collect();
    let megabytes = |name: &str| numbers.get(name).copied().unwrap_or(0) / 1024;
    let (total, free) = (megabytes("MemTotal"), megabytes("MemFree"));
    let (swap, swap_free) = (megabytes("SwapTotal"), megabytes("SwapFree"));
    put(facts, "memtotal_mb", total);
    put(facts, "memfree_mb", free);
    put(facts, "swaptotal_mb", swap);
    put(facts, "swapfree_mb", swap_free);
    let kilobytes = |name: &str| numbers.get(name).copied().unwrap_or(0);
    let free_kilobytes = ["MemFree", "Cached", "Buffers"].map(|name| i128::from(kilobytes(name)));
    let without = i64::try_from(free_kilobytes.iter().sum::<i128>() / 1024).unwrap_or(0);
    let entry = |entries: &[(&str, i64)]| Value::map(entries.iter().map(|(name, n)| (*name, Value::Int(*n))));
    let memory = [
        (
            "real",
            entry(&[("total", total), ("used", total - free), ("free", free)]),
        ),
        ("nocache", entry(&[("free", without), ("used", total - without)])),
        (
            "swap",
            entry(&[
                ("total", swap),
                ("free", swap_free),
                ("used", swap - swap_free),
                ("cached", megabytes("SwapCached")),
            ]),
        ),
    ];
    put(facts, "memory_mb", Value::map(memory));
}

/// Words for the chassis types of SMBIOS (DSP0134, 7.4.1).
const FORM_FACTORS: &[&str] = &[
    "Unknown",
    "Other",
    "Unknown",
    "Desktop",
    "Low Profile Desktop",
    "Pizza Box",
    "Mini Tower",
    "Tower",
    "Portable",
    "Laptop",
    "Notebook",
    "Hand Held",
    "Docking Station",
    "All In One",
    "Sub Notebook",
    "Space-saving",
    "Lunch Box",
    "Main Server Chassis",
    "Expansion Chassis",
    "Sub Chassis",
    "Bus Expansion Chassis",
    "Peripheral Chassis",
    "RAID Chassis",
    "Rack Mount Chassis",
    "Sealed-case PC",
    "Multi-system",
    "CompactPCI",
    "AdvancedTCA",
    "Blade",
    "Blade Enclosure",
];

fn firmware(sections: &Sections<'_>, facts: &mut Map) {
    let names = [
        "bios_date",
        "bios_vendor",
        "bios_version",
        "board_asset_tag",
        "board_name",
        "board_serial",
        "board_vendor",
        "board_version",
        "chassis_asset_tag",
        "chassis_serial",
        "chassis_vendor",
        "chassis_version",
        "product_name",
        "product_serial",
        "product_uuid",
        "product_version",
    ];
    let text = |name: &str| match sections.text(&format!("dmi {name}")) {
        "" => "NA",
        text => text,
    };
    for name in names {
        put(facts, name, text(name));
    }
    put(facts, "system_vendor", text("sys_vendor"));
    let factor = text("chassis_type")
        .parse()
        .ok()
        .and_then(|at: usize| FORM_FACTORS.get(at));
    put(facts, "form_factor", factor.copied().unwrap_or("NA"));
}

/// The octal escapes of `/proc/mounts`.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        match after
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok())
        {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &after[3..];
            }
            None => {
                out.push('\\');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn mounts(sections: &Sections<'_>) -> Value {
    let uuids: HashMap<&str, &str> = sections
        .lines("uuids")
        .filter_map(|line| line.split_once(' '))
        .collect();
    let mut list = vec![];
    for line in sections.lines("mounts") {
        let fields: Vec<&str> = line.split(' ').collect();
        let [device, mount, kind, options, dump, pass, sizes, _] = fields[..] else {
            continue;
        };
        let number = |text: &str| text.parse().map_or(Value::Null, Value::Int);
        let mut entries = vec![
            ("mount", Value::from(unescape(mount))),
            ("device", unescape(device).into()),
            ("fstype", kind.into()),
            ("options", options.into()),
            ("dump", number(dump)),
            ("passno", number(pass)),
        ];
        let sizes: Vec<i64> = sizes.split(',').filter_map(|size| size.parse().ok()).collect();
        if let [block, total, available, inodes, inodes_free] = sizes[..] {
            entries.extend([
                ("size_total", fitting(block.checked_mul(total))),
                ("size_available", fitting(block.checked_mul(available))),
                ("block_size", Value::Int(block)),
                ("block_total", Value::Int(total)),
                ("block_available", Value::Int(available)),
                ("block_used", fitting(total.checked_sub(available))),
                ("inode_total", Value::Int(inodes)),
                ("inode_available", Value::Int(inodes_free)),
                ("inode_used", fitting(inodes.checked_sub(inodes_free))),
            ]);
        }
        let uuid = uuids.get(unescape(device).as_str()).copied().unwrap_or("N/A");
        entries.push(("uuid", uuid.into()));
        list.push(Value::map(entries));
    }
    list.into()
}

/// A number that was made of a host's numbers, if there is one.
fn fitting(number: Option<i64>) -> Value {
    number.map_or(Value::Null, Value::Int)
}

/// `12.50 GB`, in Ansible's way.
fn human_size(exact: f64) -> String {
    let units = [
        ("ZB", 70),
        ("EB", 60),
        ("PB", 50),
        ("TB", 40),
        ("GB", 30),
        ("MB", 20),
        ("KB", 10),
    ];
    match units.iter().find(|(_, power)| exact >= f64::powi(2.0, *power)) {
        Some((unit, power)) => format!("{:.2} {unit}", exact / f64::powi(2.0, *power)),
        None => format!("{exact:.2} Bytes"),
    }
}

fn disks(sections: &Sections<'_>, facts: &mut Map) {
    let links = |section: &str, name: &str| {
        let of = sections.lines(section).filter_map(|line| line.split_once(' '));
        let found: BTreeSet<&str> = of
            .filter(|(device, _)| device.strip_prefix("/dev/") == Some(name))
            .map(|(_, link)| link)
            .collect();
        strings(found)
    };
    let all_links = |name: &str| {
        Value::map([
            ("ids", links("ids", name)),
            ("labels", links("labels", name)),
            ("masters", Value::list([])),
            ("uuids", links("uuids", name)),
        ])
    };
    let text = |text: &str| match text.trim() {
        "" => Value::Null,
        text => text.into(),
    };
    let mut devices = Map::new();
    for line in sections.lines("devices").filter(|line| !line.starts_with('+')) {
        let fields: Vec<&str> = line.split('|').collect();
        let [
            name,
            is_virtual,
            size,
            sector,
            removable,
            rotational,
            vendor,
            model,
            scheduler,
            discard,
        ] = fields[..]
        else {
            continue;
        };
        let sectors: i64 = size.parse().unwrap_or(0);
        let chosen = scheduler
            .split_once('[')
            .and_then(|(_, rest)| rest.split_once(']'));
        let partitions = sections.lines("devices").filter_map(|line| {
            let fields: Vec<&str> = line.strip_prefix('+')?.split('|').collect();
            let [disk, partition, start, size] = fields[..] else {
                return None;
            };
            let sectors: i64 = size.parse().unwrap_or(0);
            (disk == name).then(|| {
                let entries = [
                    ("start", start.into()),
                    ("sectors", Value::Int(sectors)),
                    ("sectorsize", sector.parse().map_or(Value::Null, Value::Int)),
                    ("size", human_size(sectors as f64 * 512.0).into()),
                    ("links", all_links(partition)),
                    ("holders", Value::list([])),
                ];
                (partition, Value::map(entries))
            })
        });
        let entries = [
            ("virtual", Value::Int(i64::from(is_virtual == "1"))),
            ("links", all_links(name)),
            ("vendor", text(vendor)),
            ("model", text(model)),
            ("sas_address", Value::Null),
            ("sas_device_handle", Value::Null),
            ("removable", text(removable)),
            ("support_discard", text(discard)),
            ("partitions", Value::map(partitions.collect::<Vec<_>>())),
            ("rotational", text(rotational)),
            ("scheduler_mode", chosen.map_or("", |(chosen, _)| chosen).into()),
            ("sectors", Value::Int(sectors)),
            ("sectorsize", text(sector)),
            ("size", human_size(sectors as f64 * 512.0).into()),
            ("host", "".into()),
            ("holders", Value::list([])),
        ];
        put(&mut devices, name, Value::map(entries));
    }
    put(facts, "devices", Value::Map(devices.into()));
    let by_device = |section: &str| {
        let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (device, link) in sections.lines(section).filter_map(|line| line.split_once(' ')) {
            let name = device.trim_start_matches("/dev/").to_string();
            found.entry(name).or_default().push(link.into());
        }
        Value::map(found.into_iter().map(|(name, links)| (name, links.into())))
    };
    let all = [
        ("ids", by_device("ids")),
        ("labels", by_device("labels")),
        ("masters", Value::map::<&str>([])),
        ("uuids", by_device("uuids")),
    ];
    put(facts, "device_links", Value::map(all));
}

/// The container a host is in, its specific name first.
fn container(sections: &Sections<'_>) -> Vec<&'static str> {
    let lines: Vec<&str> = sections.lines("container").collect();
    let has = |part: &str| lines.iter().any(|line| line.contains(part));
    let named = |name: &str| {
        let assigned = format!("container={name}");
        lines.iter().any(|line| *line == name || *line == assigned)
    };
    match () {
        () if named("docker") || has("/docker/") || has("/docker-") => vec!["docker", "container"],
        () if named("podman") => vec!["podman", "container"],
        () if named("lxc") || has("/lxc/") => vec!["lxc", "container"],
        () if named("systemd-nspawn") || has("/machine.slice/") => vec!["systemd-nspawn", "container"],
        () if has("container=") => vec!["container"],
        () => vec![],
    }
}

/// The hypervisor a host runs on, by its firmware.
fn hypervisor(sections: &Sections<'_>) -> Option<&'static str> {
    let dmi = |name: &str| sections.text(&format!("dmi {name}"));
    let (product, vendor, bios) = (dmi("product_name"), dmi("sys_vendor"), dmi("bios_vendor"));
    let lines: Vec<&str> = sections.lines("hypervisor").collect();
    match () {
        () if lines.contains(&"xen") || bios == "Xen" => Some("xen"),
        () if ["KVM", "KVM Server", "Bochs", "AHV"].contains(&product) => Some("kvm"),
        () if vendor == "oVirt" => Some("oVirt"),
        () if vendor == "QEMU" || vendor == "Amazon EC2" || bios == "Amazon EC2" => Some("kvm"),
        () if product == "Google Compute Engine" || vendor == "DigitalOcean" => Some("kvm"),
        () if vendor == "Hetzner" && product == "vServer" => Some("kvm"),
        () if product.starts_with("OpenStack") || vendor == "OpenStack Foundation" => Some("openstack"),
        () if product.starts_with("VMware") || vendor == "VMware, Inc." => Some("VMware"),
        () if vendor == "innotek GmbH" || product == "VirtualBox" => Some("virtualbox"),
        () if vendor == "Microsoft Corporation" && product == "Virtual Machine" => Some("VirtualPC"),
        () if vendor == "Parallels Software International Inc." => Some("parallels"),
        () if lines.iter().any(|line| line.starts_with("virtio ")) => Some("kvm"),
        () => None,
    }
}

fn virtualization(sections: &Sections<'_>, facts: &mut Map) {
    let mut guest = container(sections);
    guest.extend(hypervisor(sections));
    let lines: Vec<&str> = sections.lines("hypervisor").collect();
    let loaded = |name: &str| lines.iter().any(|line| line.starts_with(name));
    let mut host = vec![];
    if loaded("kvm ") || lines.contains(&"/dev/kvm") {
        host.push("kvm");
    }
    if loaded("vboxdrv ") {
        host.push("virtualbox");
    }
    let (kind, role) = match (guest.first(), host.first()) {
        (Some(guest), _) => (*guest, "guest"),
        (None, Some(host)) => (*host, "host"),
        (None, None) => ("NA", "NA"),
    };
    put(facts, "virtualization_type", kind);
    put(facts, "virtualization_role", role);
    put(facts, "virtualization_tech_guest", strings(guest));
    put(facts, "virtualization_tech_host", strings(host));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_for_people() {
        assert_eq!(human_size(0.0), "0.00 Bytes");
        assert_eq!(human_size(256.0 * f64::powi(2.0, 30)), "256.00 GB");
        assert_eq!(human_size(1536.0), "1.50 KB");
    }

    #[test]
    fn a_machine_knows_what_it_runs_on() {
        let mut facts = Map::new();
        virtualization(
            &Sections::read("\u{1e}dmi sys_vendor\nQEMU\n\u{1e}container\n"),
            &mut facts,
        );
        assert_eq!(facts.get("virtualization_type"), Some(&"kvm".into()));
        assert_eq!(facts.get("virtualization_role"), Some(&"guest".into()));
        virtualization(&Sections::read("\u{1e}hypervisor\n/dev/kvm\n"), &mut facts);
        assert_eq!(facts.get("virtualization_role"), Some(&"host".into()));
    }

    #[test]
    fn mounts_with_spaces_are_read() {
        let mounts = mounts(&Sections::read(
            "\u{1e}mounts\n/dev/sda1 /mnt/a\\040b ext4 rw 0 1 4096,100,40,10,4 1\n\u{1e}uuids\n/dev/sda1 ab-cd\n",
        ));
        let mount = &mounts.as_list().unwrap()[0];
        assert_eq!(mount.get("mount"), Some(&"/mnt/a b".into()));
        assert_eq!(mount.get("block_used"), Some(&Value::Int(60)));
        assert_eq!(mount.get("uuid"), Some(&"ab-cd".into()));
    }
}
