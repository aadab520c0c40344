//! A resource that is not served, and is served again.

use serde_json::json;

use crate::client::sandbox;

const CLASSES: &str = "/apis/storage.k8s.io/v1/storageclasses";

#[tokio::test]
async fn a_resource_that_is_not_served_is_nowhere_to_be_found() {
    let (sandbox, client) = sandbox().await;
    let class = json!({"metadata": {"name": "fast"}, "provisioner": "p"});
    sandbox.create("storageclasses", class).unwrap();
    let mut watch = client.watch(&format!("{CLASSES}?watch=1")).await;
    assert_eq!(watch.names(1).await, [("ADDED".to_owned(), "fast".to_owned())]);

    sandbox.serve("storageclasses", false).unwrap();
    assert!(watch.event().await.is_none(), "the watch ends");
    assert_eq!(client.get(CLASSES).await.code, 404);
    assert_eq!(client.get(&format!("{CLASSES}?watch=1")).await.code, 404);
    let resources = client.get("/apis/storage.k8s.io/v1").await.body["resources"].clone();
    let names = |resources: serde_json::Value| {
        let all = resources.as_array().unwrap().clone();
        all.iter().map(|r| r["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let named = names(resources);
    assert!(named.contains(&"csinodes".to_owned()), "{named:?}");
    assert!(!named.contains(&"storageclasses".to_owned()), "{named:?}");
    assert!(sandbox.serve("nothing", false).is_err());

    sandbox.serve("storageclasses", true).unwrap();
    assert_eq!(client.get(CLASSES).await.body["items"][0]["metadata"]["name"], "fast");
}

#[tokio::test]
async fn a_group_of_which_nothing_is_served_is_not_in_the_list() {
    let (sandbox, client) = sandbox().await;
    let has = async |group: &str| {
        let groups = client.get("/apis").await.body["groups"].clone();
        groups.as_array().unwrap().iter().any(|g| g["name"] == group)
    };
    assert!(has("policy").await);
    sandbox.serve("poddisruptionbudgets", false).unwrap();
    assert!(!has("policy").await && has("apps").await);
    assert_eq!(client.get("/apis/policy").await.code, 404);
    assert_eq!(client.get("/apis/policy/v1").await.code, 404);
}
