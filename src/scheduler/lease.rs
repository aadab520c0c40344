//! Leases of `coordination.k8s.io/v1`: which scheduler is alive, and which one may place the pods
//! of a `schedulerName`.
//!
//! Two schedulers for the pods of one name bind against each other and over-commit nodes, as each
//! counts the other's pods late. [`live_kube_scheduler`] looks for a kube-scheduler (`peer`).
//! [`Claims`] holds a Lease for each `schedulerName` of this instance: `keeper` is its task,
//! `group` the Leases that are wanted together, `elector` the rules of one Lease (client-go's
//! `LeaderElector`), `lock` its requests, `record` its fields, `place` its namespace and name,
//! `voice` what is told of it.

mod claims;
mod elector;
mod group;
mod keeper;
mod lock;
mod peer;
mod place;
mod record;
mod standing;
mod timing;
mod voice;

pub use claims::{Claims, ClaimsHandle};
pub use keeper::ClaimsOptions;
pub use lock::LockError;
pub use peer::{DEFAULT_SCHEDULER, Holder, LeaseError, live_kube_scheduler};
pub(crate) use place::pod_namespace;
pub use place::{Namespace, lease_name};
pub use standing::Standing;
pub use timing::{Timing, TimingError, duration};

/// Who this process is in a Lease: hostname and a UUID, as kube-scheduler's (`cmd/kube-scheduler/
/// app/server.go`). A restarted container has the same hostname and is somebody else: it cannot
/// know whether what it bound before is in the lists it reads.
pub fn identity() -> String {
    use std::hash::{BuildHasher, RandomState};
    let draw = |salt: u8| RandomState::new().hash_one((std::process::id(), salt));
    let (high, low) = (draw(0), draw(1));
    // Version 4, variant 1 (RFC 9562 §5.4).
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    format!(
        "{}_{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        crate::events::hostname(),
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests;
