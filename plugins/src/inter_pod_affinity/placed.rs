//! All pods on nodes, as terms look at them.

use berth_engine::base::{ClassIdx, NodeIdx, NodeSet};
use berth_engine::framework::Context;

use super::scope::Target;

/// Rows of pods, waiting ones and empty ones among them, that are read for each pod on a node at
/// most: in order a row is 64 bytes of a stream, at random it is a miss of the cache.
const ROWS_A_POD: usize = 4;

/// Rows of pods that may be read at any rate: 64 kB, one page of the table.
const ROWS_FEW: usize = 1_024;

/// Shows `take` the pods on those of the nodes that are live, each with its node and class, in no
/// order that means anything.
///
/// Rows of pods lie in the order in which the pods came, and the pods of a node lie apart: read
/// node by node, each is a miss of the cache once they are many. So where more than a quarter of
/// the nodes are asked for, and no crowd of other pods waits, all rows are read one after another.
/// (900,000 pods on 100,000 nodes:
/// counting for the next Job of host anti-affinity was 15 % of the time of its 90,000 decisions.)
pub(super) fn each<'a>(
    cx: &'a Context<'a>,
    nodes: &NodeSet,
    mut take: impl FnMut(NodeIdx, ClassIdx, &Target<'a>),
) {
    let live = cx.nodes.live();
    // A table in which pods were added or taken away has nodes of its own, and pods have not.
    let of_cluster = std::ptr::eq(cx.nodes, cx.cache.nodes());
    let rows_max = (cx.nodes.placed() * ROWS_A_POD).max(ROWS_FEW);
    if of_cluster && nodes.len() * 4 > live.len() && cx.cache.pods().rows() <= rows_max {
        for (_, row) in cx.cache.pods().iter() {
            if nodes.contains(row.node)
                && live.contains(row.node)
                && let Some(target) = Target::of(cx, row)
            {
                take(row.node, row.class, &target);
            }
        }
        return;
    }
    for node in nodes.iter().filter(|node| live.contains(*node)) {
        for row in cx.nodes.pods(node).iter().filter_map(|pod| cx.cache.pods().get(*pod)) {
            if let Some(target) = Target::of(cx, row) {
                take(node, row.class, &target);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TopologyScene;

    /// Node, labels and class of each pod that is shown.
    fn shown(cx: &Context<'_>, nodes: &NodeSet) -> Vec<String> {
        let mut all = Vec::new();
        each(cx, nodes, |node, class, pod| {
            let name = cx.nodes.name(node).map(|name| cx.symbols().text(name));
            all.push(format!("{name:?} {class:?} {:?}", pod.labels));
        });
        all.sort();
        all
    }

    #[test]
    fn row_by_row_and_node_by_node_show_the_same_pods() {
        let scene = TopologyScene::parse(
            "node a\nnode b\nnode c\nnode d\nnode e\npod\non a app=x\non c app=y\non a app=z\n\
             on gone app=x\non e app=x\non c app=y",
        );
        let cx = scene.context();
        assert_eq!(cx.nodes.placed(), 6);
        let mut one_by_one = Vec::new();
        for node in cx.nodes.live().iter() {
            let (one, row) = cx.nodes.extract(node);
            assert_eq!(one.placed(), one.pods(row).len());
            let by_node = shown(&cx.on(&one), one.live());
            let mut only = NodeSet::default();
            only.insert(node);
            assert_eq!(shown(&cx, &only), by_node, "one of five nodes is read by itself");
            one_by_one.extend(by_node);
        }
        one_by_one.sort();
        assert_eq!(shown(&cx, cx.nodes.live()), one_by_one);
        assert_eq!(one_by_one.len(), 5, "the pod of a node that is not there is not shown");
    }
}
