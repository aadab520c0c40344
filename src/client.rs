//! The connection to the API server. Enter at [`connect`]; requests go out by [`exchange`].
//!
//! One client serves watches, binds, patches and events. Watches go by kube's client; requests that
//! are answered at once by a `pool` of our own. Both speak HTTP/1.1: each request in flight has a
//! connection of its own, so that none can hold up another, and it is kept for the next. What keeps
//! binds first is that every lane has its own limit of requests in flight, and that the others' are
//! small while binds are open (`right_of_way`).

mod answer;
mod bucket;
mod complaints;
mod credential;
mod exchange;
#[cfg(test)]
pub(crate) mod fake;
mod pace;
mod pool;
pub(crate) mod protobuf;
mod proxy;
mod right_of_way;
mod status;
mod tunnel;

use std::path::PathBuf;
use std::sync::{Arc, Once};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderValue, Request, Response, Uri};
use hyper_util::rt::TokioExecutor;
use kube::Config;
use kube::client::{ClientBuilder, ConfigExt as _};
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt as _};

use crate::causes::chain;
pub(crate) use answer::{Answer, Failure};
pub use bucket::{Bucket, Rate, SharedBucket};
pub use complaints::Complaints;
pub(crate) use complaints::cause;
use credential::Credential;
pub use credential::PluginError;
pub(crate) use exchange::{exchange, request};
use pace::{Bounds, Pace};
pub use pace::{CEILING_QPS, FLOOR_QPS, RateBounds, START_QPS};
pub use pool::TargetError;
use pool::{Content, Pool};
use proxy::{Chosen, Environment};
pub(crate) use right_of_way::{GivingWay, Place};
pub use right_of_way::{RightOfWay, Share};
pub(crate) use status::Status;
use tunnel::Dialer;
pub use tunnel::ProxyError;

/// Stands for no `proxy-url` in a cluster of a kubeconfig. Without one kube reads HTTPS_PROXY by
/// itself, and NO_PROXY not at all.
const NO_PROXY_URL: &str = "http://none.invalid/";

/// Told once in a process, not by each client and connection.
static UNVERIFIED: Once = Once::new();

/// The API server, as whom the configuration says; cheap to clone.
#[derive(Clone)]
pub struct Client {
    kube: kube::Client,
    /// [`Pool`] behind the layers that add the token and the configuration's headers.
    requests: BoxCloneSyncService<Request<Content>, Response<Bytes>, tower::BoxError>,
    pace: Arc<Pace>,
    bounds: Arc<Bounds>,
    complaints: Complaints,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// A client of this configuration, which must be made within a tokio runtime.
    ///
    /// # Errors
    /// Credentials, certificates or the address cannot be used.
    pub fn new(config: Config) -> Result<Self, ClientError> {
        Self::with(config, None)
    }

    /// The same; where there is a credential, the configuration has none.
    fn with(config: Config, credential: Option<&Credential>) -> Result<Self, ClientError> {
        let complaints = Complaints::of(config.cluster_url.to_string().trim_end_matches('/'));
        let pool = Pool::new(&config)?;
        let requests = ServiceBuilder::new()
            .option_layer(config.auth_layer()?)
            .option_layer(credential)
            .layer(config.extra_headers_layer()?)
            .map_err(tower::BoxError::from)
            .service(pool);
        let requests = BoxCloneSyncService::new(requests);
        let (kube, bounds) = (watcher(config, credential)?, Arc::default());
        let pace = Arc::new(Pace::within(&bounds));
        Ok(Self { kube, requests, pace, bounds, complaints })
    }

    /// The client for answers that go on: lists and watches.
    pub fn kube(&self) -> &kube::Client {
        &self.kube
    }

    /// The same client for requests that the API server limits by themselves: what it answers to
    /// them slows no others. EventRateLimit, an admission plugin, answers 429 to events alone.
    #[must_use]
    pub fn apart(mut self) -> Self {
        self.pace = Arc::new(Pace::within(&self.bounds));
        self
    }

