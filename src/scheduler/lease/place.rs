//! Where the Lease of a `schedulerName` is.
//!
//! Instances see each other only where they look in the same namespace. It is, in this order:
//! `--leader-elect-resource-namespace`; `leaderElection.resourceNamespace`, unless that is
//! kube-scheduler's default `kube-system`, which says nothing; the pod's own (`POD_NAMESPACE`, or
//! the namespace of its ServiceAccount); `berth-system`, where the manifests put Berth, and
//! `kube-system` in a cluster without that.

use std::env;
use std::fs;
use std::time::Duration;

use crate::client::{Client, exchange, request};

/// The namespace of the manifests.
const MANIFESTS: &str = "berth-system";

/// Where there is no [`MANIFESTS`]: every cluster has it.
const EVERYWHERE: &str = "kube-system";

/// The namespace of a pod, where a ServiceAccount is mounted in it.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Deadline of the look for a namespace.
const DEADLINE: Duration = Duration::from_secs(5);

/// Longest name that stays as it is: an object's name has 253 bytes, less the prefix.
const NAME_MAX: usize = 253 - PREFIX.len();

const PREFIX: &str = "berth-";

/// The namespace of the Leases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Namespace {
    /// Named by a flag, the configuration, or the pod.
    Named(String),
    /// `berth-system` where the cluster has it, else `kube-system`.
    Found,
}

impl Namespace {
    /// By flag, configuration and pod.
    pub fn of(flag: Option<&str>, configured: &str) -> Self {
        Self::choose(flag, configured, pod_namespace)
    }

    fn choose(flag: Option<&str>, configured: &str, pod: impl FnOnce() -> Option<String>) -> Self {
        let configured = Some(configured).filter(|name| !name.is_empty() && *name != EVERYWHERE);
        let named = flag.filter(|name| !name.is_empty()).or(configured).map(str::to_owned);
        named.or_else(pod).map_or(Self::Found, Self::Named)
    }

    /// Its name. Asks the API server where it has to be found.
    ///
    /// # Errors
    /// The server does not answer.
    pub(super) async fn resolve(&self, client: &Client) -> Result<String, String> {
        if let Self::Named(name) = self {
            return Ok(name.clone());
        }
        let path = format!("/api/v1/namespaces/{MANIFESTS}");
        let request = request("GET", &path, None).map_err(|error| error.to_string())?;
        let answer = exchange(client, request, DEADLINE).await.map_err(|e| e.to_string())?;
        match answer.status {
            404 => Ok(EVERYWHERE.to_owned()),
            // Whoever may not read namespaces may still hold a Lease there.
            200 | 401 | 403 => Ok(MANIFESTS.to_owned()),
            _ => Err(format!("namespace {MANIFESTS}: {}", answer.text())),
        }
    }
}

/// The namespace of the pod that this runs in: `POD_NAMESPACE`, else that of the mounted
/// ServiceAccount.
pub(crate) fn pod_namespace() -> Option<String> {
    let named = |name: &String| !name.is_empty();
    let file = || fs::read_to_string(NAMESPACE_FILE).ok().map(|text| text.trim().to_owned());
    env::var("POD_NAMESPACE").ok().filter(named).or_else(|| file().filter(named))
}

/// The name of the Lease of a `schedulerName`: `berth-<schedulerName>`. A name that cannot stand in
/// an object's (RFC 1123 subdomain) is made so, with a hash at its end that tells it from others.
pub fn lease_name(scheduler_name: &str) -> String {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let label = |part: &str| {
        !part.is_empty() && !part.starts_with('-') && !part.ends_with('-') && part.chars().all(fits)
    };
    // The first label follows the prefix, which ends in `-`: it may begin with anything that fits.
    if scheduler_name.len() <= NAME_MAX && scheduler_name.split('.').all(label) {
        return format!("{PREFIX}{scheduler_name}");
    }
    let hash = fnv(scheduler_name.as_bytes());
    let plain: String = scheduler_name
        .chars()
        .map(|c| if fits(c.to_ascii_lowercase()) { c.to_ascii_lowercase() } else { '-' })
        // 16 digits and two dashes are to come.
        .take(NAME_MAX - 18)
        .collect();
    let plain = plain.trim_matches('-');
    let dash = if plain.is_empty() { "" } else { "-" };
    format!("{PREFIX}{plain}{dash}{hash:016x}")
}

/// FNV-1a of 64 bits: the same in every version of Berth, which the standard library's hashes need
/// not be.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::client::fake::{FakeServer, Reply};

    #[test]
    fn the_flag_then_the_file_then_the_pod() {
        let choose = |flag, configured, pod: Option<&str>| {
            Namespace::choose(flag, configured, || pod.map(str::to_owned))
        };
        let named = |name: &str| Namespace::Named(name.to_owned());
        assert_eq!(choose(Some("kube-system"), "a", Some("p")), named("kube-system"));
        assert_eq!(choose(None, "a", Some("p")), named("a"));
        assert_eq!(choose(None, "kube-system", Some("p")), named("p"), "the default says nothing");
        assert_eq!(choose(Some(""), "kube-system", None), Namespace::Found);
    }

    #[tokio::test]
    async fn outside_a_pod_the_manifests_namespace_is_looked_for() {
        let found = async |reply: Reply| {
            let server = FakeServer::start(move |_| reply.clone()).await;
            Namespace::Found.resolve(&server.client()).await
        };
        assert_eq!(found(Reply::json(200, "{}")).await.unwrap(), "berth-system");
        assert_eq!(found(Reply::status(404, "NotFound", "")).await.unwrap(), "kube-system");
        assert_eq!(found(Reply::status(403, "Forbidden", "")).await.unwrap(), "berth-system");
        assert!(found(Reply::status(500, "InternalError", "")).await.is_err());
    }

    #[test]
    fn names_fit_and_stay_apart() {
        assert_eq!(lease_name("berth"), "berth-berth");
        assert_eq!(lease_name("batch.example-1.com"), "berth-batch.example-1.com");
        let long = "x".repeat(300);
        let odd = ["Berth", "berth_", "berth.", ".berth", "a..b", "a.-b", "", "ü", "-", &long];
        let mut seen = std::collections::BTreeSet::new();
        for name in odd {
            let made = lease_name(name);
            assert!(made.len() <= 253, "{made}");
            assert!(
                made.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            );
            assert!(!made.ends_with('-'), "{made}");
            assert!(seen.insert(made), "{name:?}");
        }
    }
}
