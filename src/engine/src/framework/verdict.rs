//! What plugins answer. Failure is data: an unschedulable pod is never an `Err`.

use smallvec::SmallVec;

use super::{Fault, Reads, Reason, Reasons};

/// Status codes of kube-scheduler's framework (`fwk.Code`), by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// The pod fits.
    Success,
    /// The plugin itself failed; the attempt ends with reason `SchedulerError`.
    Error,
    /// It does not fit; taking pods away from the node may help.
    Unschedulable,
    /// It does not fit, and preemption cannot help.
    UnschedulableAndUnresolvable,
    /// Permit: decide later.
    Wait,
    /// The plugin has nothing to say to this pod.
    Skip,
    /// The plugin waits for something of its own.
    Pending,
}

impl Code {
    /// The name, as in metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::Error => "Error",
            Self::Unschedulable => "Unschedulable",
            Self::UnschedulableAndUnresolvable => "UnschedulableAndUnresolvable",
            Self::Wait => "Wait",
            Self::Skip => "Skip",
            Self::Pending => "Pending",
        }
    }
}

/// What a filter says of one node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Verdict {
    /// The pod fits.
    #[default]
    Fit,
    /// It does not.
    Reject {
        /// Whether taking pods away could help: `Unschedulable` against
        /// `UnschedulableAndUnresolvable`.
        resolvable: bool,
        /// At least one.
        reasons: Reasons,
    },
    /// The plugin failed; the pod's attempt ends.
    Broken(Fault),
}

impl Verdict {
    /// A rejection that preemption may resolve.
    pub fn unschedulable(reason: impl Into<Reason>) -> Self {
        Self::Reject { resolvable: true, reasons: SmallVec::from_buf([reason.into()]) }
    }

    /// A rejection that preemption cannot resolve.
    pub fn unresolvable(reason: impl Into<Reason>) -> Self {
        Self::Reject { resolvable: false, reasons: SmallVec::from_buf([reason.into()]) }
    }

    /// A failure of the plugin's own.
    pub fn broken(fault: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Broken(Fault::new(fault))
    }

    /// The code in kube-scheduler's terms.
    pub fn code(&self) -> Code {
        match self {
            Self::Fit => Code::Success,
            Self::Reject { resolvable: true, .. } => Code::Unschedulable,
            Self::Reject { resolvable: false, .. } => Code::UnschedulableAndUnresolvable,
            Self::Broken(_) => Code::Error,
        }
    }

    /// The reasons of a rejection.
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Reject { reasons, .. } => reasons,
            Self::Fit | Self::Broken(_) => &[],
        }
    }

    /// Whether it is a rejection that taking pods away could lift.
    pub fn is_resolvable(&self) -> bool {
        matches!(self, Self::Reject { resolvable: true, .. })
    }

    /// Whether the pod fits.
    pub fn is_fit(&self) -> bool {
        matches!(self, Self::Fit)
    }
}

/// Where a filter writes its verdicts: one place per node of the call, all `Fit` to begin with.
#[derive(Debug)]
pub struct Verdicts<'a> {
    slots: &'a mut [Verdict],
    // Nothing but `Fit` was set.
    all_fit: bool,
}

impl<'a> Verdicts<'a> {
    /// Verdicts for the nodes of one call.
    pub fn new(slots: &'a mut [Verdict]) -> Self {
        Self { slots, all_fit: true }
    }

    /// Sets the verdict for the `at`-th node of the call.
    pub fn set(&mut self, at: usize, verdict: Verdict) {
        if let Some(slot) = self.slots.get_mut(at) {
            self.all_fit &= verdict.is_fit();
            *slot = verdict;
        }
    }

    /// Whether the pod fits on all nodes of the call, as is mostly so: nobody has to look.
    pub fn all_fit(&self) -> bool {
        self.all_fit
    }
}

/// What a PreFilter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreFiltered {
    /// Go on.
    Proceed,
    /// Go on without this plugin's filter.
    Skip,
    /// Only these nodes come into question.
    Narrow(Vec<Box<str>>),
    /// No node comes into question.
    Reject {
        /// Whether preemption may help; where not, later PreFilters do not run.
        resolvable: bool,
        /// At least one.
        reasons: Reasons,
    },
    /// This scheduler cannot place the pod, whatever the nodes are. It is unschedulable; no later
    /// plugin is asked, and nobody preempts for it.
    Refuse {
        /// What has to change before the pod is looked at again, besides itself and the
        /// configuration; [`Reads::NOTHING`] where nothing else can help.
        until: Reads,
        /// Its words are the condition's, without a count of nodes.
        reason: Reason,
    },
    /// The plugin failed; the pod's attempt ends.
    Broken(Fault),
}

impl PreFiltered {
    /// A rejection for every node, which preemption cannot resolve.
    pub fn unresolvable(reason: impl Into<Reason>) -> Self {
        Self::Reject { resolvable: false, reasons: SmallVec::from_buf([reason.into()]) }
    }

    /// A failure of the plugin's own.
    pub fn broken(fault: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Broken(Fault::new(fault))
    }
}

/// What a PreScore says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreScored {
    /// Score.
    Proceed,
    /// Leave this plugin's score out.
    Skip,
    /// The plugin failed; the pod's attempt ends.
    Broken(Fault),
}

impl PreScored {
    /// A failure of the plugin's own.
    pub fn broken(fault: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Broken(Fault::new(fault))
    }
}
