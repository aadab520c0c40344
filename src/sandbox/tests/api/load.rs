//! A large Job, bound by many connections at once under many watches: nothing is lost or done
//! twice. `BERTH_SANDBOX_LOAD_PODS=2000` makes it a measurement; it prints its rate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use berth_sandbox::Options;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::client::{Client, Connection, JOBS, until, with};
use crate::object::{binding, job};

const BINDERS: usize = 16;
const WATCHES: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_job_under_many_watches() {
    let pods = std::env::var("BERTH_SANDBOX_LOAD_PODS").map_or(300, |n| n.parse().unwrap());
    let options = Options { nodes: berth_sandbox::nodes(50), ..Options::default() };
    let (sandbox, client) = with(options).await;
    let started = Instant::now();
    let spec = json!({"completions": pods, "parallelism": pods, "completionMode": "Indexed"});
    assert_eq!(client.post(JOBS, &job("big", &spec)).await.code, 201);
    until("all pods are made", || async {
        (sandbox.count("pods", |_| true).unwrap() == pods).then_some(())
    })
    .await;
    println!("{pods} pods made in {:?}", started.elapsed());
    let mut watches = Vec::new();
    for _ in 0..WATCHES {
        watches.push(tokio::spawn(bound_pods(client.clone(), pods)));
    }
    let started = Instant::now();
    let queue = Arc::new(Mutex::new(sandbox.list("pods", None).unwrap()));
    let mut binders = Vec::new();
    for _ in 0..BINDERS {
        let (client, queue) = (client.clone(), Arc::clone(&queue));
        binders.push(tokio::spawn(async move {
            let mut connection = client.connect().await;
            while let Some(pod) = next(&queue).await {
                bind(&mut connection, &pod).await;
            }
        }));
    }
    for binder in binders {
        binder.await.unwrap();
    }
    let rate = pods as f64 / started.elapsed().as_secs_f64();
    println!("{pods} bindings under {WATCHES} watches: {rate:.0}/s");
    for watch in watches {
        assert_eq!(watch.await.unwrap(), pods);
    }
    let done = until("the Job completes", || async {
        let job = sandbox.get("jobs.batch", "default", "big").unwrap()?;
        (job["status"]["succeeded"] == pods).then_some(job)
    })
    .await;
    assert_eq!(done["status"]["completedIndexes"], format!("0-{}", pods - 1));
    println!("complete after {:?}", started.elapsed());
}

async fn next(queue: &Mutex<Vec<serde_json::Value>>) -> Option<serde_json::Value> {
    queue.lock().await.pop()
}

async fn bind(connection: &mut Connection, pod: &serde_json::Value) {
    let name = pod["metadata"]["name"].as_str().unwrap();
    let node = format!("node-{:05}", name.bytes().map(usize::from).sum::<usize>() % 50);
    let path = format!("/api/v1/namespaces/default/pods/{name}/binding");
    let code = connection.post(&path, &binding(pod, &node)).await;
    assert_eq!(code, 201, "{name}");
}

/// Follows the pods until all have ended; answers how many went through every stage in order.
async fn bound_pods(client: Client, pods: usize) -> usize {
    let mut watch = client.watch("/api/v1/pods?watch=1").await;
    let mut versions: BTreeMap<String, u64> = BTreeMap::new();
    let mut ended = BTreeSet::new();
    while ended.len() < pods {
        let (_, pod) = watch.event().await.expect("the watch goes on");
        let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
        let version = pod["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
        let before = versions.insert(name.clone(), version).unwrap_or(0);
        assert!(before < version, "{name} goes back in time");
        if pod["status"]["phase"] == "Succeeded" {
            assert!(pod["spec"]["nodeName"].is_string(), "{name} ended without a node");
            assert!(ended.insert(name.clone()), "{name} ended twice");
        }
    }
    ended.len()
}
