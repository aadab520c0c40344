//! A volume and a claim per pod, bound to each other
//! (`CreatePodWithPersistentVolume` of scheduler_perf's runners.go).

use anyhow::{Context, Result};
use kube::Client;
use serde_json::{Map, Value, json};

use super::object::ObjectTemplate;
use super::op::CreatePods;
use super::workload::Workload;

const VOLUMES: &str = "/api/v1/persistentvolumes";

/// The two templates of an operation.
#[derive(Debug)]
pub(super) struct VolumeTemplates {
    volume: ObjectTemplate,
    claim: ObjectTemplate,
}

impl VolumeTemplates {
    /// Those of an operation, where it has them.
    pub(super) fn of(workload: &Workload, op: &CreatePods) -> Result<Option<Self>> {
        let load = |path: &String| ObjectTemplate::load(&workload.path(path), &Map::new());
        let volume = op.persistent_volume_template_path.as_ref().map(load).transpose()?;
        let claim = op.persistent_volume_claim_template_path.as_ref().map(load).transpose()?;
        Ok(volume.zip(claim).map(|(volume, claim)| Self { volume, claim }))
    }

    /// Creates claim and volume of one pod, and gives the pod's `volumes`.
    pub(super) async fn create(
        &self,
        client: &Client,
        namespace: &str,
        index: usize,
    ) -> Result<Value> {
        let claim_name = format!("pvc-{index}");
        let volume_name = format!("{namespace}-vol-{index}");
        let mut claim = self.claim.object(index, 1)?;
        claim["metadata"]["name"] = json!(claim_name);
        claim["spec"]["volumeName"] = json!(volume_name);
        let volume = named_volume(self.volume.object(index, 1)?, namespace, index, &claim_name);
        let claims = format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims");
        bound(client, &claims, &claim_name, &claim).await?;
        bound(client, VOLUMES, &volume_name, &volume).await?;
        Ok(json!([{"name": "vol", "persistentVolumeClaim": {"claimName": claim_name}}]))
    }
}

fn named_volume(mut volume: Value, namespace: &str, index: usize, claim: &str) -> Value {
    let name = format!("{namespace}-vol-{index}");
    volume["metadata"]["name"] = json!(name);
    volume["spec"]["claimRef"] = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": namespace,
        "name": claim,
    });
    if let Some(disk) = volume["spec"].get_mut("awsElasticBlockStore") {
        disk["volumeID"] = json!(format!("vol-{index}"));
    }
    if let Some(disk) = volume["spec"].get_mut("csi") {
        disk["volumeHandle"] = json!(name);
    }
    volume
}

/// Creates an object and sets its phase, which creation resets.
async fn bound(client: &Client, collection: &str, name: &str, object: &Value) -> Result<()> {
    let create = http::Request::post(collection)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(serde_json::to_vec(object)?)?;
    client.request::<Value>(create).await.with_context(|| format!("POST {collection} {name}"))?;
    let path = format!("{collection}/{name}/status");
    let patch = http::Request::patch(&path)
        .header(http::header::CONTENT_TYPE, "application/merge-patch+json")
        .body(br#"{"status":{"phase":"Bound"}}"#.to_vec())?;
    client.request::<Value>(patch).await.with_context(|| path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_names_its_claim_and_disk() {
        let csi = json!({"spec": {"csi": {"driver": "d"}}});
        let volume = named_volume(csi, "ns", 7, "pvc-7");
        assert_eq!(volume["metadata"]["name"], "ns-vol-7");
        assert_eq!(volume["spec"]["csi"]["volumeHandle"], "ns-vol-7");
        assert_eq!(volume["spec"]["claimRef"]["name"], "pvc-7");
        let aws = json!({"spec": {"awsElasticBlockStore": {"volumeID": "x"}}});
        assert_eq!(
            named_volume(aws, "ns", 7, "c")["spec"]["awsElasticBlockStore"]["volumeID"],
            "vol-7"
        );
    }
}
