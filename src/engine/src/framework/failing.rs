//! A failure of kube-scheduler that shows in its texts.

/// A PostFilter plugin of kube-scheduler that Berth does not have, and which fails where its own
/// PreFilter was not asked: DynamicResources, enabled by default. Pods without devices see nothing
/// of it but the end of the text of their condition.
///
/// Source: `DynamicResources.PostFilter` in
/// `pkg/scheduler/framework/plugins/dynamicresources/dynamicresources.go` reads the state that its
/// PreFilter writes; `RunPreFilterPlugins` ends at the first plugin that rejects a pod for good;
/// `RunPostFilterPlugins` ends at the first error and drops what others said before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailingPostFilter {
    /// How many PreFilter plugins of the profile are asked before its own; `None` where its own is
    /// not enabled.
    pub after: Option<usize>,
    /// Whether DefaultPreemption is asked before it at PostFilter.
    pub preempts_first: bool,
}

impl FailingPostFilter {
    /// Whether its PreFilter was not asked for a pod for which `asked` plugins were. `cut`: the
    /// last of them rejected the pod for good.
    pub fn has_no_state(&self, cut: bool, asked: usize) -> bool {
        self.after.is_none_or(|before| cut && asked <= before)
    }
}
