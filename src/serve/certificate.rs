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
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

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
    /// None can be made.
    #[error("self-signed serving certificate: {0}")]
    Make(#[from] rcgen::Error),
}

/// PEM of a certificate chain and of its key.
struct Pair {
    certificates: Vec<u8>,
    key: Vec<u8>,
    /// For messages.
    from: (PathBuf, PathBuf),
}

/// The TLS configuration of the server: HTTP/1.1, TLS 1.2 and 1.3, no client certificates.
///
/// # Errors
/// [`CertificateError`] names the file at fault.
pub(super) fn configure(
    options: &CertificateOptions,
    hostname: &str,
    address: IpAddr,
) -> Result<Arc<ServerConfig>, CertificateError> {
    let pair = match (&options.files, &options.directory) {
        (Some((certificate, key)), _) => read(certificate, key)?,
        (None, Some(directory)) => kept(directory, hostname, address)?,
        (None, None) => make(hostname, address)?,
    };
    let content = |path: &PathBuf, error: rustls_pki_types::pem::Error| CertificateError::Content {
        path: path.clone(),
        message: error.to_string(),
    };
    let chain = CertificateDer::pem_slice_iter(&pair.certificates)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| content(&pair.from.0, error))?;
    if chain.is_empty() {
        let message = "holds no certificate in PEM form".to_owned();
        return Err(CertificateError::Content { path: pair.from.0, message });
    }
    let key =
        PrivateKeyDer::from_pem_slice(&pair.key).map_err(|error| content(&pair.from.1, error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read(certificate: &Path, key: &Path) -> Result<Pair, CertificateError> {
    let bytes = |path: &Path| {
        std::fs::read(path)
            .map_err(|source| CertificateError::File { path: path.to_owned(), source })
    };
    Ok(Pair {
        certificates: bytes(certificate)?,
        key: bytes(key)?,
        from: (certificate.to_owned(), key.to_owned()),
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
    Ok(Pair { from: (certificate, key), ..pair })
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
        from: (PathBuf::from("(self-signed)"), PathBuf::from("(self-signed)")),
    })
}

fn is_dns_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::Ipv4Addr;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

    fn options(directory: &Path) -> CertificateOptions {
        CertificateOptions { files: None, directory: Some(directory.to_owned()) }
    }

    #[test]
    fn a_pair_is_made_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let directory = dir.path().join("certs");
        configure(&options(&directory), "host", ANY).unwrap();
        let key = directory.join("berth.key");
        let first = std::fs::read(directory.join("berth.crt")).unwrap();
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        configure(&options(&directory), "host", ANY).unwrap();
        assert_eq!(std::fs::read(directory.join("berth.crt")).unwrap(), first);
        // Files win over the directory.
        let files = Some((directory.join("berth.crt"), key));
        let directory = Some(dir.path().join("unused"));
        configure(&CertificateOptions { files, directory }, "host", ANY).unwrap();
        assert!(!dir.path().join("unused").exists());
    }

    #[test]
    fn errors_name_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = (dir.path().join("a.crt"), dir.path().join("a.key"));
        let files = Some((certificate.clone(), key.clone()));
        let given = CertificateOptions { files, directory: None };
        let message = || configure(&given, "host", ANY).unwrap_err().to_string();
        assert!(message().contains("a.crt"), "{}", message());
        let pair = make("host", ANY).unwrap();
        std::fs::write(&certificate, &pair.certificates).unwrap();
        assert!(message().contains("a.key"), "{}", message());
        std::fs::write(&key, "nonsense").unwrap();
        assert!(message().contains("a.key"), "{}", message());
        std::fs::write(&key, make("host", ANY).unwrap().key).unwrap();
        assert!(message().starts_with("serving certificate: "), "{}", message());
        std::fs::write(&certificate, "nonsense").unwrap();
        assert!(message().contains("no certificate"), "{}", message());
    }

    #[test]
    fn odd_host_names_do_no_harm() {
        for hostname in ["", "a b", "höst", "a.b-c"] {
            make(hostname, "10.0.0.7".parse().unwrap()).unwrap();
        }
    }
}
