//! Which proxy the environment asks for, by the rules of Go's `golang.org/x/net/http/httpproxy`,
//! which client-go follows. Enter at [`Environment::proxy_for`].

use std::net::IpAddr;

use http::Uri;

/// The variables, as they were read.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    http: Option<(&'static str, String)>,
    https: Option<(&'static str, String)>,
    no_proxy: String,
}

/// A proxy and the variable that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) url: Uri,
    pub(super) variable: &'static str,
}

impl Environment {
    /// Of this process. Lower case comes first, and an empty variable is none (`getEnvAny`).
    pub(super) fn of_process() -> Self {
        Self::read(|name| std::env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let any = |names: [&'static str; 2]| {
            names.into_iter().find_map(|name| {
                variable(name).filter(|value| !value.is_empty()).map(|value| (name, value))
            })
        };
        Self {
            http: any(["http_proxy", "HTTP_PROXY"]),
            https: any(["https_proxy", "HTTPS_PROXY"]),
            no_proxy: any(["no_proxy", "NO_PROXY"]).map_or(String::new(), |(_, value)| value),
        }
    }

    /// The proxy for the server at this URL, if there is one. What is no URL is none, as in Go.
    pub(super) fn proxy_for(&self, server: &Uri) -> Option<Chosen> {
        let secure = server.scheme_str() == Some("https");
        let (variable, value) = if secure { self.https.as_ref() } else { self.http.as_ref() }?;
        let host = server.host()?.trim_start_matches('[').trim_end_matches(']');
        let host = host.to_ascii_lowercase();
        let port = server.port_u16().unwrap_or(if secure { 443 } else { 80 });
        if self.is_direct(&host, port) {
            return None;
        }
        Some(Chosen { url: parse(value)?, variable })
    }

    /// Whether no proxy stands before a host (`useProxy`): localhost never has one.
    fn is_direct(&self, host: &str, port: u16) -> bool {
        let address: Option<IpAddr> = host.parse().ok();
        if host == "localhost"
            || address.is_some_and(|address| address.to_canonical().is_loopback())
        {
            return true;
        }
        self.no_proxy.split(',').any(|entry| {
            let entry = entry.trim().to_ascii_lowercase();
            !entry.is_empty() && matches(&entry, host, address, port)
        })
    }
}

/// Without a scheme it is `http://`.
fn parse(value: &str) -> Option<Uri> {
    let whole = |text: &str| {
        let url = text.parse::<Uri>().ok()?;
        (url.scheme().is_some() && url.host().is_some_and(|host| !host.is_empty())).then_some(url)
    };
    whole(value).or_else(|| whole(&format!("http://{value}")))
}

/// Whether an entry of NO_PROXY is about the host: `*`, a network, an address, or a domain with
/// what is below it; addresses and domains with a port or without.
fn matches(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = network(entry) {
        return address.is_some_and(|address| within(address, network, bits));
    }
    let (name, wanted) = match split_port(entry) {
        Some((name, wanted)) => (name, Some(wanted)),
        None => (entry, None),
    };
    if wanted.is_some_and(|wanted| wanted != port.to_string()) {
        return false;
    }
    if let Ok(named) = name.parse::<IpAddr>() {
        return address.is_some_and(|address| address.to_canonical() == named.to_canonical());
    }
    if address.is_some() || name.is_empty() {
        return false;
    }
    // `.a` and `*.a` are what is below `a`; `a` is itself as well.
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(name),
        None => host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
    }
}

/// `address/bits`.
fn network(entry: &str) -> Option<(IpAddr, u32)> {
    let (network, bits) = entry.split_once('/')?;
    let network: IpAddr = network.parse().ok()?;
    let bits: u32 = bits.parse().ok()?;
    let most = if network.is_ipv4() { 32 } else { 128 };
    (bits <= most).then_some((network, bits))
}

fn within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address.to_canonical(), network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            u32::from(address) & mask == u32::from(network) & mask
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            u128::from(address) & mask == u128::from(network) & mask
        }
        _ => false,
    }
}

/// `host:port` and `[address]:port` (`net.SplitHostPort`).
fn split_port(entry: &str) -> Option<(&str, &str)> {
    let (name, port) = entry.rsplit_once(':')?;
    match name.strip_prefix('[') {
        Some(name) => Some((name.strip_suffix(']')?, port)),
        None => (!name.contains(':')).then_some((name, port)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn proxied(no_proxy: &str, server: &str) -> bool {
        let environment = Environment::read(|name| match name {
            "HTTPS_PROXY" => Some("http://proxy:3128".to_owned()),
            "NO_PROXY" => Some(no_proxy.to_owned()),
            _ => None,
        });
        environment.proxy_for(&server.parse().unwrap()).is_some()
    }

    /// As in Go's `proxy_test.go`.
    #[test]
    fn no_proxy_is_read_as_go_reads_it() {
        for (no_proxy, server, expected) in [
            ("", "https://api.example.com", true),
            ("", "https://localhost:6443", false),
            ("", "https://127.0.0.2:6443", false),
            ("", "https://[::1]:6443", false),
            ("", "http://api.example.com", false),
            ("*", "https://api.example.com", false),
            ("example.com", "https://api.example.com:6443", false),
            ("example.com", "https://example.com", false),
            ("example.com", "https://badexample.com", true),
            (".example.com", "https://api.Example.com", false),
            (".example.com", "https://example.com", true),
            ("*.example.com", "https://api.example.com", false),
            ("*.example.com", "https://example.com", true),
            ("x, EXAMPLE.com:6443 ,", "https://api.example.com:6443", false),
            ("example.com:6443", "https://api.example.com", true),
            ("example.com:443", "https://api.example.com", false),
            ("10.0.0.0/8", "https://10.96.0.1", false),
            ("10.0.0.0/8", "https://11.96.0.1", true),
            ("0.0.0.0/0", "https://11.96.0.1", false),
            ("10.96.0.1", "https://10.96.0.1:443", false),
            ("10.96.0.1:6443", "https://10.96.0.1:443", true),
            ("10.96.0.1", "https://10.96.0.11:443", true),
            ("fd00::/8", "https://[fd00::1]:6443", false),
            ("[fd00::1]:6443", "https://[fd00::1]:6443", false),
            ("fd00::1", "https://[fd00::1]:6443", false),
            ("10.0.0.0/99", "https://10.96.0.1", true),
            (":6443", "https://api.example.com:6443", true),
        ] {
            assert_eq!(proxied(no_proxy, server), expected, "{no_proxy:?} {server}");
        }
    }

    #[test]
    fn lower_case_comes_first_and_the_scheme_may_be_left_out() {
        let environment = Environment::read(|name| match name {
            "https_proxy" => Some("lower:1".to_owned()),
            "HTTPS_PROXY" => Some("http://upper:1".to_owned()),
            "HTTP_PROXY" => Some("http://plain:1".to_owned()),
            _ => None,
        });
        let chosen = |server: &str| {
            let chosen = environment.proxy_for(&server.parse().unwrap()).unwrap();
            (chosen.url.to_string(), chosen.variable)
        };
        assert_eq!(chosen("https://a"), ("http://lower:1/".to_owned(), "https_proxy"));
        assert_eq!(chosen("http://a"), ("http://plain:1/".to_owned(), "HTTP_PROXY"));
    }
}
