//! Which TLS is spoken on `--secure-port`: versions, cipher suites, key exchange. Enter at
//! [`Protocol`].

use std::str::FromStr;

use berth_engine::framework::nearest;
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, SupportedProtocolVersion};

/// `--tls-min-version`, `--tls-cipher-suites` and `--tls-curve-preferences`
/// (`options.SecureServingOptions`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protocol {
    /// The lowest version spoken.
    pub min_version: TlsVersion,
    /// The suites of TLS 1.2; none named is all. Those of TLS 1.3 are not chosen, as in Go.
    pub suites: Vec<Suite>,
    /// Numbers of Go's `tls.CurveID`, which are those of IANA; none named is all.
    pub curves: Vec<u16>,
}

/// A version by Go's name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// `VersionTLS10` and `VersionTLS11`, which nobody speaks here: TLS 1.2 is the lowest.
    Older,
    /// `VersionTLS12`, which is also Go's default.
    #[default]
    Tls12,
    /// `VersionTLS13`.
    Tls13,
}

impl FromStr for TlsVersion {
    type Err = String;

    /// # Errors
    /// The text is none of Go's names.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "VersionTLS10" | "VersionTLS11" => Ok(Self::Older),
            "VersionTLS12" | "" => Ok(Self::Tls12),
            "VersionTLS13" => Ok(Self::Tls13),
            _ => Err("must be VersionTLS12 or VersionTLS13 (VersionTLS10 and VersionTLS11 are \
                      read as VersionTLS12)"
                .to_owned()),
        }
    }
}

/// A cipher suite by Go's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suite(&'static str);

/// Those spoken, by all their names (`cipherSuites` in Go's `crypto/tls`; the two short names are
/// kept in component-base's `ciphersuites_flag.go`).
const SPOKEN: [(&str, CipherSuite); 11] = [
    ("TLS_AES_128_GCM_SHA256", CipherSuite::TLS13_AES_128_GCM_SHA256),
    ("TLS_AES_256_GCM_SHA384", CipherSuite::TLS13_AES_256_GCM_SHA384),
    ("TLS_CHACHA20_POLY1305_SHA256", CipherSuite::TLS13_CHACHA20_POLY1305_SHA256),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// Those that Go knows and rustls does not speak: CBC, RC4, 3DES, and RSA without ECDHE.
const NOT_SPOKEN: [&str; 16] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_RC4_128_SHA",
];

impl FromStr for Suite {
    type Err = String;

    /// # Errors
    /// Go's `crypto/tls` has no suite of that name.
    fn from_str(text: &str) -> Result<Self, String> {
        let names = || SPOKEN.map(|(name, _)| name).into_iter().chain(NOT_SPOKEN);
        if let Some(name) = names().find(|name| *name == text) {
            return Ok(Self(name));
        }
        let hint = nearest(text, names()).map(|name| format!(": did you mean {name}?"));
        Err(format!("no such cipher suite{}", hint.unwrap_or_default()))
    }
}

impl Suite {
    fn spoken(self) -> Option<CipherSuite> {
        SPOKEN.iter().find(|(name, _)| *name == self.0).map(|(_, suite)| *suite)
    }
}

impl Protocol {
    /// What of it is not as kube-scheduler has it, one sentence for each flag.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.min_version == TlsVersion::Older {
            warnings.push("--tls-min-version: TLS 1.0 and 1.1 are not spoken, TLS 1.2 is".into());
        }
        let unspoken: Vec<&str> =
            self.suites.iter().filter(|suite| suite.spoken().is_none()).map(|s| s.0).collect();
        if !unspoken.is_empty() {
            let names = unspoken.join(", ");
            warnings.push(format!("--tls-cipher-suites: {names} are not spoken: left out"));
        }
        let known = aws_lc_rs::default_provider().kx_groups;
        let unknown = |curve: &&u16| !known.iter().any(|group| u16::from(group.name()) == **curve);
        let curves: Vec<String> = self.curves.iter().filter(unknown).map(u16::to_string).collect();
        if !curves.is_empty() {
            let numbers = curves.join(", ");
            warnings.push(format!("--tls-curve-preferences: {numbers} not spoken: left out"));
        }
        warnings
    }

    /// Suites and key exchanges.
    ///
    /// # Errors
    /// No key exchange is left; the text names the numbers there are.
    pub(super) fn provider(&self) -> Result<CryptoProvider, String> {
        let mut provider = aws_lc_rs::default_provider();
        if !self.suites.is_empty() {
            let named: Vec<CipherSuite> =
                self.suites.iter().filter_map(|suite| suite.spoken()).collect();
            provider
                .cipher_suites
                .retain(|suite| suite.tls13().is_some() || named.contains(&suite.suite()));
        }
        if !self.curves.is_empty() {
            let number = |group: &&dyn SupportedKxGroup| u16::from(group.name());
            let all: Vec<String> =
                provider.kx_groups.iter().map(|group| number(group).to_string()).collect();
            provider.kx_groups.retain(|group| self.curves.contains(&number(group)));
            if provider.kx_groups.is_empty() {
                return Err(all.join(", "));
            }
        }
        Ok(provider)
    }

    /// The versions for which `provider` has a suite.
    pub(super) fn versions(
        &self,
        provider: &CryptoProvider,
    ) -> Vec<&'static SupportedProtocolVersion> {
        let older = provider.cipher_suites.iter().any(|suite| suite.tls13().is_none());
        match self.min_version {
            TlsVersion::Tls12 | TlsVersion::Older if older => vec![&TLS13, &TLS12],
            _ => vec![&TLS13],
        }
    }
}
