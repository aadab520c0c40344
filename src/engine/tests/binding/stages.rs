//! Plugins at the points between the node and the bind, which say what they are told to say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use berth_engine::Write;
use berth_engine::base::NodeIdx;
use berth_engine::framework::{
    Context, Fault, Keeps, Permission, Permit, Plugin, PodView, PostBind, PreBind, PreFlight,
    Progress, Reads,
};
use berth_engine::record::ObjectKey;

/// What is said from now on, and who was asked.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// By plugin.
    pub(crate) permissions: BTreeMap<&'static str, Permission>,
    pub(crate) flights: BTreeMap<&'static str, PreFlight>,
    pub(crate) progress: BTreeMap<&'static str, Progress>,
    /// Writes that each PreBind asks for.
    pub(crate) writes: BTreeMap<&'static str, usize>,
    pub(crate) asked: Vec<String>,
}

pub(crate) type Shared = Arc<Mutex<Script>>;

/// A plugin at Permit, PreBind and PostBind.
#[derive(Debug)]
pub(crate) struct Stages {
    pub(crate) name: &'static str,
    pub(crate) reads: Reads,
    pub(crate) script: Shared,
}

impl Stages {
    fn note(&self, point: &str, pod: &str) {
        self.script.lock().unwrap().asked.push(format!("{point} {} {pod}", self.name));
    }
}

impl Plugin for Stages {
    fn name(&self) -> &str {
        self.name
    }
    fn reads(&self) -> Reads {
        self.reads
    }
    fn keeps(&self, _: &Context<'_>) -> Keeps {
        Keeps::Node(Reads::NOTHING)
    }
    fn as_permit(&self) -> Option<&dyn Permit> {
        Some(self)
    }
    fn as_pre_bind(&self) -> Option<&dyn PreBind> {
        Some(self)
    }
    fn as_post_bind(&self) -> Option<&dyn PostBind> {
        Some(self)
    }
}

impl Permit for Stages {
    fn permit(&self, cx: &Context<'_>, _: NodeIdx) -> Permission {
        self.note("permit", cx.pod.name);
        let script = self.script.lock().unwrap();
        script.permissions.get(self.name).cloned().unwrap_or(Permission::Allow)
    }
}

impl PreBind for Stages {
    fn pre_flight(&self, _: &Context<'_>, _: NodeIdx) -> PreFlight {
        let script = self.script.lock().unwrap();
        script.flights.get(self.name).cloned().unwrap_or(PreFlight::Skip)
    }

    fn pre_bind(&self, cx: &Context<'_>, _: NodeIdx) -> Result<Vec<Write>, Fault> {
        self.note("pre-bind", cx.pod.name);
        let script = self.script.lock().unwrap();
        let count = script.writes.get(self.name).copied().unwrap_or(0);
        let write = |at: usize| Write::Volume {
            claim: ObjectKey::new("d", &format!("{}-{at}", self.name)),
            volume: None,
            node: "n".into(),
        };
        Ok((0..count).map(write).collect())
    }

    fn progress(&self, cx: &Context<'_>, _: NodeIdx) -> Progress {
        self.note("progress", cx.pod.name);
        let script = self.script.lock().unwrap();
        script.progress.get(self.name).cloned().unwrap_or(Progress::Done)
    }

    fn patience(&self) -> (u64, &str) {
        (30_000, "it took too long")
    }
}

impl PostBind for Stages {
    fn post_bind(&self, pod: &PodView<'_>, _: NodeIdx) {
        self.note("post-bind", pod.name);
    }
}
