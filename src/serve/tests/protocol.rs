//! What TLS the server speaks: by its flags, in real handshakes.

use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, NamedGroup, ProtocolVersion, SupportedProtocolVersion};

use super::visitor::connect_by;
use super::*;

type Spoken = (ProtocolVersion, CipherSuite, NamedGroup);

async fn serving(protocol: Protocol) -> Bench {
    Bench::open(CertificateOptions::default(), ClientAuthority::None, protocol, true).await
}

/// What a client of these versions and the server agree upon, if anything.
async fn agreed(bench: &Bench, versions: &[&'static SupportedProtocolVersion]) -> Option<Spoken> {
    let by = (aws_lc_rs::default_provider(), versions);
    let (stream, _) = connect_by(bench.server.address(), None, by).await.ok()?;
    let (_, tls) = stream.get_ref();
    let group = tls.negotiated_key_exchange_group()?.name();
    Some((tls.protocol_version()?, tls.negotiated_cipher_suite()?.suite(), group))
}

fn suites(names: &[&str]) -> Vec<Suite> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[tokio::test]
async fn the_lowest_version_is_the_one_asked_for() {
    let bench = serving(Protocol::default()).await;
    assert_eq!(agreed(&bench, &[&TLS12]).await.unwrap().0, ProtocolVersion::TLSv1_2);
    let min_version = "VersionTLS13".parse().unwrap();
    let bench = serving(Protocol { min_version, ..Protocol::default() }).await;
    assert_eq!(agreed(&bench, &[&TLS12]).await, None);
    assert_eq!(agreed(&bench, &[&TLS13]).await.unwrap().0, ProtocolVersion::TLSv1_3);
}

#[tokio::test]
async fn suites_of_tls_1_2_and_key_exchanges_are_the_named_ones() {
    // The certificate that is made is one of ECDSA.
    let named = suites(&["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "TLS_RSA_WITH_RC4_128_SHA"]);
    let protocol = Protocol { suites: named, curves: vec![24], ..Protocol::default() };
    assert_eq!(
        protocol.warnings(),
        ["--tls-cipher-suites: TLS_RSA_WITH_RC4_128_SHA are not spoken: left out"]
    );
    let bench = serving(protocol).await;
    let suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
    let expected = (ProtocolVersion::TLSv1_2, suite, NamedGroup::secp384r1);
    assert_eq!(agreed(&bench, &[&TLS12]).await, Some(expected));
    assert_eq!(agreed(&bench, &[&TLS13]).await.unwrap().0, ProtocolVersion::TLSv1_3);
}

#[tokio::test]
async fn where_no_named_suite_is_spoken_only_tls_1_3_is() {
    let suites = suites(&["TLS_RSA_WITH_AES_128_GCM_SHA256"]);
    let bench = serving(Protocol { suites, ..Protocol::default() }).await;
    assert_eq!(agreed(&bench, &[&TLS12]).await, None);
    assert!(agreed(&bench, &[&TLS12, &TLS13]).await.is_some());
}

#[tokio::test]
async fn an_exchange_that_nobody_speaks_is_an_error_and_no_server() {
    let api = FakeServer::start(script).await;
    let options = ServeOptions {
        address: Ipv4Addr::LOCALHOST.into(),
        port: 0,
        certificate: CertificateOptions::default(),
        protocol: Protocol { curves: vec![9], ..Protocol::default() },
        authority: ClientAuthority::None,
        read_every: READ_EVERY,
    };
    let access = Access::new(api.client(), api.client(), Vec::new());
    let error = Server::start(&options, pages(&Arc::default()), access).await.unwrap_err();
    assert!(error.to_string().contains("--tls-curve-preferences"), "{error}");
}

#[test]
fn names_that_go_does_not_know_are_refused() {
    let error = "TLS_AES_128_GCM_SHA265".parse::<Suite>().unwrap_err();
    assert_eq!(error, "no such cipher suite: did you mean TLS_AES_128_GCM_SHA256?");
    assert!("VersionTLS14".parse::<TlsVersion>().unwrap_err().contains("VersionTLS13"));
}
