//! Acting as a ServiceAccount: its token, and a kubeconfig with it.

use std::path::PathBuf;

use anyhow::Result;

use crate::controlplane::ControlPlane;

/// A token of ServiceAccount `name`, from the TokenRequest API, as a pod of it would get.
pub async fn token(plane: &ControlPlane, namespace: &str, name: &str) -> Result<String> {
    let kubectl = plane.kubectl();
    let token = kubectl.run(&["create", "token", name, "-n", namespace, "--duration=2h"]).await?;
    Ok(token.trim().to_owned())
}

/// A kubeconfig with such a token, in the folder of the run.
pub async fn kubeconfig(plane: &ControlPlane, namespace: &str, name: &str) -> Result<PathBuf> {
    let path = plane.dir().join(format!("{namespace}-{name}.kubeconfig"));
    let token = token(plane, namespace, name).await?;
    plane.credentials().write_kubeconfig(&path, plane.url(), name, &token)?;
    Ok(path)
}
