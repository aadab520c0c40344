//! Reads and writes of one Lease: client-go's `LeaseLock`.

use std::time::Duration;

use serde_json::{Value, json};

use super::record::Record;
use crate::client::{Answer, Client, exchange, request};

const JSON: &str = "application/json";

/// Why a Lease is not read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// RBAC, or no credentials.
    #[error("{0}")]
    Denied(String),
    /// Its namespace does not exist.
    #[error("{0}")]
    NoNamespace(String),
    /// Somebody has written it meanwhile.
    #[error("{0}")]
    Conflict(String),
    /// No answer, or none that helps.
    #[error("{0}")]
    Failed(String),
}

/// A Lease as it was read or written last.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) record: Record,
    object: Value,
}

impl Stored {
    /// `metadata.uid`.
    pub(super) fn uid(&self) -> &str {
        self.object["metadata"]["uid"].as_str().unwrap_or_default()
    }

    fn of(answer: &Answer) -> Result<Self, LockError> {
        let failed = |error: serde_json::Error| LockError::Failed(format!("not a Lease: {error}"));
        let object: Value = serde_json::from_slice(&answer.body).map_err(failed)?;
        let record = Record::of(&object).map_err(failed)?;
        Ok(Self { record, object })
    }
}

/// One Lease.
#[derive(Debug, Clone)]
pub(super) struct Lock {
    pub(super) client: Client,
    pub(super) namespace: String,
    pub(super) name: String,
    /// Deadline of a request.
    pub(super) deadline: Duration,
}

impl Lock {
    /// `None` where there is none.
    pub(super) async fn get(&self) -> Result<Option<Stored>, LockError> {
        let answer = self.ask("GET", &self.path(), None).await?;
        match answer.status {
            404 => Ok(None),
            _ => checked(&answer).map(Some),
        }
    }

    pub(super) async fn create(&self, record: &Record) -> Result<Stored, LockError> {
        let mut lease = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self.name, "namespace": self.namespace},
        });
        record.put(&mut lease);
        checked(&self.ask("POST", &self.folder(), Some(&lease)).await?)
    }

    /// Writes the Lease where it is still as `stored`: the API server compares resource versions.
    pub(super) async fn update(
        &self,
        stored: &Stored,
        record: &Record,
    ) -> Result<Stored, LockError> {
        let mut lease = stored.object.clone();
        record.put(&mut lease);
        checked(&self.ask("PUT", &self.path(), Some(&lease)).await?)
    }

    fn folder(&self) -> String {
        format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", self.namespace)
    }

    fn path(&self) -> String {
        format!("{}/{}", self.folder(), self.name)
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        lease: Option<&Value>,
    ) -> Result<Answer, LockError> {
        let body = lease.map(|lease| (JSON, lease.to_string().into_bytes()));
        let request =
            request(method, path, body).map_err(|error| LockError::Failed(error.to_string()))?;
        let answer = exchange(&self.client, request, self.deadline).await;
        answer.map_err(|failure| LockError::Failed(failure.to_string()))
    }
}

impl std::fmt::Display for Lock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

fn checked(answer: &Answer) -> Result<Stored, LockError> {
    match answer.status {
        200..=299 => Stored::of(answer),
        401 | 403 => Err(LockError::Denied(answer.text())),
        // Of a POST: a Lease is not looked for then.
        404 => Err(LockError::NoNamespace(answer.text())),
        409 => Err(LockError::Conflict(answer.text())),
        _ => Err(LockError::Failed(answer.text())),
    }
}
