//! Host ports in use, and when two conflict.
//!
//! Source: `HostPortInfo` in `staging/src/k8s.io/kube-scheduler/framework/types.go`.

use crate::base::{Sym, Symbols};
use crate::record::{HostPort, PodSpec};

/// A port on a node: (address, protocol, port); no address means all of the node's. In the order
/// of ports, then protocols, then addresses, of which all addresses are the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UsedPort {
    /// Port number.
    pub port: i32,
    /// `TCP`, `UDP`, `SCTP`.
    pub protocol: Sym,
    /// Address; `None` is `0.0.0.0`.
    pub ip: Option<Sym>,
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

    /// Whether it cannot be taken beside one of `sorted`, which may be 10,000: in the steps of two
    /// searches.
    pub fn conflicts_with_any(&self, sorted: &[Self]) -> bool {
        let from = sorted.partition_point(|p| (p.port, p.protocol) < (self.port, self.protocol));
        let rest = sorted.get(from..).unwrap_or_default();
        let same = rest.first().filter(|p| (p.port, p.protocol) == (self.port, self.protocol));
        same.is_some_and(|first| {
            first.ip.is_none() || self.ip.is_none() || rest.binary_search(self).is_ok()
        })
    }

    /// The ports a pod takes, sorted: those of its containers and of its sidecars
    /// (`schedutil.GetHostPorts`).
    pub fn of_pod(spec: &PodSpec, symbols: &mut Symbols) -> Box<[Self]> {
        let sidecars = spec.init_containers.iter().filter(|c| c.restartable);
        let all = spec.containers.iter().chain(sidecars);
        let mut ports: Box<[Self]> = all
            .flat_map(|c| &c.host_ports)
            .filter(|p| p.port > 0)
            .map(|p| Self::of(p, symbols))
            .collect();
        ports.sort_unstable();
        ports
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

    /// Searched for or compared one by one, a port conflicts with the same ones.
    #[test]
    fn a_port_conflicts_with_many_as_with_each() {
        let (mut symbols, mut random) = (Symbols::default(), crate::base::Random::new(5));
        let mut found = [0; 2];
        for _ in 0..2_000 {
            let mut any = || {
                let ip = ["", "10.0.0.1", "10.0.0.2", "10.0.0.3"][random.below(4)];
                let protocol = ["TCP", "UDP"][random.below(2)];
                let port = HostPort {
                    ip: ip.into(),
                    protocol: protocol.into(),
                    port: 80 + i32::try_from(random.below(4)).unwrap_or(0),
                };
                UsedPort::of(&port, &mut symbols)
            };
            let one = any();
            let mut many = [any(), any(), any(), any()];
            many.sort_unstable();
            let expected = many.iter().any(|other| one.conflicts(other));
            assert_eq!(one.conflicts_with_any(&many), expected, "{one:?} beside {many:?}");
            found[usize::from(expected)] += 1;
        }
        assert!(found.iter().all(|times| *times > 200), "{found:?}");
    }
}
