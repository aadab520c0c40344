//! Whether an instance may schedule, by its Leases.

/// Whether this instance may schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Not, for this reason: another instance holds a Lease, or it is not known who does.
    Waits(String),
    /// It holds the Lease of each of its names.
    Holds,
    /// Another instance has taken a Lease that this one held: it must end.
    Lost(String),
    /// It has no right to a Lease that it never held.
    Refused(String),
}

impl Default for Standing {
    fn default() -> Self {
        Self::Waits("the Leases have not been looked at yet".to_owned())
    }
}
