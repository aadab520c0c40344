//! Client certificates, and serving certificates that change.

use std::path::Path;
use std::time::Instant;

use berth_sandbox::Sandbox;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::PrivateKeyDer;

use super::visitor::{Identity, send_as};
use super::*;
use crate::client::{ConnectOptions, connect};

/// Longest wait for what takes 100 ms.
const LONG: Duration = Duration::from_secs(60);

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A client certificate of this user.
fn identity(issuer: &Issuer, name: &str, group: &str) -> Identity {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, group);
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    (vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
}

impl Bench {
    async fn metrics_as(&self, token: Option<&str>, identity: Option<Identity>) -> Option<u16> {
        let sent = send_as(self.server.address(), ("GET", "/metrics"), token, identity).await;
        sent.ok().map(|read| read.status)
    }

    /// Waits until the server shows this certificate.
    async fn until_shown(&self, certificate: &[u8]) {
        let deadline = Instant::now() + LONG;
        while self.get("/livez", None).await.shown != certificate {
            assert!(Instant::now() < deadline, "the new certificate is not shown");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn a_client_certificate_is_its_user_and_groups() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.crt");
    let ours = authority("ours");
    std::fs::write(&file, ours.pem()).unwrap();
    let bench = Bench::with(CertificateOptions::default(), ClientAuthority::File(file)).await;
    let scraper = || identity(&ours, "prometheus", "monitoring");
    assert_eq!(bench.metrics_as(None, Some(scraper())).await, Some(200));
    let reviews = bench.api.requests();
    assert_eq!(reviews.len(), 1, "no token is reviewed");
    let spec = &reviews[0].json()["spec"];
    assert_eq!(spec["user"], "prometheus");
    assert_eq!(spec["groups"], json!(["monitoring", "system:authenticated"]));
    // Authenticated is not authorized, and the certificate counts before a token.
    let stranger = || identity(&ours, "stranger", "none");
    assert_eq!(bench.metrics_as(None, Some(stranger())).await, Some(403));
    assert_eq!(bench.metrics_as(Some("good"), Some(stranger())).await, Some(403));
    let master = identity(&ours, "admin", "system:masters");
    assert_eq!(bench.metrics_as(None, Some(master)).await, Some(200));
    // None is needed.
    assert_eq!(bench.metrics_as(Some("good"), None).await, Some(200));
    assert_eq!(bench.metrics_as(None, None).await, Some(403));
    // Somebody else's says nothing, whatever it says.
    let forged = identity(&authority("ours"), "prometheus", "system:masters");
    assert_ne!(bench.metrics_as(None, Some(forged)).await, Some(200));
}

#[tokio::test]
async fn without_an_authority_a_certificate_says_nothing() {
    let bench = Bench::start().await;
    let forged = || identity(&authority("any"), "prometheus", "system:masters");
    assert_eq!(bench.metrics_as(None, Some(forged())).await, Some(403));
    assert_eq!(bench.metrics_as(Some("good"), Some(forged())).await, Some(200));
}

async fn client(sandbox: &Sandbox, dir: &Path) -> crate::client::Client {
    let kubeconfig = dir.join("kubeconfig");
    std::fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
    connect(&ConnectOptions { kubeconfig: Some(kubeconfig), master: None }).await.unwrap()
}

fn config_map(ca: &str) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "extension-apiserver-authentication", "namespace": "kube-system"},
        "data": {"client-ca-file": ca}})
}

#[tokio::test]
async fn the_authority_of_the_cluster_is_found_and_followed() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start(berth_sandbox::Options::default()).await.unwrap();
    let cluster = ClientAuthority::Cluster(client(&sandbox, dir.path()).await);
    // It has none yet, and tokens are enough.
    let bench = Bench::with(CertificateOptions::default(), cluster).await;
    assert_eq!(bench.metrics_as(Some("good"), None).await, Some(200));
    let (first, second) = (authority("first"), authority("second"));
    let until = async |issuer: &Issuer, expected: bool| {
        let deadline = Instant::now() + LONG;
        let answered = async || {
            let scraper = identity(issuer, "prometheus", "monitoring");
            bench.metrics_as(None, Some(scraper)).await == Some(200)
        };
        while answered().await != expected {
            assert!(Instant::now() < deadline, "not within {LONG:?}: {expected}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    sandbox.create("configmaps", config_map(&first.pem())).unwrap();
    until(&first, true).await;
    let update = |ca: &str| {
        sandbox.update("configmaps", false, &config_map(ca)).unwrap();
    };
    // What cannot be used changes nothing.
    update("nonsense");
    tokio::time::sleep(Duration::from_millis(300)).await;
    until(&first, true).await;
    update(&second.pem());
    until(&second, true).await;
    until(&first, false).await;
    sandbox.stop().await;
    until(&second, true).await;
}

#[tokio::test]
async fn a_serving_certificate_that_changes_is_shown_and_a_wrong_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("tls.crt"), dir.path().join("tls.key"));
    let make = || rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (first, second) = (make(), make());
    let write = |pair: &rcgen::CertifiedKey<KeyPair>| {
        std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
        std::fs::write(&certificate, pair.cert.pem()).unwrap();
    };
    write(&first);
    let files = Some((certificate.clone(), key.clone()));
    let options = CertificateOptions { files, directory: None };
    let bench = Bench::with(options, ClientAuthority::None).await;
    bench.until_shown(first.cert.der()).await;
    for wrong in ["nonsense", "", &second.cert.pem()] {
        std::fs::write(&certificate, wrong).unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        bench.until_shown(first.cert.der()).await;
    }
    std::fs::remove_file(&certificate).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    bench.until_shown(first.cert.der()).await;
    write(&second);
    bench.until_shown(second.cert.der()).await;
}

#[tokio::test]
async fn an_authority_file_that_cannot_be_used_is_named_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.crt");
    for content in [None, Some("nonsense")] {
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let api = FakeServer::start(script).await;
        let options = ServeOptions {
            protocol: Protocol::default(),
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            certificate: CertificateOptions::default(),
            authority: ClientAuthority::File(file.clone()),
            read_every: READ_EVERY,
        };
        let access = Access::new(api.client(), api.client(), Vec::new());
        let error = Server::start(&options, pages(&Arc::default()), access).await.unwrap_err();
        let expected = format!("--client-ca-file {}: ", file.display());
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}
