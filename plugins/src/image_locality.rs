//! Favours nodes that hold the pod's images already, the larger and the more widely held the more.
//!
//! Source: `pkg/scheduler/framework/plugins/imagelocality/image_locality.go`.

use berth_engine::base::{NodeIdx, Sym};
use berth_engine::framework::{
    Context, GroupKey, Grouped, Groups, Keeps, MAX_NODE_SCORE, Plugin, PodMoved, Reads, Score,
    State, Touched,
};
use smallvec::SmallVec;

/// The name in configurations.
pub const NAME: &str = "ImageLocality";
/// What scores 0, and less: 23 Mi.
const MIN: i64 = 23 * 1024 * 1024;
/// What scores 100 per container or image volume, and more: 1000 Mi.
const MAX_EACH: i64 = 1000 * 1024 * 1024;

/// The plugin.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImageLocality;

impl ImageLocality {
    /// The plugin; it has no arguments.
    pub fn new() -> Self {
        Self
    }
}

impl Plugin for ImageLocality {
    fn name(&self) -> &str {
        NAME
    }

    fn reads(&self) -> Reads {
        Reads::NOTHING
    }

    fn keeps(&self, _cx: &Context<'_>) -> Keeps {
        Keeps::Groups
    }

    fn as_grouped(&self) -> Option<&dyn Grouped> {
        Some(self)
    }

    fn as_score(&self) -> Option<&dyn Score> {
        Some(self)
    }
}

impl Grouped for ImageLocality {
    fn open(&self, _cx: &Context<'_>) -> Option<Box<dyn Groups>> {
        Some(Box::new(Held))
    }
}

/// Nodes by the sizes of the pod's images on them; how many nodes hold an image is looked up for
/// each choice, so that a node that pulls one is judged again and no other.
#[derive(Debug)]
struct Held;

/// The number of a node that does not hold an image.
const NOT_HELD: i64 = -1;

impl Groups for Held {
    fn reads(&self) -> Reads {
        Reads::NOTHING
    }

    fn follows_all(&self) -> bool {
        false
    }

    fn follows_pods(&self) -> bool {
        false
    }

    fn follow(&mut self, _cx: &Context<'_>, _moved: &PodMoved<'_>, _touched: &mut Touched) {}

    fn key(&self, cx: &Context<'_>, node: NodeIdx, key: &mut GroupKey) {
        let held = cx.nodes.images(node);
        key.extend(cx.pod.class.images.iter().map(|image| {
            held.iter().find(|(name, _)| name == image).map_or(NOT_HELD, |(_, size)| *size)
        }));
    }

    fn raw(&self, cx: &Context<'_>, key: &[i64]) -> i64 {
        let total = cx.cache.nodes().live().len();
        let found = cx.pod.class.images.iter().zip(key).filter(|(_, size)| **size != NOT_HELD);
        let worths = found.map(|(image, size)| {
            (*size as f64 * (cx.cache.images().holders(*image) as f64 / total as f64)) as i64
        });
        scaled(worths.sum(), cx.pod.class.image_slots)
    }
}

impl Score for ImageLocality {
    fn score(&self, cx: &Context<'_>, _state: &State, nodes: &[NodeIdx], scores: &mut [i64]) {
        let class = cx.pod.class;
        // Counted over the cluster, of which `cx.nodes` may be a copy of a part.
        let total = cx.cache.nodes().live().len();
        let spread = |image| cx.cache.images().holders(image) as f64 / total as f64;
        // An image that is named twice adds twice.
        let wanted: SmallVec<[(Sym, f64); 4]> =
            class.images.iter().map(|image| (*image, spread(*image))).collect();
        for (score, node) in scores.iter_mut().zip(nodes) {
            let sum = worth(&wanted, cx.nodes.images(*node));
            *score = scaled(sum, class.image_slots);
        }
    }
}

/// The sizes of the images that are there, less the fewer nodes hold them: else pods would pile up
/// on their few holders.
fn worth(wanted: &[(Sym, f64)], held: &[(Sym, i64)]) -> i64 {
    let size = |image: Sym| held.iter().find(|(name, _)| *name == image).map(|(_, size)| *size);
    let found = wanted.iter().filter_map(|(image, spread)| Some((size(*image)?, *spread)));
    found.map(|(size, spread)| (size as f64 * spread) as i64).sum()
}

/// A sum of worths between [`MIN`] and [`MAX_EACH`] for each image as 0..=100.
fn scaled(sum: i64, images: i64) -> i64 {
    let max = MAX_EACH * images;
    let sum = if sum < MIN { MIN } else { sum.min(max) };
    if max == MIN { 0 } else { MAX_NODE_SCORE * (sum - MIN) / (max - MIN) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Scene, check_scores};
    use berth_engine::record::Volume;

    #[test]
    fn large_and_widely_held_images_score() {
        for (pod, expected) in [
            ("pod image=big", "a 48 | b 48 | c 0"),
            ("pod image=big:latest", "a 48 | b 48 | c 0"),
            ("pod image=small", "a 0 | b 0 | c 0"),
            ("pod image=absent", "a 0 | b 0 | c 0"),
            ("pod image=huge", "a 0 | b 0 | c 100"),
            // Twice the same image counts twice, for twice the range.
            ("pod image=big + image=big", "a 49 | b 49 | c 0"),
            ("pod image=big + image=absent", "a 24 | b 24 | c 0"),
        ] {
            let nodes = "node a image=big:latest*750Mi image=small:latest*30Mi \
                         / node b image=big:latest*750Mi / node c image=huge:latest*9000Mi";
            check_scores(&ImageLocality, &format!("{pod} / {nodes}"), expected);
        }
    }

    #[test]
    fn every_node_counts_with_the_size_it_reports() {
        let nodes = "node a image=i:latest*523Mi / node b image=i:latest*123Mi";
        check_scores(&ImageLocality, &format!("pod image=i / {nodes}"), "a 51 | b 10");
    }

    #[test]
    fn image_volumes_count_as_containers_do() {
        let scene = Scene::with("pod image=a / node x image=b:latest*511.5Mi", |spec| {
            spec.volumes.push(Volume::Image { reference: "b".into() });
        });
        // (511.5 - 23) / (2·1000 - 23) is 24.7 %.
        scene.check_scores(&ImageLocality, "x 24");
    }

    #[test]
    fn no_container_at_all_scores_nothing() {
        assert_eq!(scaled(0, 0), 0);
    }
}