    /// Bounds adaptive rates from now on, also those of clones and of clients that are apart.
    pub fn bound_rates(&self, bounds: RateBounds) {
        self.bounds.set(bounds);
    }

    /// A bucket of this rate; where it is adaptive it follows what all answers to this client and
    /// its clones tell of the API server.
    pub fn bucket(&self, rate: Rate) -> Bucket {
        Bucket::of(rate, &self.pace, tokio::time::Instant::now().into_std())
    }

    /// Which of its failures are told.
    pub fn complaints(&self) -> &Complaints {
        &self.complaints
    }

    async fn send(&self, request: Request<Content>) -> Result<Response<Bytes>, Failure> {
        self.requests.clone().oneshot(request).await.map_err(|error| {
            match error.downcast::<Failure>() {
                Ok(failure) => *failure,
                // Of a layer: no token to be had.
                Err(error) => Failure::Unsent(chain(&*error)),
            }
        })
    }
}

/// kube's client, with the parts of its own stack that are needed where a proxy stands between:
/// its own way through one would be a dependency more (`ipnet`).
fn watcher(config: Config, credential: Option<&Credential>) -> Result<kube::Client, ClientError> {
    let dialer = Dialer::new(config.proxy_url.as_ref()).map_err(TargetError::from)?;
    if !dialer.is_proxied() {
        let builder = ClientBuilder::try_from(config)?;
        return Ok(match credential {
            Some(credential) => builder.with_layer(credential).build(),
            None => builder.build(),
        });
    }
    let connector = config.rustls_https_connector_with_connector(dialer)?;
    let sender = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .option_layer(credential)
        .layer(config.extra_headers_layer()?)
        .map_err(tower::BoxError::from)
        .service(sender);
    Ok(kube::Client::new(service, config.default_namespace))
}

/// Why a configuration makes no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// TLS or credentials cannot be set up.
    #[error(transparent)]
    Kube(#[from] kube::Error),
    /// Nobody can be connected to.
    #[error(transparent)]
    Target(#[from] TargetError),
}

/// Where the API server is and who asks.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// `--kubeconfig` or `clientConnection.kubeconfig`.
    pub kubeconfig: Option<PathBuf>,
    /// `--master`: address of the API server, in place of the one in the kubeconfig.
    pub master: Option<String>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be read.
    #[error("kubeconfig {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The kubeconfig cannot be used.
    #[error("kubeconfig {path}: {source}")]
    Kubeconfig {
        /// The file.
        path: String,
        /// What is wrong in it.
        #[source]
        source: Box<KubeconfigError>,
    },
    /// Neither `--kubeconfig` nor `--master` is given and this is no pod.
    #[error(
        "no API server: neither --kubeconfig nor --master is given, and the in-cluster \
         configuration cannot be used: {0}"
    )]
    NotInCluster(#[source] InClusterError),
    /// `--master` is not an address.
    #[error("--master {value:?}: {message}")]
    Master {
        /// As given.
        value: String,
        /// What is wrong with it.
        message: String,
    },
    /// The credential plugin issues nothing.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// TLS or credentials cannot be set up.
    #[error("cannot set up the client for {url}: {source}")]
    Client {
        /// Address of the API server.
        url: Uri,
        /// What is wrong.
        #[source]
        source: Box<ClientError>,
    },
}

/// `berth/v0.1.0 (linux/amd64) scheduler`, in client-go's form (`rest.DefaultKubernetesUserAgent`
/// with the suffix that kube-scheduler adds).
pub fn user_agent() -> String {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("berth/v{} ({}/{arch}) scheduler", env!("CARGO_PKG_VERSION"), std::env::consts::OS)
}

