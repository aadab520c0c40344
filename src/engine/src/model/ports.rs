//! Host ports in use, and when two conflict.
//!
//! Source: `HostPortInfo` in `staging/src/k8s.io/kube-scheduler/framework/types.go`.

use crate::base::{Sym, Symbols};
use crate::record::{HostPort, PodSpec};

/// A port on a node: (address, protocol, port); no address means all of the node's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UsedPort {
    /// Address; `None` is `0.0.0.0`.
    pub ip: Option<Sym>,
    /// `TCP`, `UDP`, `SCTP`.
    pub protocol: Sym,
    /// Port number.
    pub port: i32,
}

impl UsedPort {
    fn of(port: &HostPort, symbols: &mut Symbols) -> Self {
        let protocol = if port.protocol.is_empty() { "TCP" } else { &port.protocol };
        Self {
            ip: (!matches!(port.ip.as_ref(), "" | "0.0.0.0")).then(|| symbols.intern(&port.ip)),
            protocol: symbols.intern(protocol),
            port: port.port,
        }
    }

    /// Whether both cannot be taken on one node: same protocol and port, and the same address or
    /// one of them all addresses.
    pub fn conflicts(&self, other: &Self) -> bool {
        self.port == other.port
            && self.protocol == other.protocol
            && (self.ip.is_none() || other.ip.is_none() || self.ip == other.ip)
    }

    /// The ports a pod takes: those of its containers and of its sidecars
    /// (`schedutil.GetHostPorts`).
    pub fn of_pod(spec: &PodSpec, symbols: &mut Symbols) -> Box<[Self]> {
        let sidecars = spec.init_containers.iter().filter(|c| c.restartable);
        let all = spec.containers.iter().chain(sidecars);
        all.flat_map(|c| &c.host_ports)
            .filter(|p| p.port > 0)
            .map(|p| Self::of(p, symbols))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wildcard_address_conflicts_with_all() {
        let mut symbols = Symbols::default();
        let mut port = |ip: &str, protocol: &str, port| {
            UsedPort::of(&HostPort { ip: ip.into(), protocol: protocol.into(), port }, &mut symbols)
        };
        let any = port("", "", 80);
        assert!(any.conflicts(&port("10.0.0.1", "TCP", 80)));
        assert!(any.conflicts(&port("0.0.0.0", "TCP", 80)));
        assert!(!any.conflicts(&port("", "UDP", 80)));
        assert!(!any.conflicts(&port("", "TCP", 81)));
        assert!(!port("10.0.0.1", "TCP", 80).conflicts(&port("10.0.0.2", "TCP", 80)));
    }
}
