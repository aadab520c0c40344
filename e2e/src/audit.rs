//! What each scheduler asked of the API server: its audit log.
//!
//! The strongest witness of who did what: a scheduler cannot leave a request out of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// Every request of the users under test, with its answer; nobody else's.
const POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
  users: [\"system:serviceaccount:berth-system:berth\", \"system:kube-scheduler\"]
- level: None
";

/// The user that Berth is, by its ServiceAccount.
pub const BERTH: &str = "system:serviceaccount:berth-system:berth";
/// The user that kube-scheduler is.
pub const KUBE_SCHEDULER: &str = "system:kube-scheduler";

/// One answered request.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Who asked.
    pub user: User,
    /// get, list, watch, create, patch, …
    pub verb: String,
    /// What for; absent for paths like `/readyz`.
    pub object_ref: Option<ObjectRef>,
    /// The answer; absent where none was sent.
    pub response_status: Option<ResponseStatus>,
    /// Path and query.
    #[serde(rename = "requestURI")]
    pub request_uri: String,
}

/// A user of the API.
#[derive(Debug, Clone, Deserialize)]
pub struct User {
    /// Its name.
    pub username: String,
}

/// The object of a request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// Its API group; empty for core.
    pub api_group: String,
    /// Plural name of its kind.
    pub resource: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `binding`, `status`, …
    pub subresource: String,
}

/// An answer.
#[derive(Debug, Clone, Deserialize)]
pub struct ResponseStatus {
    /// HTTP status.
    pub code: u16,
}

impl Entry {
    /// The HTTP status, 0 where no answer was sent.
    pub fn code(&self) -> u16 {
        self.response_status.as_ref().map_or(0, |status| status.code)
    }

    /// Whether it is a write to a pod or one of its subresources.
    pub fn writes_pod(&self) -> bool {
        let write = !matches!(self.verb.as_str(), "get" | "list" | "watch");
        write && self.object_ref.as_ref().is_some_and(|object| object.resource == "pods")
    }

    /// Whether it is a POST of a Binding.
    pub fn binds(&self) -> bool {
        self.verb == "create"
            && self.object_ref.as_ref().is_some_and(|object| object.subresource == "binding")
    }

    /// What has to be granted for it; `None` for paths like `/readyz`.
    fn right(&self) -> Option<Right> {
        let ObjectRef { api_group, resource, subresource, .. } = self.object_ref.clone()?;
        let resource = match subresource.as_str() {
            "" => resource,
            sub => format!("{resource}/{sub}"),
        };
        Some((api_group, resource, self.verb.clone()))
    }

    /// `namespace/name` of its object.
    pub fn object(&self) -> String {
        let object = self.object_ref.clone().unwrap_or_default();
        format!("{}/{}", object.namespace, object.name)
    }
}

/// Where a control plane's audit log lies.
#[derive(Debug)]
pub struct Audit {
    dir: PathBuf,
}

impl Audit {
    /// Writes the policy into the folder of a run.
    pub fn create(dir: &Path) -> Result<Self> {
        let audit = Self { dir: dir.to_owned() };
        std::fs::write(audit.policy(), POLICY)?;
        Ok(audit)
    }

    /// kube-apiserver's flags for it.
    pub fn flags(&self) -> [String; 2] {
        [
            format!("--audit-policy-file={}", self.policy().display()),
            format!("--audit-log-path={}", self.log().display()),
        ]
    }

    /// All entries so far.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let text = std::fs::read_to_string(self.log()).context("the audit log")?;
        let lines = text.lines().filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
    }

    fn policy(&self) -> PathBuf {
        self.dir.join("audit-policy.yaml")
    }

    fn log(&self) -> PathBuf {
        self.dir.join("audit.log")
    }
}

/// How often each HTTP status answered the POSTs of Bindings of one user.
pub fn binding_codes(entries: &[Entry], user: &str) -> BTreeMap<u16, usize> {
    let mut codes = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.binds() && entry.user.username == user) {
        *codes.entry(entry.code()).or_default() += 1;
    }
    codes
}

/// A right: group, resource with its subresource, and verb.
pub type Right = (String, String, String);

/// The rights that one user has made use of.
pub fn used(entries: &[Entry], user: &str) -> BTreeSet<Right> {
    let of_user = entries.iter().filter(|entry| entry.user.username == user);
    let answered = of_user.filter(|entry| entry.code() != 403);
    answered.filter_map(Entry::right).collect()
}

/// What one user was refused for want of rights, as `verb URI`, without repeats.
pub fn denied(entries: &[Entry], user: &str) -> Vec<String> {
    let of_user = entries.iter().filter(|entry| entry.user.username == user);
    let refused = of_user.filter(|entry| entry.code() == 403);
    let mut lines: Vec<_> = refused.map(|e| format!("{} {}", e.verb, e.request_uri)).collect();
    lines.sort();
    lines.dedup();
    lines
}
