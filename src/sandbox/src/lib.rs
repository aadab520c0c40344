//! An embedded Kubernetes API server with a Job controller and nodes that run pods.
//!
//! It is the ground of `berth demo`, of tests with faults, and a way to try a scheduler without
//! a cluster. A real client cannot tell it from kube-apiserver 1.37 for what it serves: lists
//! with pages, watches with bookmarks and real 410s, optimistic concurrency, patches, bindings,
//! evictions, events, Leases. Containers are not run: a bound pod is Running for the time in its
//! annotation `sandbox.berth.dev/run-for` and ends with the code in
//! `sandbox.berth.dev/exit-code`.
//!
//! ```no_run
//! # async fn example() -> Result<(), berth_sandbox::Error> {
//! let options = berth_sandbox::Options { nodes: berth_sandbox::nodes(200), ..Default::default() };
//! let sandbox = berth_sandbox::Sandbox::start(options).await?;
//! println!("{}", sandbox.kubeconfig());
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Where what is
//!
//! ```text
//! client ─▶ server ─▶ api ─▶ registry ─▶ store ─▶ history ─▶ watches, controllers
//!                                ▲                               │
//!                                └── job, kubelet, garbage, namespace ◀┘
//! ```
//!
//! | File | Holds |
//! |---|---|
//! | `sandbox` | [`Sandbox`]: start, stop, direct access to the objects |
//! | `options` | [`Options`], [`Error`] |
//! | `nodes` | node objects of several shapes in three zones |
//! | `faults` | [`Faults`]: what can go wrong, on demand |
//! | `counters` | requests by verb, resource and code |
//! | `server`, `tls` | sockets, restart, the certificate |
//! | `api/` | HTTP: routing, forms of answers, reads, watches, writes, subresources, discovery |
//! | `resource/` | what is served: one row of data per resource |
//! | `offer` | what of it is served now |
//! | `registry/` | the rules of create, update, delete, binding, eviction, events |
//! | `defaults`, `validate/` | what the server fills in and refuses |
//! | `patch/` | JSON, merge and strategic patches, server-side apply |
//! | `protobuf/` | bodies of small kinds, as typed Go clients write them |
//! | `object`, `annotations` | names and conditions; what the sandbox's annotations say |
//! | `selector`, `quantity`, `timestamp` | label and field selectors, amounts, times |
//! | `store/` | objects, versions, the bounded history, snapshots of paginated lists |
//! | `informer`, `timer` | how controllers follow the store and wait |
//! | `job/` | the Job controller |
//! | `kubelet/` | pods that start and end, nodes that live |
//! | `disruption` | what PodDisruptionBudgets allow |
//! | `garbage`, `namespace`, `event_limit` | deletion of dependents, of namespaces' contents, of old events |
//!
//! # What it is not
//!
//! One user, who may do everything; no RBAC, quotas or webhooks. Answers are JSON
//! alone; protobuf is read for the few kinds that clients write by default in it. ReplicaSets,
//! Deployments and the like are stored and nothing more. Field ownership is tracked for
//! server-side apply alone.

mod annotations;
mod api;
mod counters;
mod defaults;
mod disruption;
mod event_limit;
mod faults;
mod garbage;
mod informer;
mod job;
mod kubelet;
mod namespace;
mod nodes;
mod object;
mod offer;
mod options;
mod patch;
mod protobuf;
mod quantity;
mod random;
mod registry;
mod resource;
mod sandbox;
mod selector;
mod server;
mod status;
mod store;
mod timer;
mod timestamp;
mod tls;
mod validate;

pub use counters::RequestKey;
pub use faults::Faults;
pub use nodes::{NodeShape, SHAPES, ZONES, node, nodes, shaped};
pub use options::{Error, Options};
pub use sandbox::Sandbox;
pub use status::Status;
pub use store::Backup;
