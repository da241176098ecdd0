//! Every option below `machines:` is told by the program and by the documents.

use serde_json::{Map, Value};
use std::path::Path;
use std::process::Command;

fn properties(value: &Value) -> Map<String, Value> {
    value["properties"].as_object().cloned().unwrap_or_default()
}

#[test]
fn every_option_is_described_by_the_program_and_named_in_the_documents() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/providers.md");
    let document = std::fs::read_to_string(path).unwrap();
    for provider in ["packet", "exoscale", "proxmox"] {
        let done = Command::new(env!("CARGO_BIN_EXE_vent"))
            .args(["machines", "options", provider])
            .output()
            .unwrap();
        let told: Value = serde_json::from_slice(&done.stdout).unwrap();
        let mut all = properties(&told);
        all.extend(properties(&told["properties"]["sets"]["items"]));
        println!("{provider}: {} options", all.len());
        for (name, option) in all {
            assert!(
                option["description"].is_string(),
                "{provider} does not describe `{name}`"
            );
            let named = document.contains(&format!("`{name}`")) || document.contains(&format!("`{name}:"));
            assert!(named, "docs/providers.md does not name `{name}` of {provider}");
        }
    }
}
