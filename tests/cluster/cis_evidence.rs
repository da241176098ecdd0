//! What the built cluster shows of itself: flags of processes, files of the nodes, what kubelets say of their configuration, and what
//! the API server holds and refuses.

use super::machines::Cluster;
use serde_json::Value;
use std::collections::BTreeMap;
use vent::words;

pub const NODES: [&str; 3] = ["controller-0", "worker-0", "worker-1"];

/// A file or folder of a node.
pub struct File {
    pub node: &'static str,
    pub path: String,
    /// The bits of its permissions.
    pub mode: u32,
    /// `USER:GROUP`.
    pub owner: String,
}

pub struct Evidence {
    pub cluster: Cluster,
    pub files: Vec<File>,
    /// Of each node the flags of each component that runs there.
    flags: BTreeMap<(&'static str, String), Vec<String>>,
    /// What each kubelet goes by.
    pub kubelets: BTreeMap<&'static str, Value>,
}

const LOOK: &str = "
for program in kube-apiserver kube-controller-manager kube-scheduler etcd kubelet kube-proxy; do
  # The kernel keeps 15 letters of a name.
  for process in $(pgrep --exact \"$(printf %.15s $program)\"); do
    tr '\\0' '\\n' </proc/$process/cmdline | sed \"s/^/flag $program /\"
  done
done
find /etc/kubernetes /etc/etcd /etc/cni/net.d /etc/systemd/system /var/lib/etcd -maxdepth 2 -not -type l -printf 'file %m %u:%g %p\\n' 2>/dev/null
";

impl Evidence {
    pub fn gather() -> Evidence {
        let cluster = Cluster::of_the_project();
        let (mut files, mut flags, mut kubelets) = (vec![], BTreeMap::new(), BTreeMap::new());
        for node in NODES {
            for line in cluster.on(node, LOOK).lines() {
                let words: Vec<_> = line.splitn(4, ' ').collect();
                match words[..] {
                    ["file", mode, owner, path] => files.push(File {
                        node,
                        path: path.into(),
                        mode: u32::from_str_radix(mode, 8).unwrap(),
                        owner: owner.into(),
                    }),
                    ["flag", program, ..] => {
                        let all: &mut Vec<String> = flags.entry((node, program.to_string())).or_default();
                        all.push(line.splitn(3, ' ').nth(2).unwrap_or_default().to_string());
                    }
                    _ => panic!("{node}: {line}"),
                }
            }
            let said = cluster.kubectl(&["get", "--raw", &format!("/api/v1/nodes/{node}/proxy/configz")]);
            let configuration: Value = serde_json::from_str(&said).unwrap();
            kubelets.insert(node, configuration["kubeletconfig"].clone());
        }
        Evidence {
            cluster,
            files,
            flags,
            kubelets,
        }
    }

    /// The values of a flag in the processes of a component, one for each node that runs it: `None` where it is not given.
    pub fn flag(&self, component: &str, flag: &str) -> Vec<Option<&str>> {
        let processes: Vec<_> = self.flags.iter().filter(|(key, _)| key.1 == component).collect();
        assert!(!processes.is_empty(), "{component} runs nowhere");
        processes
            .into_iter()
            .map(|(_, words)| {
                words
                    .iter()
                    .find_map(|word| word.strip_prefix(flag)?.strip_prefix('='))
            })
            .collect()
    }

    /// The words of a component's process on the controller.
    pub fn words(&self, component: &str) -> &[String] {
        &self.flags[&("controller-0", component.to_string())]
    }

    /// What a script says on the controller.
    pub fn controller(&self, script: &str) -> String {
        self.cluster.on("controller-0", script)
    }

    /// The objects of a kind, in all namespaces.
    pub fn objects(&self, kind: &str) -> Vec<Value> {
        let said = self
            .cluster
            .kubectl(&["get", kind, "--all-namespaces", "--output=json"]);
        let list: Value = serde_json::from_str(&said).unwrap();
        list["items"].as_array().unwrap().clone()
    }

    /// Why the API server refuses a pod in the namespace `default`, from what stands in its specification and in its container's
    /// security context, as JSON without the outer braces; nothing if it takes it.
    pub fn refusal(&self, specification: &str, context: &str) -> String {
        let pod = format!(
            r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "asks", "namespace": "default"}}, "spec": {{{specification}
            "containers": [{{"name": "a", "image": "a", {context}}}]}}}}"#
        );
        let folder = self.cluster.folder();
        let line = format!(
            "echo {} | {} --kubeconfig={} create --dry-run=server --filename=- 2>&1",
            words::quote(&pod),
            folder.join("bin/kubectl").display(),
            folder.join("kubeconfigs/admin.kubeconfig").display()
        );
        let output = std::process::Command::new("sh")
            .args(["-c", &line])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            String::new()
        } else {
            said
        }
    }
}
