//! Two engines, fed alike: one with rankings and one that scans, unless said.

use std::error::Error;
use std::sync::Arc;

use berth_engine::base::NodeIdx;
use berth_engine::cache::Cache;
use berth_engine::framework::{Plugin, Point, Profile, ProfileBuilder};
use berth_engine::record::{NodeRecord, PodSpec};
use berth_engine::{
    Config, Control, CycleId, Decided, Effect, Engine, Input, Method, Origin, Turn,
};
use berth_plugins::refusal::Refusal;
use berth_plugins::{default_plugins, default_profile, in_tree};
use rayon::ThreadPool;

use crate::random::scenario::{Dice, SCHEDULER};

/// The two.
#[derive(Debug)]
pub(crate) struct Twins {
    seed: u64,
    ours: Engine,
    theirs: Engine,
    // Answers of our rankings that `compare` has asked for.
    compared: u64,
    journal: Vec<Recorded>,
}

/// One step as ours lived it.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) inputs: Vec<Input>,
    pub(crate) now: u64,
    pub(crate) effects: Vec<Effect>,
    pub(crate) turn: Turn,
}

/// The default plugins.
pub(crate) fn defaults() -> Input {
    Input::Config(compiled("").unwrap())
}

/// The default plugins, now and then with other weights, without some, or with what `run` adds.
pub(crate) fn config(dice: &mut Dice) -> Input {
    if !dice.chance(30) {
        return defaults();
    }
    let registry = in_tree().unwrap();
    let mut text = String::new();
    for (name, _) in default_plugins() {
        let Ok(factory) = registry.get(name) else { continue };
        let plugin = factory.build(None).unwrap();
        let weight = dice.pick(&[1, 2, 7]);
        let needed = plugin.as_bind().is_some() || plugin.as_queue_sort().is_some();
        if !dice.chance(10) || needed {
            text += &format!("{name} {weight}\n");
        }
    }
    if dice.chance(50) {
        text += REFUSAL;
    }
    Input::Config(compiled(&text).unwrap())
}

/// The line of a configuration that adds the plugin that refuses what is not there yet.
const REFUSAL: &str = "refusal";

/// A configuration of lines with a plugin's name and its weight; of none, with the defaults.
pub(crate) fn compiled(text: &str) -> Result<Arc<Config>, Box<dyn Error + Send + Sync>> {
    let mut profile = default_profile(SCHEDULER)?;
    if !text.is_empty() {
        let registry = in_tree()?;
        let mut builder = ProfileBuilder::new(SCHEDULER);
        for (name, weight) in text.lines().filter_map(|line| line.split_once(' ')) {
            let plugin = registry.get(name)?.build(None).map_err(|e| format!("{e:?}"))?;
            builder.add_everywhere(&plugin, weight.parse()?)?;
        }
        if text.ends_with(REFUSAL) {
            let refusal: Arc<dyn Plugin> = Arc::new(Refusal::new());
            builder.add(Point::PreFilter, &refusal, 0)?;
        }
        profile = builder.build()?;
    }
    let profiles = vec![Arc::new(profile)];
    Ok(Arc::new(Config { text: text.into(), profiles, ..Config::default() }))
}

/// An equal input that shares nothing with this one: neither plugins, which may keep what they were
/// told, nor templates, whose address is a way to their class.
fn apart(input: &Input) -> Input {
    match input {
        Input::Config(config) => {
            let profiles = compiled(&config.text).unwrap().profiles.clone();
            Input::Config(Arc::new(Config { profiles, ..(**config).clone() }))
        }
        Input::PodApplied(pod) => {
            let mut pod = pod.clone();
            pod.spec = Arc::new(PodSpec::clone(&pod.spec));
            Input::PodApplied(pod)
        }
        Input::NodeApplied(node) => Input::NodeApplied(Arc::new(NodeRecord::clone(node))),
        other => other.clone(),
    }
}

fn control(engine: &mut Engine, control: Control) {
    engine.step([Input::Control(control)], 0, &mut Vec::new(), &mut ());
}

impl Twins {
    pub(crate) fn new(seed: u64, pool: Option<Arc<ThreadPool>>) -> Self {
        let begin = |pool| {
            let mut engine = Engine::new(pool);
            control(&mut engine, Control::Begin(Origin::seeded(seed)));
            engine
        };
        let (ranked, mut scanned) = (begin(pool), begin(None));
        control(&mut scanned, Control::Method(Method::Scan));
        Self::of(seed, [ranked, scanned])
    }

    /// Rankings that may take so many cells, and the plain scan.
    pub(crate) fn bounded(seed: u64, cells: usize) -> Self {
        let mut twins = Self::new(seed, None);
        control(&mut twins.ours, Control::RankingCells(cells));
        twins
    }

    /// These two, made with this seed.
    pub(crate) fn of(seed: u64, [ours, theirs]: [Engine; 2]) -> Self {
        Self { seed, ours, theirs, compared: 0, journal: Vec::new() }
    }

