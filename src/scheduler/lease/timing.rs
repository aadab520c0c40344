//! How long a Lease runs and how often it is renewed.

use std::time::Duration;

use berth_plugins::GoDuration;

/// Shortest deadline of a try: answers of a busy API server take a tenth of it.
const TRY_MIN: Duration = Duration::from_secs(1);

/// `leaseDuration`, `renewDeadline` and `retryPeriod` of leader election, which the Leases of
/// schedulerNames go by too. kube-scheduler's defaults: 15 s, 10 s, 2 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// A holder that has not been seen to renew for so long has lost the Lease.
    pub lease: Duration,
    /// A holder that has not renewed for so long stops scheduling. Less than `lease`: nobody else
    /// can have taken the Lease by then.
    pub renew: Duration,
    /// Pause between tries.
    pub retry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { lease: seconds(15), renew: seconds(10), retry: seconds(2) }
    }
}

/// Why times do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    /// A Lease counts whole seconds.
    #[error("leaseDuration must be at least 1s, not {0:?}")]
    Lease(Duration),
    /// client-go: `leaseDuration must be greater than renewDeadline`.
    #[error("leaseDuration ({lease:?}) must be longer than renewDeadline ({renew:?})")]
    Renew {
        /// `leaseDuration`.
        lease: Duration,
        /// `renewDeadline`.
        renew: Duration,
    },
    /// client-go: `renewDeadline must be greater than retryPeriod*JitterFactor`.
    #[error("renewDeadline ({renew:?}) must be longer than 1.2 times retryPeriod ({retry:?})")]
    Retry {
        /// `renewDeadline`.
        renew: Duration,
        /// `retryPeriod`.
        retry: Duration,
    },
}

impl Timing {
    /// Times that fit together, as client-go's `NewLeaderElector` wants them.
    ///
    /// # Errors
    /// They do not.
    pub fn new(lease: Duration, renew: Duration, retry: Duration) -> Result<Self, TimingError> {
        if lease < Duration::from_secs(1) {
            return Err(TimingError::Lease(lease));
        }
        if lease <= renew {
            return Err(TimingError::Renew { lease, renew });
        }
        if retry.is_zero() || renew <= retry + retry / 5 {
            return Err(TimingError::Retry { renew, retry });
        }
        Ok(Self { lease, renew, retry })
    }

    /// Deadline of one try. With it a holder that is sure of its Lease and waits for the next try
    /// knows before the Lease runs out that it is not sure any more: 3 s by default.
    pub(super) fn one_try(&self) -> Duration {
        self.lease.saturating_sub(self.renew + self.retry).max(TRY_MIN)
    }

    /// `leaseDurationSeconds`.
    pub(super) fn lease_seconds(&self) -> i64 {
        i64::try_from(self.lease.as_secs()).unwrap_or(i64::MAX)
    }
}

/// A duration of a flag or a field; negative ones are none.
pub fn duration(go: GoDuration) -> Duration {
    u64::try_from(go.nanoseconds()).map_or(Duration::ZERO, Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_that_do_not_fit_are_refused_as_in_client_go() {
        let seconds = Duration::from_secs;
        let of = |lease, renew, retry| Timing::new(seconds(lease), seconds(renew), seconds(retry));
        assert_eq!(of(15, 10, 2).unwrap(), Timing::default());
        for (wrong, word) in [
            (of(0, 10, 2), "at least 1s"),
            (of(10, 10, 2), "renewDeadline"),
            (of(15, 10, 9), "retryPeriod"),
            (of(15, 10, 0), "retryPeriod"),
        ] {
            let text = wrong.unwrap_err().to_string();
            assert!(text.contains(word), "{text}");
        }
    }
}
