//! What the server shows and whose certificates it takes, read again as files and the cluster
//! change. Enter at [`Keyring::open`].

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::sync::watch;

use super::ServeOptions;
use super::authority::ClientAuthority;
use super::certificate::{CertificateError, Pair};
use super::protocol::Protocol;

/// How often files and the ConfigMap are read again: a rotated certificate is in place an hour
/// before the old one ends. kube-scheduler follows its files and the ConfigMap as well
/// (`dynamiccertificates`), and looks again each minute.
pub const READ_EVERY: Duration = Duration::from_secs(60);

/// The pair in force and the authority in force. New connections take what the receiver of
/// [`Keyring::open`] shows.
#[derive(Debug)]
pub(super) struct Keyring {
    pair: Pair,
    protocol: Protocol,
    authority: ClientAuthority,
    /// PEM of the authority, once it was read.
    client_ca: Option<Vec<u8>>,
    in_force: watch::Sender<Arc<ServerConfig>>,
    pair_trouble: Trouble,
    authority_trouble: Trouble,
}

impl Keyring {
    /// Reads the pair, and the authority where it is a file. The cluster is asked for its own by
    /// [`Keyring::follow`], as it may not answer yet.
    ///
    /// # Errors
    /// [`CertificateError`] names the file at fault.
    pub(super) async fn open(
        options: &ServeOptions,
        hostname: &str,
    ) -> Result<(Self, watch::Receiver<Arc<ServerConfig>>), CertificateError> {
        let ServeOptions { address, certificate, protocol, authority, .. } = options.clone();
        let pair = Pair::load(&certificate, hostname, address)?;
        let client_ca = match &authority {
            ClientAuthority::File(_) => authority.read().await.map_err(|message| {
                CertificateError::Authority { name: authority.name(), message }
            })?,
            ClientAuthority::None | ClientAuthority::Cluster(_) => None,
        };
        let config = configure(&pair, &protocol, &authority, client_ca.as_deref())?;
        let (in_force, receiver) = watch::channel(config);
        let (pair_trouble, authority_trouble) = (Trouble::default(), Trouble::default());
        let keyring = Self {
            pair,
            protocol,
            authority,
            client_ca,
            in_force,
            pair_trouble,
            authority_trouble,
        };
        Ok((keyring, receiver))
    }

    /// Reads both again, at once and then this often. What is wrong changes nothing and is told
    /// once.
    pub(super) async fn follow(mut self, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.read_pair();
            self.read_authority().await;
        }
    }

    fn read_pair(&mut self) {
        let changed = self.pair.changed().and_then(|changed| match changed {
            Some(pair) => {
                let client_ca = self.client_ca.as_deref();
                let config = configure(&pair, &self.protocol, &self.authority, client_ca)?;
                Ok(Some((pair, config)))
            }
            None => Ok(None),
        });
        match changed {
            Ok(None) => self.pair_trouble.is_over(),
            Ok(Some((pair, config))) => {
                self.pair = pair;
                self.in_force.send_replace(config);
                self.pair_trouble.is_over();
                tracing::info!("The serving certificate has changed and is in force");
            }
            Err(error) => {
                if let Some(error) = self.pair_trouble.news(error.to_string()) {
                    tracing::warn!(error, "The one before it stays in force");
                }
            }
        }
    }

    async fn read_authority(&mut self) {
        let read = match self.authority.read().await {
            Ok(read) if read == self.client_ca => return self.authority_trouble.is_over(),
            Ok(read) => configure(&self.pair, &self.protocol, &self.authority, read.as_deref())
                .map(|config| (read, config))
                .map_err(|error| error.to_string()),
            Err(error) => Err(format!("{}: {error}", self.authority.name())),
        };
        match read {
            Ok((client_ca, config)) => {
                self.client_ca = client_ca;
                self.in_force.send_replace(config);
                self.authority_trouble.is_over();
                tracing::info!(authority = self.authority.name(), "Client certificates are taken");
            }
            Err(error) => {
                let Some(error) = self.authority_trouble.news(error) else { return };
                match self.client_ca {
                    Some(_) => tracing::warn!(error, "The authority before it stays in force"),
                    None => tracing::warn!(
                        error,
                        "Client certificates are not taken until it can be read; tokens are"
                    ),
                }
            }
        }
    }
}

fn configure(
    pair: &Pair,
    protocol: &Protocol,
    authority: &ClientAuthority,
    client_ca: Option<&[u8]>,
) -> Result<Arc<ServerConfig>, CertificateError> {
    let name = authority.name();
    pair.configure(protocol, client_ca.map(|pem| (name.as_str(), pem)))
}

/// The last trouble, so that the same is told once.
#[derive(Debug, Default)]
struct Trouble(Option<String>);

impl Trouble {
    fn is_over(&mut self) {
        self.0 = None;
    }

    /// The trouble, where it is another one than before.
    fn news(&mut self, trouble: String) -> Option<&str> {
        if self.0.as_ref() == Some(&trouble) {
            return None;
        }
        Some(self.0.insert(trouble))
    }
}
