//! What the default plugins say of a pod, by names, so that two runs can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use berth_engine::base::NodeIdx;
use berth_engine::cycle::{Stop, Wording, fit_error};
use berth_engine::framework::{MAX_NODE_SCORE, Point, Profile, Reason};
use berth_engine::record::PodRecord;
use berth_engine::{Config, Control, Decided, Engine, Input, Origin};
use berth_plugins::default_profile;
use rayon::ThreadPool;

use super::names::Names;
use super::scenario::{SCHEDULER, Scenario};

/// What was said of one pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The attempt failed so.
    pub(crate) broken: Option<String>,
    /// A PreFilter turned the pod away: plugin and reasons.
    pub(crate) stop: Option<String>,
    /// Each node's answer.
    pub(crate) nodes: BTreeMap<String, Answer>,
    /// Score of each feasible node by plugin.
    pub(crate) scores: BTreeMap<String, BTreeMap<String, i64>>,
    /// The nodes with the highest total.
    pub(crate) best: BTreeSet<String>,
    /// The FitError.
    pub(crate) message: Option<String>,
}

/// What was said of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Fits,
    Excluded,
    Rejected { plugin: String, resolvable: bool, reasons: Vec<String> },
}

impl Answer {
    pub(crate) fn is_by(&self, name: &str) -> bool {
        matches!(self, Self::Rejected { plugin, .. } if plugin == name)
    }

    pub(crate) fn reasons(&self) -> &[String] {
        if let Self::Rejected { reasons, .. } = self { reasons } else { &[] }
    }

    fn translated(&self) -> Self {
        match self {
            Self::Rejected { plugin, resolvable, reasons } => Self::Rejected {
                plugin: plugin.clone(),
                resolvable: *resolvable,
                reasons: reasons.iter().map(|r| Names::first_of(r)).collect(),
            },
            other => other.clone(),
        }
    }
}

impl Verdict {
    /// The verdict by the first names. The message goes: its order is that of the names in it, and
    /// what it says is in the answers.
    pub(crate) fn translated(&self) -> Self {
        let name = |text: &String| Names::first_of(text);
        Self {
            broken: self.broken.as_ref().map(name),
            stop: self.stop.as_ref().map(name),
            nodes: self.nodes.iter().map(|(n, a)| (name(n), a.translated())).collect(),
            scores: self.scores.iter().map(|(n, s)| (name(n), s.clone())).collect(),
            best: self.best.iter().map(name).collect(),
            message: None,
        }
    }

    pub(crate) fn without_message(&self) -> Self {
        Self { message: None, ..self.clone() }
    }
}

/// Judges every pending pod of the scenario, each by itself.
pub(crate) fn judge(scenario: &Scenario) -> Vec<Verdict> {
    judge_after(scenario.inputs(), &scenario.pending, None)
}

/// Judges pods in the cluster that the inputs bring about.
pub(crate) fn judge_after(
    inputs: Vec<Input>,
    pending: &[PodRecord],
    pool: Option<Arc<ThreadPool>>,
) -> Vec<Verdict> {
    let profile = Arc::new(default_profile(SCHEDULER).unwrap());
    let mut engine = Engine::new(pool);
    let config = Config { profiles: vec![Arc::clone(&profile)], ..Config::default() };
    let settings = [
        Input::Control(Control::Begin(Origin::first_by_name())),
        Input::Control(Control::Pause(true)),
        Input::Config(Arc::new(config)),
    ];
    let all = settings.into_iter().chain(inputs);
    engine.step(all, 0, &mut Vec::new(), &mut ());
    assert_eq!(engine.check(), Vec::<String>::new());
    pending.iter().map(|pod| verdict(&mut engine, &profile, pod)).collect()
}

fn verdict(engine: &mut Engine, profile: &Arc<Profile>, pod: &PodRecord) -> Verdict {
    engine.step([Input::PodAdmitted(Box::new(pod.clone()))], 0, &mut Vec::new(), &mut ());
    let pod = engine.cache().pods().find(&pod.uid).unwrap();
    let decided = engine.decide(pod, profile, true, &mut ());
    let cache = engine.cache();
    let node = |n: NodeIdx| cache.node_name(n).to_owned();
    let plugin = |place: usize| profile.plugin(place).unwrap().name().to_owned();
    let (filtered, mut out) = match &decided {
        Decided::Broken(error) => {
            return Verdict { broken: Some(error.to_string()), ..Verdict::default() };
        }
        Decided::Reject { filtered } => {
            let message = fit_error(filtered, cache, profile, Wording::Recorded);
            (filtered, Verdict { message: Some(message), ..Verdict::default() })
        }
        Decided::Place { pick, filtered, scores } => {
            let mut out = Verdict {
                best: pick.best.iter().map(|n| node(*n)).collect(),
                ..Verdict::default()
            };
            let scores = scores.as_ref().unwrap();
            for (at, feasible) in filtered.feasible.iter().enumerate() {
                let of = scores.by_plugin.iter().map(|(p, own)| (plugin(*p), own[at]));
                let of: BTreeMap<String, i64> = of.collect();
                assert_eq!(scores.totals[at], of.values().sum::<i64>(), "totals are sums");
                out.scores.insert(node(*feasible), of);
            }
            (filtered, out)
        }
    };
    if let Some(Stop::PreFilter { plugin: by, resolvable, reasons, .. }) = &filtered.stop {
        let by = by.map(plugin);
        let reasons = Reason::join(reasons, cache.dims());
        out.stop = Some(format!("{by:?} resolvable={resolvable} {reasons}"));
    }
    out.nodes.extend(filtered.feasible.iter().map(|n| (node(*n), Answer::Fits)));
    out.nodes.extend(filtered.excluded.iter().map(|n| (node(n), Answer::Excluded)));
    out.nodes.extend(filtered.rejected.iter().map(|r| {
        let words = r.verdict.reasons().iter().map(|r| r.words(cache.dims()).into_owned());
        let reasons = words.collect();
        let resolvable = r.verdict.code() == berth_engine::framework::Code::Unschedulable;
        (node(r.node), Answer::Rejected { plugin: plugin(r.plugin), resolvable, reasons })
    }));
    out
}

/// The plugins that score, with the highest score that each can give.
pub(crate) fn highest_scores() -> BTreeMap<String, i64> {
    let profile = default_profile(SCHEDULER).unwrap();
    let of = |w: &berth_engine::framework::Weighted| {
        (profile.plugin(w.plugin).unwrap().name().to_owned(), w.weight * MAX_NODE_SCORE)
    };
    profile.at(Point::Score).iter().map(of).collect()
}
