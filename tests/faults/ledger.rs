//! What the API server knows at the end: who is where, and how often it was asked to bind.

use std::collections::BTreeMap;

use berth_sandbox::Sandbox;
use serde_json::Value;

use crate::pods::{PODS_PER_NODE, node_of};

#[derive(Debug)]
pub(crate) struct Ledger {
    /// Pods of each node.
    nodes: BTreeMap<String, usize>,
    /// Answers to POST of a binding, by code.
    posts: BTreeMap<u16, u64>,
}

impl Ledger {
    pub(crate) fn read(sandbox: &Sandbox) -> Self {
        let mut nodes = BTreeMap::new();
        for node in sandbox.list("nodes", None).unwrap() {
            nodes.insert(node["metadata"]["name"].as_str().unwrap_or_default().to_owned(), 0);
        }
        for pod in sandbox.list("pods", None).unwrap() {
            let Some(node) = node_of(&pod) else { continue };
            assert!(nodes.contains_key(node), "{} is on no node: {node}", name(&pod));
            *nodes.entry(node.to_owned()).or_default() += 1;
        }
        let requests = sandbox.requests();
        let posts = requests
            .iter()
            .filter(|((verb, resource, _), _)| verb == "create" && resource == "pods/binding")
            .map(|((_, _, code), n)| (*code, *n))
            .collect();
        Self { nodes, posts }
    }

    /// As many pods as were placed were bound, none was tried again after that (the server answers
    /// 409, as it does for the binds that were `retried` because their pod had changed), and no
    /// node holds more than it has room for.
    pub(crate) fn assert_sound(&self, pods: usize, retried: u64) {
        self.assert_nothing_over_committed();
        assert_eq!(self.nodes.values().sum::<usize>(), pods, "{self:?}");
        assert_eq!(self.posts(201), pods as u64, "{self:?}");
        assert_eq!(self.posts(409), retried, "a pod was bound again: {self:?}");
    }

    pub(crate) fn assert_nothing_over_committed(&self) {
        for (node, pods) in &self.nodes {
            assert!(*pods <= PODS_PER_NODE, "{node} is over-committed: {self:?}");
        }
    }

    /// Bindings answered with this code.
    pub(crate) fn posts(&self, code: u16) -> u64 {
        self.posts.get(&code).copied().unwrap_or(0)
    }

    /// Bindings asked for.
    pub(crate) fn all_posts(&self) -> u64 {
        self.posts.values().sum()
    }
}

fn name(pod: &Value) -> &Value {
    &pod["metadata"]["name"]
}