/// Reads the configuration as client-go's `BuildConfigFromFlags` does: the kubeconfig where one is
/// given, else the pod's ServiceAccount; `--master` replaces the address.
///
/// # Errors
/// [`ConnectError`] names the file or flag at fault.
pub async fn load(options: &ConnectOptions) -> Result<Config, ConnectError> {
    let master =
        options.master.as_deref().filter(|m| !m.is_empty()).map(parse_master).transpose()?;
    let mut config = match (&options.kubeconfig, &master) {
        (Some(path), _) => {
            let failed = |error| {
                let path = path.display().to_string();
                match error {
                    // Its own text names the file once more.
                    KubeconfigError::ReadConfig(source, _) => {
                        ConnectError::Unreadable { path, source }
                    }
                    other => ConnectError::Kubeconfig { path, source: Box::new(other) },
                }
            };
            let mut file = Kubeconfig::read_from(path).map_err(failed)?;
            for cluster in file.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
                let given = cluster.proxy_url.take().filter(|url| !url.is_empty());
                cluster.proxy_url = Some(given.unwrap_or_else(|| NO_PROXY_URL.to_owned()));
            }
            Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
                .await
                .map_err(failed)?
        }
        (None, Some(url)) => Config::new(url.clone()),
        (None, None) => Config::incluster().map_err(ConnectError::NotInCluster)?,
    };
    if let Some(url) = master {
        config.cluster_url = url;
    }
    if config.proxy_url.as_ref().is_none_or(|url| url == NO_PROXY_URL) {
        let chosen = Environment::of_process().proxy_for(&config.cluster_url);
        if let Some(Chosen { url, variable }) = &chosen {
            let (proxy, server) = (url.host(), &config.cluster_url);
            tracing::info!(variable, proxy, %server, "The API server is reached through a proxy");
        }
        config.proxy_url = chosen.map(|chosen| chosen.url);
        // What a credential plugin is told of the cluster.
        let exec = config.auth_info.exec.as_mut();
        if let Some(cluster) = exec.and_then(|exec| exec.cluster.as_mut()) {
            cluster.proxy_url = None;
        }
    }
    // kube retries any method 15 times on 429, 503 and 504, a POST of a Binding too.
    config.default_retry = false;
    config.disable_compression = true;
    if let Ok(value) = HeaderValue::from_str(&user_agent()) {
        config.headers.push((USER_AGENT, value));
    }
    Ok(config)
}

/// A client for the API server.
///
/// # Errors
/// [`ConnectError`] names the file or flag at fault. That the server answers is not tested.
pub async fn connect(options: &ConnectOptions) -> Result<Client, ConnectError> {
    let mut config = load(options).await?;
    let credential = credential(&mut config).await?;
    if config.accept_invalid_certs {
        UNVERIFIED.call_once(|| {
            tracing::warn!(
                server = %config.cluster_url,
                "The API server's certificate is not verified (insecure-skip-tls-verify in the \
                 kubeconfig): whoever answers is believed"
            );
        });
    }
    let url = config.cluster_url.clone();
    let client = Client::with(config, credential.as_ref());
    client.map_err(|source| ConnectError::Client { url, source: Box::new(source) })
}

/// What the credential plugin of a kubeconfig issues, in the place of the plugin. Other
/// credentials come before it, as in kube.
async fn credential(config: &mut Config) -> Result<Option<Credential>, PluginError> {
    let user = &mut config.auth_info;
    let basic = user.username.is_some() && user.password.is_some();
    let token = user.token.is_some() || user.token_file.is_some();
    if basic || token || user.auth_provider.is_some() {
        return Ok(None);
    }
    let Some(exec) = user.exec.take() else { return Ok(None) };
    let credential = Credential::of(&exec).await?;
    if let Some((certificate, key)) = credential.identity() {
        user.client_certificate_data = Some(BASE64_STANDARD.encode(certificate.as_bytes()));
        user.client_key_data = Some(BASE64_STANDARD.encode(key.as_bytes()).into());
    }
    Ok(Some(credential))
}

fn parse_master(value: &str) -> Result<Uri, ConnectError> {
    let wrong = |message: &str| ConnectError::Master {
        value: value.to_owned(),
        message: message.to_owned(),
    };
    let text = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url: Uri = text.parse().map_err(|error| wrong(&format!("not a URL: {error}")))?;
    match url.scheme_str() {
        Some("http" | "https") if url.host().is_some() => Ok(url),
        _ => Err(wrong("give a URL such as https://10.0.0.1:6443")),
    }
}

#[cfg(test)]
mod tests;
