#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

fn configure(
    options: &CertificateOptions,
    hostname: &str,
    address: IpAddr,
) -> Result<Arc<ServerConfig>, CertificateError> {
    Pair::load(options, hostname, address)?.configure(&Protocol::default(), None)
}

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

#[test]
fn an_authority_that_cannot_be_used_is_named() {
    let pair = make("host", ANY).unwrap();
    for wrong in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    {
        let error = pair
            .configure(&Protocol::default(), Some(("--client-ca-file ca.crt", wrong.as_bytes())));
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("--client-ca-file ca.crt: "), "{wrong}: {error}");
    }
    pair.configure(&Protocol::default(), Some(("authority", &pair.certificates))).unwrap();
}
