//! One account for each component of the control plane: what it is given, and that it reads nothing of the others.

use super::machines::Cluster;

/// Of each component the files that systemd gives it.
const GIVEN: &[(&str, &str)] = &[
    (
        "kube-apiserver",
        "admission.yaml audit-policy.yaml encryption-config.yaml etcd-ca.pem front-proxy-ca.pem front-proxy-client-key.pem \
         front-proxy-client.pem kube-apiserver-etcd-client-key.pem kube-apiserver-etcd-client.pem kube-apiserver-key.pem \
         kube-apiserver-kubelet-client-key.pem kube-apiserver-kubelet-client.pem kube-apiserver.pem kubernetes-ca.pem \
         service-account-key.pem service-account.pem",
    ),
    (
        "kube-controller-manager",
        "kube-controller-manager-key.pem kube-controller-manager.pem kubeconfig kubernetes-ca-key.pem kubernetes-ca.pem \
         service-account-key.pem",
    ),
    (
        "kube-scheduler",
        "kube-scheduler-key.pem kube-scheduler.pem kubeconfig",
    ),
    ("etcd", "ca.pem peer-key.pem peer.pem server-key.pem server.pem"),
];

/// What nobody but root reads on a controller; the folders too.
const SECRETS: &str = "/etc/kubernetes/pki/*.pem /etc/kubernetes/*.kubeconfig /etc/kubernetes/encryption-config.yaml /etc/etcd /etc/etcd/*.pem";

pub fn components_read_their_own_keys_alone() {
    let cluster = Cluster::of_the_project();
    let controller = |script: &str| cluster.on("controller-0", script);
    for (component, given) in GIVEN {
        let unit = format!("/run/credentials/{component}.service");
        let runs = controller(&format!(
            "ps -o user:32= -p $(pgrep --exact $(printf %.15s {component}))"
        ));
        assert_eq!(runs.trim(), *component, "who runs {component}");
        let as_component = |script: &str| {
            controller(&format!(
                "setpriv --reuid={component} --regid={component} --clear-groups sh -c '{script}'"
            ))
        };
        let seen = as_component(&format!("ls {unit}"));
        assert_eq!(
            seen.split_whitespace().collect::<Vec<_>>().join(" "),
            *given,
            "{component}"
        );
        let read = as_component(&format!(
            "for file in {SECRETS}; do test -r $file && echo $file; done"
        ));
        assert_eq!(read, "", "{component} reads files of root");
        for (other, _) in GIVEN.iter().filter(|(other, _)| other != component) {
            let read = as_component(&format!("ls /run/credentials/{other}.service 2>/dev/null"));
            assert_eq!(read, "", "{component} reads what {other} was given");
        }
    }
    for (process, sees) in [
        ("kube-proxy", "kube-proxy.kubeconfig\nkube-proxy.yaml\n"),
        ("flanneld", "flannel.kubeconfig\n"),
    ] {
        let within = format!("nsenter --mount=/proc/$(pgrep --exact {process})/ns/mnt");
        assert_eq!(
            controller(&format!("{within} ls /etc/kubernetes")),
            sees,
            "{process}"
        );
        let other = controller(&format!(
            "{within} find /etc/etcd /var/lib/etcd /var/lib/kubelet -mindepth 1 2>/dev/null"
        ));
        assert_eq!(other, "", "{process}");
    }
    assert_eq!(
        controller("id kubernetes 2>/dev/null"),
        "",
        "the account of version 0.1.0"
    );
}
