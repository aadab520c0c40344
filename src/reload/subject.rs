//! Which object the events about the configuration are about.
//!
//! A mounted volume does not say which ConfigMap it comes from, so `--config-map` does. Without it
//! the pod is told of, where its name is in the environment; else there is only the log.

use std::env;
use std::time::Duration;

use berth_engine::record::ObjectKey;
use http::HeaderValue;
use http::header::ACCEPT;
use serde_json::Value;

use crate::client::{Client, exchange, request};
use crate::events::Regarding;
use crate::scheduler::lease::pod_namespace;

/// Deadline of the look for a ConfigMap's uid.
const DEADLINE: Duration = Duration::from_secs(5);

/// `--config-map` names no ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// Neither name nor namespace and name.
    #[error("--config-map {0:?}: write NAME or NAMESPACE/NAME")]
    Name(String),
    /// Only a name, and nothing tells the namespace.
    #[error(
        "--config-map {0:?}: its namespace is not known outside a pod: write NAMESPACE/{0}, or \
         set POD_NAMESPACE"
    )]
    Namespace(String),
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The ConfigMap or the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(Regarding);

impl Subject {
    /// What `--config-map` names, else this pod by `POD_NAME`, `POD_NAMESPACE` and `POD_UID`, where
    /// they are set (downward API).
    ///
    /// # Errors
    /// The flag names no ConfigMap.
    pub fn find(config_map: Option<&str>) -> Result<Option<Self>, SubjectError> {
        let pod = variable("POD_NAME");
        let uid = variable("POD_UID").unwrap_or_default();
        Self::of(config_map, pod.as_deref(), &uid, &pod_namespace)
    }

    fn of(
        config_map: Option<&str>,
        pod: Option<&str>,
        pod_uid: &str,
        namespace: &dyn Fn() -> Option<String>,
    ) -> Result<Option<Self>, SubjectError> {
        let Some(text) = config_map else {
            let pod = pod.and_then(|name| Some(ObjectKey::new(&namespace()?, name)));
            return Ok(pod.map(|key| Self(about("Pod", key, pod_uid))));
        };
        let key = match text.split('/').collect::<Vec<_>>().as_slice() {
            [name] if !name.is_empty() => {
                let namespace = namespace().ok_or_else(|| SubjectError::Namespace(text.to_owned()));
                ObjectKey::new(&namespace?, name)
            }
            [namespace, name] if !namespace.is_empty() && !name.is_empty() => {
                ObjectKey::new(namespace, name)
            }
            _ => return Err(SubjectError::Name(text.to_owned())),
        };
        Ok(Some(Self(about("ConfigMap", key, ""))))
    }

    /// The object, with its uid where that can be read: `kubectl describe` asks for it. An event
    /// without one is seen by `kubectl get events` all the same.
    pub(crate) async fn regarding(&self, client: &Client) -> Regarding {
        let mut regarding = self.0.clone();
        if &*regarding.kind == "ConfigMap" {
            match uid(client, &regarding.key).await {
                Ok(uid) => regarding.uid = uid,
                Err(error) => {
                    tracing::debug!(config_map = %regarding.key, error, "its uid is not known");
                }
            }
        }
        regarding
    }
}

fn about(kind: &str, key: ObjectKey, uid: &str) -> Regarding {
    Regarding { api_version: "v1".into(), kind: kind.into(), key, uid: uid.into() }
}

async fn uid(client: &Client, config_map: &ObjectKey) -> Result<Box<str>, String> {
    let ObjectKey { namespace, name } = config_map;
    let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
    let mut request = request("GET", &path, None).map_err(|error| error.to_string())?;
    // Without the data, which may be 1 MiB.
    let metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static(metadata));
    let answer = exchange(client, request, DEADLINE).await.map_err(|error| error.to_string())?;
    if !answer.is_success() {
        return Err(answer.text());
    }
    let object: Value = serde_json::from_slice(&answer.body).map_err(|e| e.to_string())?;
    let uid = object["metadata"]["uid"].as_str().ok_or("its metadata has no uid")?;
    Ok(uid.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn subject(map: Option<&str>, pod: Option<&str>, namespace: Option<&str>) -> String {
        let namespace = || namespace.map(str::to_owned);
        match Subject::of(map, pod, "u", &namespace) {
            Ok(Some(Subject(Regarding { kind, key, uid, .. }))) => format!("{kind} {key} {uid:?}"),
            Ok(None) => "nobody".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_flag_then_the_pod_then_nobody() {
        let here = Some("here");
        assert_eq!(subject(Some("ns/map"), Some("p"), here), "ConfigMap ns/map \"\"");
        assert_eq!(subject(Some("map"), Some("p"), here), "ConfigMap here/map \"\"");
        assert_eq!(subject(None, Some("p"), here), "Pod here/p \"u\"");
        assert_eq!(subject(None, Some("p"), None), "nobody");
        assert_eq!(subject(None, None, here), "nobody");
        let unknown = subject(Some("map"), None, None);
        assert!(unknown.contains("write NAMESPACE/map"), "{unknown}");
        for wrong in ["", "/", "a/", "/b", "a/b/c"] {
            assert!(subject(Some(wrong), None, here).contains("write NAME"), "{wrong}");
        }
    }
}
