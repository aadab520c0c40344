//! [`Sandbox`]: everything started together and stopped together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::Apiserver;
use crate::counters::{Counters, RequestKey};
use crate::faults::Faults;
use crate::object::name_of;
use crate::offer::Offer;
use crate::options::{Error, Options};
use crate::registry::{DeleteOptions, Registry, Target};
use crate::resource::{self, Resource};
use crate::server::{self, Restart};
use crate::store::Backup;
use crate::{disruption, event_limit, garbage, job, kubelet, namespace, random, tls};

/// Restarts asked for and not begun.
const RESTARTS_MAX: usize = 4;

/// A running API server with its controllers and nodes. Dropping it stops everything.
#[derive(Debug)]
pub struct Sandbox {
    api: Arc<Apiserver>,
    url: String,
    ca_pem: String,
    restarts: mpsc::Sender<Restart>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Sandbox {
    /// Starts a sandbox. Needs a Tokio runtime with time and I/O.
    pub async fn start(options: Options) -> Result<Self, Error> {
        if !options.address.ip().is_loopback() {
            return Err(Error::NotLoopback(options.address));
        }
        let identity = tls::identity()?;
        let (listener, address) = server::listen(options.address)?;
        let api = Arc::new(Apiserver {
            registry: Registry::new(),
            faults: Faults::new(),
            offer: Offer::default(),
            counters: Counters::default(),
            token: options.token.clone().unwrap_or_else(random::uid),
            bookmark_every: options.bookmark_every,
        });
        api.registry.bootstrap()?;
        for node in &options.nodes {
            let node = kubelet::registered(node.clone());
            api.registry.create(Target::new(resource::nodes(), "", ""), node)?;
            // Thousands of nodes must not hold up the runtime's other tasks.
            tokio::task::yield_now().await;
        }
        let (restarts, restart_requests) = mpsc::channel(RESTARTS_MAX);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let run = |controller: BoxFuture<'static, ()>| {
            tasks.spawn(stop.clone().run_until_cancelled_owned(controller));
        };
        run(job::run(Arc::clone(&api)).boxed());
        run(kubelet::run(Arc::clone(&api), options).boxed());
        run(garbage::run(Arc::clone(&api)).boxed());
        run(namespace::run(Arc::clone(&api)).boxed());
        run(disruption::run(Arc::clone(&api)).boxed());
        run(event_limit::run(Arc::clone(&api)).boxed());
        tasks.spawn(server::serve(
            Arc::clone(&api),
            identity.server,
            listener,
            address,
            restart_requests,
            stop.clone(),
        ));
        tasks.close();
        Ok(Self {
            api,
            url: format!("https://{address}"),
            ca_pem: identity.ca_pem,
            restarts,
            stop,
            tasks,
        })
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The bearer token that may do everything.
    pub fn token(&self) -> &str {
        &self.api.token
    }

    /// The certificate authority that signed the server's certificate.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// A kubeconfig (YAML) with the authority and the token in it.
    pub fn kubeconfig(&self) -> String {
        let authority = BASE64_STANDARD.encode(&self.ca_pem);
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: berth-sandbox\nclusters:\n\
             - name: berth-sandbox\n  cluster:\n    server: {}\n    \
             certificate-authority-data: {authority}\nusers:\n- name: berth-sandbox\n  user:\n    \
             token: {}\ncontexts:\n- name: berth-sandbox\n  context:\n    cluster: berth-sandbox\n    \
             user: berth-sandbox\n    namespace: default\n",
            self.url,
            self.token()
        )
    }

    /// Faults to inject.
    pub fn faults(&self) -> &Faults {
        &self.api.faults
    }

    /// Serves a resource (`"storageclasses.storage.k8s.io"`), or serves it no more: its paths are
    /// 404, discovery does not show it, and its watches end. Its objects are there again when it is
    /// served again, as are those that were written meanwhile past the API.
    ///
    /// # Errors
    /// There is no such resource.
    pub fn serve(&self, resource: &str, served: bool) -> Result<(), Error> {
        self.api.offer.set(row(resource)?, served);
        Ok(())
    }

    /// Answered requests by verb, resource and code.
    pub fn requests(&self) -> BTreeMap<RequestKey, u64> {
        self.api.counters.all()
    }

    /// The newest resourceVersion.
    pub fn resource_version(&self) -> u64 {
        self.api.registry.store.rv()
    }