    /// The binding cycle of a pod.
    pub(crate) fn cycle_of(&self, uid: &str) -> CycleId {
        self.ours.cycle_of(uid).unwrap()
    }

    /// One step of both; what they want.
    pub(crate) fn step(&mut self, inputs: &[Input], now: u64) -> (Vec<Effect>, usize) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let turn = self.ours.step(inputs.to_vec(), now, &mut ours, &mut ());
        let other = self.theirs.step(inputs.iter().map(apart), now, &mut theirs, &mut ());
        let seed = self.seed;
        let texts = |of: &[Effect]| of.iter().map(|e| format!("{e:#?}")).collect::<Vec<_>>();
        if ours != theirs || turn != other {
            let (ours, theirs) = (texts(&ours).join("\n"), texts(&theirs).join("\n"));
            panic!(
                "seed {seed}, at {now}\nours (with rankings): {turn:?}\n{ours}\n\
                 theirs: {other:?}\n{theirs}"
            );
        }
        self.check(now);
        let (inputs, effects) = (inputs.to_vec(), ours.clone());
        self.journal.push(Recorded { inputs, now, effects, turn });
        (ours, turn.attempts)
    }

    /// Nothing is broken in either. A sweep looks at each row: large clusters are swept now and
    /// then.
    fn check(&self, now: u64) {
        let rows = self.ours.cache().nodes().rows() + self.ours.cache().pods().count();
        if rows > 200 && !self.journal.len().is_multiple_of(16) {
            return;
        }
        for (engine, whose) in [(&self.ours, "ours"), (&self.theirs, "theirs")] {
            let broken = engine.check();
            assert!(broken.is_empty(), "seed {}, at {now}, {whose}: {broken:#?}", self.seed);
        }
    }

    /// What both say of every node to a waiting pod: the same.
    pub(crate) fn compare(&mut self, uid: &str) -> Option<Vec<String>> {
        let seed = self.seed;
        let say = |engine: &mut Engine| {
            let pod = engine.cache().pods().find(uid)?;
            let profile = engine.profile_of(pod)?.clone();
            let decided = engine.decide(pod, &profile, true, &mut ());
            Some(text_of(&decided, &profile, engine.cache()))
        };
        let before = self.ours.rankings().answers();
        let (ours, theirs) = (say(&mut self.ours), say(&mut self.theirs));
        assert_eq!(ours, theirs, "seed {seed}: {uid} by ours (with rankings), and by theirs");
        self.compared += self.ours.rankings().answers() - before;
        ours
    }

    /// The one with rankings, and the one that scans.
    pub(crate) fn both(&self) -> [&Engine; 2] {
        [&self.ours, &self.theirs]
    }

    /// What the flush of both has found.
    pub(crate) fn unheeded(&self) -> [u64; 2] {
        [self.ours.flush_found(), self.theirs.flush_found()]
    }

    /// All steps so far.
    pub(crate) fn journal(&self) -> &[Recorded] {
        &self.journal
    }

    /// Rankings that ours keeps.
    pub(crate) fn rankings(&self) -> usize {
        self.ours.rankings().count()
    }

    /// What they take, in cells of four bytes.
    pub(crate) fn cells(&self) -> usize {
        self.ours.rankings().cells()
    }

    /// Attempts that rankings answered.
    pub(crate) fn answers(&self) -> u64 {
        self.ours.rankings().answers() - self.compared
    }
}

/// Everything a cycle decides, in lines.
pub(crate) fn text_of(decided: &Decided, profile: &Profile, cache: &Cache) -> Vec<String> {
    let name = |node: NodeIdx| cache.node_name(node).to_owned();
    let plugin = |place: usize| profile.plugin(place).unwrap().name().to_owned();
    let (filtered, mut lines) = match decided {
        Decided::Broken(error) => return vec![error.to_string()],
        Decided::Reject { filtered } => (filtered, vec![format!("nowhere: {:?}", filtered.stop)]),
        Decided::Place { pick, filtered, scores } => {
            let best: Vec<String> = pick.best.iter().map(|n| name(*n)).collect();
            let mut lines = vec![format!("{} {} of {best:?}", name(pick.node), pick.total)];
            let scores = scores.as_ref().unwrap();
            for (at, node) in filtered.feasible.iter().enumerate() {
                lines.push(format!("{} {}", name(*node), scores.totals[at]));
                // A plugin that gives 0 to all may be left out.
                let own = scores.by_plugin.iter().filter(|(_, own)| own[at] != 0);
                let mut own: Vec<String> =
                    own.map(|(place, own)| format!("  {} {}", plugin(*place), own[at])).collect();
                own.sort();
                lines.extend(own);
            }
            (filtered, lines)
        }
    };
    lines.extend(filtered.feasible.iter().map(|n| format!("fits {}", name(*n))));
    lines.extend(
        filtered
            .rejected
            .iter()
            .map(|r| format!("{} {} {:?}", name(r.node), plugin(r.plugin), r.verdict)),
    );
    lines
}
