//! kube-apiserver's flags.

use crate::credentials::Credentials;

/// The flags of a kube-apiserver on loopback, with tokens for users and RBAC for rights. `load`
/// makes it one for benchmarks: see [`super::Options::load`].
pub(super) fn flags(files: &Credentials, etcd_url: &str, port: u16, load: bool) -> Vec<String> {
    let mut disabled = "ServiceAccount".to_owned();
    let mut args = vec![
        format!("--etcd-servers={etcd_url}"),
        format!("--secure-port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--tls-cert-file={}", files.serving_certificate().display()),
        format!("--tls-private-key-file={}", files.serving_key().display()),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-signing-key-file={}", files.token_key().display()),
        format!("--service-account-key-file={}", files.token_public_key().display()),
        format!("--token-auth-file={}", files.tokens().display()),
        "--authorization-mode=RBAC".to_owned(),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
    ];
    if load {
        // As scheduler_perf: its pods carry priorities without a PriorityClass. And no finalizers
        // on volumes and claims, which no controller would take off after a round.
        disabled.push_str(",TaintNodesByCondition,Priority,StorageObjectInUseProtection");
        args.extend([
            "--max-requests-inflight=4000".to_owned(),
            "--max-mutating-requests-inflight=2000".to_owned(),
            "--enable-priority-and-fairness=false".to_owned(),
            // The pods of a round are deleted by one request, one after another otherwise.
            "--delete-collection-workers=16".to_owned(),
        ]);
    }
    args.push(format!("--disable-admission-plugins={disabled}"));
    args
}
