//! The serving certificate: given, kept in a directory, or made at start.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::protocol::Protocol;

/// Name of the pair in `--cert-dir`: `berth.crt` and `berth.key`.
const PAIR_NAME: &str = "berth";

/// Where the certificate comes from.
#[derive(Debug, Clone, Default)]
pub struct CertificateOptions {
    /// `--tls-cert-file` and `--tls-private-key-file`.
    pub files: Option<(PathBuf, PathBuf)>,
    /// `--cert-dir`: used without files; a pair that is not there is made and kept.
    pub directory: Option<PathBuf>,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("serving certificate {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: io::Error,
    },
    /// A file holds something else.
    #[error("serving certificate {path}: {message}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// Key and certificate do not go together, or the key is of a kind not known.
    #[error("serving certificate: {0}")]
    Tls(#[from] rustls::Error),
    /// Nothing is left to speak.
    #[error("--tls-curve-preferences: none of the key exchanges is spoken here: give {0}")]
    Curves(String),
    /// The authority of client certificates cannot be used.
    #[error("{name}: {message}")]
    Authority {
        /// Where it comes from.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// None can be made.
    #[error("self-signed serving certificate: {0}")]
    Make(#[from] rcgen::Error),
}

/// PEM of a certificate chain and of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    certificates: Vec<u8>,
    key: Vec<u8>,
    /// The files of both, also for messages; `None` where it was made in memory.
    from: Option<(PathBuf, PathBuf)>,
}

impl Pair {
    /// The pair to begin with.
    ///
    /// # Errors
    /// [`CertificateError`] names the file at fault.
    pub(super) fn load(
        options: &CertificateOptions,
        hostname: &str,
        address: IpAddr,
    ) -> Result<Self, CertificateError> {
        match (&options.files, &options.directory) {
            (Some((certificate, key)), _) => read(certificate, key),
            (None, Some(directory)) => kept(directory, hostname, address),
            (None, None) => make(hostname, address),
        }
    }

    /// What its files hold now; `None` where that is the same, or where there are no files.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) fn changed(&self) -> Result<Option<Self>, CertificateError> {
        let Some((certificate, key)) = &self.from else { return Ok(None) };
        let now = read(certificate, key)?;
        Ok((now != *self).then_some(now))
    }

    /// The TLS configuration of the server: HTTP/1.1. Clients may show a
    /// certificate of `authority` (PEM, and where it comes from), and need not.
    ///
    /// # Errors
    /// [`CertificateError`] names the file at fault.
    pub(super) fn configure(
        &self,
        protocol: &Protocol,
        authority: Option<(&str, &[u8])>,
    ) -> Result<Arc<ServerConfig>, CertificateError> {
        let (certificate, key) = self.from.clone().unwrap_or_default();
        let content = |path: &PathBuf, message: String| CertificateError::Content {
            path: path.clone(),
            message,
        };
        let chain = CertificateDer::pem_slice_iter(&self.certificates)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| content(&certificate, error.to_string()))?;
        if chain.is_empty() {
            return Err(content(&certificate, "holds no certificate in PEM form".to_owned()));
        }
        let private = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|error| content(&key, error.to_string()))?;
        let provider = Arc::new(protocol.provider().map_err(CertificateError::Curves)?);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&protocol.versions(&provider))?;
        let builder = match authority {
            None => builder.with_no_client_auth(),
            Some((name, pem)) => {
                let roots = roots(pem).map_err(|message| CertificateError::Authority {
                    name: name.to_owned(),
                    message,
                })?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .allow_unauthenticated()
                        .build()
                        .map_err(|error| CertificateError::Authority {
                            name: name.to_owned(),
                            message: error.to_string(),
                        })?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, private)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// All certificates of an authority.
fn roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    match roots.is_empty() {
        true => Err("holds no certificate in PEM form".to_owned()),
        false => Ok(roots),
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Pair, CertificateError> {
    let bytes = |path: &Path| {
        std::fs::read(path)
            .map_err(|source| CertificateError::File { path: path.to_owned(), source })
    };
    Ok(Pair {
        certificates: bytes(certificate)?,
        key: bytes(key)?,
        from: Some((certificate.to_owned(), key.to_owned())),
    })
}

/// The pair in `--cert-dir`; made and written where it is missing
/// (`SecureServingOptions.MaybeDefaultWithSelfSignedCerts`).
fn kept(directory: &Path, hostname: &str, address: IpAddr) -> Result<Pair, CertificateError> {
    let certificate = directory.join(format!("{PAIR_NAME}.crt"));
    let key = directory.join(format!("{PAIR_NAME}.key"));
    if certificate.exists() && key.exists() {
        return read(&certificate, &key);
    }
    let pair = make(hostname, address)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| CertificateError::File { path, source }
    };
    std::fs::create_dir_all(directory).map_err(failed(directory))?;
    std::fs::write(&certificate, &pair.certificates).map_err(failed(&certificate))?;
    write_private(&key, &pair.key).map_err(failed(&key))?;
    Ok(Pair { from: Some((certificate, key)), ..pair })
}

/// Writes a file that only its owner reads.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}

/// A self-signed pair for this host, valid from yesterday for a year, as kube-scheduler's
/// (`cert.GenerateSelfSignedCertKey`).
fn make(hostname: &str, address: IpAddr) -> Result<Pair, CertificateError> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    if is_dns_name(hostname) {
        names.push(hostname.to_owned());
    }
    if !address.is_unspecified() && !address.is_loopback() {
        names.push(address.to_string());
    }
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, format!("{PAIR_NAME}@{hostname}"));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let midnight = |date: Date| {
        // Months and days are 1 to 31.
        date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = midnight(today.yesterday().unwrap_or(today));
    params.not_after = midnight(today.saturating_add(1.year()));
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(Pair {
        certificates: certificate.pem().into_bytes(),
        key: key.serialize_pem().into_bytes(),
        from: None,
    })
}

fn is_dns_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
mod tests;
