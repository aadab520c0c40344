//! Whose client certificates count: `--client-ca-file`, or the cluster's own authority. Enter at
//! [`ClientAuthority::read`].

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::client::{Client, exchange, request};

/// Where a cluster says whose client certificates its servers take (kube-scheduler reads it
/// through `DelegatingAuthenticationOptions`).
const CONFIG_MAP: &str =
    "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";

/// Deadline of reading it.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where the authority's certificates come from.
#[derive(Debug, Clone)]
pub enum ClientAuthority {
    /// Client certificates are not asked for (`--authentication-skip-lookup`).
    None,
    /// `--client-ca-file`.
    File(PathBuf),
    /// The ConfigMap `extension-apiserver-authentication` of `kube-system`, read by this client.
    Cluster(Client),
}

#[derive(Deserialize)]
struct ConfigMap {
    #[serde(default)]
    data: Data,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(default, rename = "client-ca-file")]
    client_ca: String,
}

impl ClientAuthority {
    /// What messages call it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::None => "no client authority".to_owned(),
            Self::File(path) => format!("--client-ca-file {}", path.display()),
            Self::Cluster(_) => {
                "client-ca-file of ConfigMap kube-system/extension-apiserver-authentication"
                    .to_owned()
            }
        }
    }

    /// The certificates, PEM; `None` where none are asked for.
    ///
    /// # Errors
    /// They cannot be read; what to do.
    pub(super) async fn read(&self) -> Result<Option<Vec<u8>>, String> {
        match self {
            Self::None => Ok(None),
            Self::File(path) => std::fs::read(path).map(Some).map_err(|error| error.to_string()),
            Self::Cluster(client) => look_up(client).await.map(Some),
        }
    }
}

async fn look_up(client: &Client) -> Result<Vec<u8>, String> {
    let request = request("GET", CONFIG_MAP, None).map_err(|error| error.to_string())?;
    let answer = exchange(client, request, DEADLINE).await.map_err(|error| error.to_string())?;
    match answer.status {
        200 => {}
        403 => {
            return Err(format!(
                "{}; bind Role kube-system/extension-apiserver-authentication-reader to this user",
                answer.text()
            ));
        }
        _ => return Err(answer.text()),
    }
    let map: ConfigMap = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    match map.data.client_ca.is_empty() {
        true => Err("the ConfigMap has no client-ca-file".to_owned()),
        false => Ok(map.data.client_ca.into_bytes()),
    }
}
