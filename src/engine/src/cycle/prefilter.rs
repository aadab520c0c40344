//! PreFilter: what plugins say of the pod before nodes are judged.
//!
//! Source: `RunPreFilterPlugins` in `pkg/scheduler/framework/runtime/framework.go`.

use crate::base::{NodeIdx, Sym};
use crate::framework::{Code, Context, Point, PreFiltered, Reasons, State};
use crate::probe::Probe;

use super::diagnosis::plugin_names;
use super::extension::extension;
use super::filtered::Stop;
use super::guard::guarded;
use super::{CycleError, Scan};

/// What PreFilter leaves for Filter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prepared {
    pub(crate) states: Vec<State>,
    pub(crate) skipped: Vec<bool>,
    pub(crate) narrowed_by: Vec<usize>,
    pub(crate) narrow: Option<Vec<Sym>>,
    /// The names that are left, those of no node included.
    pub(crate) names: Option<Vec<Box<str>>>,
    /// PreFilter plugins that were asked.
    pub(crate) asked: usize,
    pub(crate) stop: Option<Stop>,
}

impl Scan<'_> {
    /// Asks the PreFilters, in order.
    pub(crate) fn prepare(&self, cx: &Context<'_>, probe: &mut dyn Probe) -> Prepared {
        self.prepare_without(cx, |_| false, probe)
    }

    /// Asks the PreFilters, in order, but for those at places that are left out.
    pub(crate) fn prepare_without(
        &self,
        cx: &Context<'_>,
        left_out: impl Fn(usize) -> bool,
        probe: &mut dyn Probe,
    ) -> Prepared {
        let count = self.profile.plugin_count();
        let mut out = Prepared { skipped: vec![false; count], ..Prepared::default() };
        out.states.resize_with(count, State::default);
        for weighted in self.profile.at(Point::PreFilter) {
            let place = weighted.plugin;
            if left_out(place) {
                continue;
            }
            let found = extension(self.profile, place, Point::PreFilter, |p| p.as_pre_filter());
            let found = found
                .and_then(|f| Ok((f, out.states.get_mut(place).ok_or(CycleError::NotPrepared)?)));
            let ((plugin, pre_filter), state) = match found {
                Ok(found) => found,
                Err(broken) => {
                    out.stop = Some(Stop::Broken(broken));
                    break;
                }
            };
            probe.evaluated(plugin.name(), Point::PreFilter, 1, self.profile.scheduler_name());
            probe.plugin_begins();
            let said = guarded(plugin.name(), || pre_filter.pre_filter(cx, state));
            probe.plugin_ends(plugin.name(), Point::PreFilter, code_of(&said));
            out.asked += 1;
            if out.note(cx, place, plugin.name(), said) || out.is_narrowed_to_none(self) {
                break;
            }
        }
        out
    }

    /// Whether the PreFilters left the node in.
    pub(super) fn admits(&self, prepared: &Prepared, node: NodeIdx) -> bool {
        let Some(names) = &prepared.narrow else { return true };
        self.cache.nodes().name(node).is_some_and(|name| names.contains(&name))
    }
}

/// The status of one PreFilter's answer.
fn code_of(said: &Result<PreFiltered, CycleError>) -> Code {
    match said {
        Ok(PreFiltered::Proceed | PreFiltered::Narrow(_)) => Code::Success,
        Ok(PreFiltered::Skip) => Code::Skip,
        Ok(PreFiltered::Reject { resolvable: true, .. }) => Code::Unschedulable,
        Ok(PreFiltered::Reject { .. } | PreFiltered::Refuse { .. }) => {
            Code::UnschedulableAndUnresolvable
        }
        Ok(PreFiltered::Broken(_)) | Err(_) => Code::Error,
    }
}

impl Prepared {
    /// What the plugin at a place keeps.
    pub(crate) fn state(&self, place: usize) -> Option<&State> {
        self.states.get(place)
    }

    /// The status of the point as a whole.
    pub(super) fn code(&self) -> Code {
        match &self.stop {
            None => Code::Success,
            Some(Stop::Broken(_)) => Code::Error,
            Some(Stop::PreFilter { resolvable: true, .. }) => Code::Unschedulable,
            Some(_) => Code::UnschedulableAndUnresolvable,
        }
    }

    /// Takes in what a PreFilter said; true where no further one is asked (`RunPreFilterPlugins`).
    fn note(
        &mut self,
        cx: &Context<'_>,
        place: usize,
        name: &str,
        said: Result<PreFiltered, CycleError>,
    ) -> bool {
        match said {
            Ok(PreFiltered::Proceed) => {}
            Ok(PreFiltered::Skip) => {
                if let Some(skipped) = self.skipped.get_mut(place) {
                    *skipped = true;
                }
            }
            Ok(PreFiltered::Narrow(mut names)) => {
                self.narrowed_by.push(place);
                if let Some(before) = &self.names {
                    names.retain(|name| before.contains(name));
                }
                self.narrow = Some(names.iter().filter_map(|n| cx.symbols().get(n)).collect());
                self.names = Some(names);
            }
            Ok(PreFiltered::Reject { resolvable, reasons }) => {
                let rejection = Stop::PreFilter {
                    plugins: vec![place],
                    plugin: Some(place),
                    resolvable,
                    reasons,
                };
                self.stop = Some(rejection);
                return !resolvable;
            }
            Ok(PreFiltered::Refuse { until, reason }) => {
                self.stop = Some(Stop::Refused { plugin: place, until, reason });
                return true;
            }
            Ok(PreFiltered::Broken(fault)) => {
                let error = CycleError::of_plugin(name, Point::PreFilter, fault);
                self.stop = Some(Stop::Broken(error));
                return true;
            }
            Err(panicked) => {
                self.stop = Some(Stop::Broken(panicked));
                return true;
            }
        }
        false
    }

    /// An empty intersection rejects the pod for good, whatever was said before.
    fn is_narrowed_to_none(&mut self, scan: &Scan<'_>) -> bool {
        if self.names.as_ref().is_none_or(|names| !names.is_empty()) {
            return false;
        }
        let names = plugin_names(&self.narrowed_by, scan.profile);
        let text = match names.as_slice() {
            [one] => format!("node(s) didn't satisfy plugin {one}"),
            many => format!("node(s) didn't satisfy plugin(s) [{}] simultaneously", many.join(" ")),
        };
        self.stop = Some(Stop::PreFilter {
            plugins: self.narrowed_by.clone(),
            plugin: None,
            resolvable: false,
            reasons: Reasons::from_iter([text.into()]),
        });
        true
    }
}
