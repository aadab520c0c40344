//! Berth as a cluster gets it: by `kubectl apply -k manifests`.

use anyhow::{Context, Result};

use crate::controlplane::ControlPlane;
use crate::scheduler::{Kind, Options};
use crate::{manifests_dir, serviceaccount};

/// The namespace of the manifests.
pub const NAMESPACE: &str = "berth-system";

/// Applies the manifests, and gives back how to run Berth as they would: as their ServiceAccount,
/// with the configuration of their ConfigMap.
pub async fn install(plane: &ControlPlane) -> Result<Options> {
    let kubectl = plane.kubectl();
    let base = manifests_dir().display().to_string();
    kubectl.run(&["apply", "-k", &base]).await?;
    let path = r"jsonpath={.data.config\.yaml}";
    let get = ["get", "configmap", "berth-config", "-n", NAMESPACE, "-o", path];
    let config = kubectl.run(&get).await.context("the ConfigMap of the manifests")?;
    let kubeconfig = serviceaccount::kubeconfig(plane, NAMESPACE, "berth").await?;
    let name = "berth".to_owned();
    let flags = Vec::new();
    Ok(Options { name, kind: Kind::Berth, kubeconfig, config, verbosity: 2, flags })
}