    /// Creates an object (`"pods"`, `"jobs.batch"`) in the namespace it names, or in `default`.
    pub fn create(&self, resource: &str, object: Value) -> Result<Value, Error> {
        let resource = row(resource)?;
        let namespace = namespace_of(resource, &object);
        let created = self.api.registry.create(Target::new(resource, &namespace, ""), object)?;
        Ok(created.value.clone())
    }

    /// An object, if it exists. `namespace` is empty for cluster-scoped resources.
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Result<Option<Value>, Error> {
        let object = self.api.registry.store.get(row(resource)?, namespace, name);
        Ok(object.map(|o| o.value.clone()))
    }

    /// All objects of a resource, or those of one namespace.
    pub fn list(&self, resource: &str, namespace: Option<&str>) -> Result<Vec<Value>, Error> {
        let objects = self.api.registry.store.list(row(resource)?, namespace).1;
        Ok(objects.iter().map(|o| o.value.clone()).collect())
    }

    /// Number of objects of a resource for which `which` holds; copies nothing.
    pub fn count(&self, resource: &str, which: impl Fn(&Value) -> bool) -> Result<usize, Error> {
        let objects = self.api.registry.store.list(row(resource)?, None).1;
        Ok(objects.iter().filter(|o| which(&o.value)).count())
    }

    /// Replaces an object's main part, or with `status` its status, by the API's rules.
    pub fn update(&self, resource: &str, status: bool, object: &Value) -> Result<Value, Error> {
        let resource = row(resource)?;
        let namespace = namespace_of(resource, object);
        let name = name_of(object).to_owned();
        let target = Target::new(resource, &namespace, &name);
        Ok(self.api.registry.update(target, status, object)?.value.clone())
    }

    /// Deletes an object as a client without options does.
    pub fn delete(&self, resource: &str, namespace: &str, name: &str) -> Result<(), Error> {
        let target = Target::new(row(resource)?, namespace, name);
        self.api.registry.delete(target, &DeleteOptions::default())?;
        Ok(())
    }

    /// Stores an object past all defaults and checks, for tests of clients with malformed
    /// objects; it shows up in lists and watches. It must have an object as `metadata`.
    pub fn create_unchecked(&self, resource: &str, object: Value) -> Result<(), Error> {
        let resource = row(resource)?;
        if !object["metadata"].is_object() {
            let message = "an unchecked object still needs metadata";
            return Err(Error::Object(crate::status::Status::bad_request(message)));
        }
        let exists = name_of(&object).to_owned();
        let stored = self.api.registry.store.insert(resource, object);
        stored
            .map(drop)
            .map_err(|_| Error::Object(crate::status::Status::already_exists(resource, &exists)))
    }

    /// Forgets the watch history: resumed watches and `continue` tokens get 410 Expired.
    pub fn compact(&self) {
        self.api.registry.store.compact();
    }

    /// All objects as they are now, for [`Sandbox::restore`].
    pub fn backup(&self) -> Backup {
        self.api.registry.store.backup()
    }

    /// Goes back to a backup, as a cluster whose etcd is restored: watches are cut, objects have
    /// the versions they had, and new writes get versions that others had before. A client that
    /// watches on from a version of the lost future hears nothing.
    pub fn restore(&self, backup: &Backup) {
        self.api.faults.cut_watches();
        self.api.registry.store.restore(Some(backup));
    }

    /// Begins anew with an empty store at the same address, as a cluster that is made again: every
    /// object that comes has a new uid and a low version.
    ///
    /// # Errors
    /// The namespaces of every cluster cannot be made.
    pub fn begin_anew(&self) -> Result<(), Error> {
        self.api.faults.cut_watches();
        self.api.registry.store.restore(None);
        Ok(self.api.registry.bootstrap()?)
    }

    /// Drops all connections, refuses new ones for `down`, then serves again on the same port
    /// with the same objects. Controllers and nodes go on meanwhile. Returns when it serves.
    pub async fn restart(&self, down: Duration) -> Result<(), Error> {
        let (done, back) = oneshot::channel();
        self.restarts.send(Restart { down, done }).await.map_err(|_| Error::Stopped)?;
        back.await.map_err(|_| Error::Stopped)
    }

    /// Stops serving and waits for all tasks.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn row(name: &str) -> Result<&'static Resource, Error> {
    resource::named(name).ok_or_else(|| Error::UnknownResource(name.to_owned()))
}

fn namespace_of(resource: &Resource, object: &Value) -> String {
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
    if resource.namespaced { namespace.unwrap_or("default").to_owned() } else { String::new() }
}
