//! How a mutation of the cache is announced: by one entry of the log, from which rankings read what
//! is different and waiting pods what may help them.

use crate::base::{LabelSetIdx, NodeIdx, PodIdx};
use crate::model::{Action, Reads};
use crate::model::{NODE_NONE, NodeTable};
use crate::object::Object;

use super::entry::{Entry, Logged, Told};
use super::log::{Log, Mark};
use super::{Cache, Changed};

impl Cache {
    /// What has happened to nodes and the pods on them.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Rankings begin to read the log, or end.
    pub(crate) fn follow_log(&mut self, read: bool) {
        self.log.set_read(read);
        if !read {
            self.trim_log(u64::MAX);
        }
    }

    /// Drops what stands before `position` and what has been heeded.
    pub(crate) fn trim_log(&mut self, position: u64) {
        while self.log.first() < position.min(self.log.heeded()) {
            let held = self.log.pop();
            held.into_iter().for_each(|fact| self.let_go(fact));
        }
    }

    /// What has happened since the last call, as waiting pods need it. [`Cache::let_changes_go`]
    /// follows.
    pub(crate) fn take_changes(&mut self) -> Vec<Changed> {
        self.log.heed()
    }

    /// What the changes taken last are about is not asked for any more.
    pub(crate) fn let_changes_go(&mut self) {
        if !self.log.is_read() {
            self.trim_log(u64::MAX);
        }
    }

    /// Where the log is now, for a plan that may be taken back.
    pub(crate) fn mark(&self) -> Mark {
        self.log.mark()
    }

    /// Waiting pods are told nothing of what was announced since `mark`: it has been taken back.
    pub(crate) fn untell(&mut self, mark: Mark) {
        let cut = self.log.untell(mark);
        cut.into_iter().for_each(|fact| self.let_go(fact));
    }

    /// Keeps a label set in use.
    pub(crate) fn hold_labels(&mut self, labels: LabelSetIdx) {
        self.labels.hold(labels);
    }

    /// Gives a held label set back.
    pub(crate) fn release_labels(&mut self, labels: LabelSetIdx) {
        self.labels.release(labels);
    }

    /// A pod, as it is, has come to its node (1) or goes from there (-1).
    pub(super) fn announce_pod(&mut self, pod: PodIdx, amount: i8, told: Told) {
        let read = self.log.is_read();
        if !read && told == Told::Nobody {
            return;
        }
        let Some(row) = self.pods.get(pod).filter(|row| row.node != NODE_NONE) else { return };
        let (node, class, labels, terminating) = (row.node, row.class, row.labels, row.terminating);
        let (mut terms, mut kind) = (false, 0);
        if read {
            let known =
                self.classes.get(class).map(|class| (class.serial, class.pod_terms.is_some()));
            let (serial, has_terms) = known.unwrap_or((u64::MAX, false));
            terms = has_terms;
            kind = self.log.kind((serial, self.labels.serial(labels), terminating));
        }
        self.classes.hold(class);
        self.labels.hold(labels);
        let fact = Logged::Pod { node, class, labels, amount, terminating, terms, kind };
        self.write(Entry { fact, told });
    }

    /// What a node is before it changes; `None` where nobody will ask.
    pub(super) fn former_node(&self, node: NodeIdx, reads: Reads) -> Option<NodeTable> {
        let asked = self.log.is_read() && reads.intersects(Reads::NODE_OBJECT);
        asked.then(|| self.nodes.extract_object(node).0)
    }

    /// These facts about a node are different; `former` is from before.
    pub(super) fn announce_node(
        &mut self,
        node: NodeIdx,
        reads: Reads,
        former: Option<NodeTable>,
        told: Told,
    ) {
        if !self.log.is_read() && told == Told::Nobody {
            return;
        }
        if let Some(former) = former {
            self.log.keep(former);
        }
        self.write(Entry { fact: Logged::Node(node, reads), told });
    }

    /// Another object is different. Rankings are told of `reads`.
    pub(super) fn announce_object(&mut self, object: Object, reads: Reads, actions: Action) {
        self.log.keep_object(object);
        self.write(Entry { fact: Logged::World(reads), told: Told::Object(actions) });
    }

    fn write(&mut self, entry: Entry) {
        if let Some(oldest) = self.log.push(entry) {
            self.let_go(oldest);
        }
    }

    fn let_go(&mut self, fact: Logged) {
        if let Logged::Pod { class, labels, .. } = fact {
            self.classes.release(class);
            self.labels.release(labels);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use super::*;
    use crate::object::Change;
    use crate::record::{
        DisruptionBudgetRecord, NamespaceRecord, NodeRecord, ObjectKey, PodRecord, PodSpec,
    };

    type Mutation = (&'static str, fn(&mut Cache), usize, &'static str);

    fn pod(node: Option<&str>, label: &str) -> PodRecord {
        let spec = PodSpec { scheduler_name: "berth".into(), ..PodSpec::default() };
        let mut pod = PodRecord::new("d", "p", "p", Arc::new(spec));
        pod.node_name = node.map(Into::into);
        pod.labels = [("a", label)].into_iter().collect();
        pod
    }

    fn row(cache: &Cache) -> (PodIdx, NodeIdx) {
        (cache.pods().find("p").unwrap(), cache.find_node("n").unwrap())
    }

    fn node(unschedulable: bool) -> Arc<NodeRecord> {
        Arc::new(NodeRecord { name: "n".into(), unschedulable, ..NodeRecord::default() })
    }

    /// What is done, how many facts rankings read of it, and what waiting pods are told.
    const MUTATIONS: [Mutation; 12] = [
        ("a node", |c| _ = c.apply_node(&node(false)), 1, "NODE_EXISTS | DOMAINS"),
        ("a pod", |c| _ = c.apply_pod(&pod(None, "x")), 0, ""),
        (
            "a promise",
            |c| {
                let name = c.symbols().get("n").unwrap();
                c.nominate(row(c).0, name);
            },
            1,
            "",
        ),
        ("assumed where it was promised", |c| _ = c.assume(row(c).0, row(c).1), 2, "PODS"),
        ("forgotten", |c| _ = c.forget(row(c).0), 1, "NODE_ROOM | PODS"),
        ("bound", |c| _ = c.apply_pod(&pod(Some("n"), "x")), 1, "PODS"),
        ("the same again", |c| _ = c.apply_pod(&pod(Some("n"), "x")), 0, ""),
        ("relabelled", |c| _ = c.apply_pod(&pod(Some("n"), "y")), 2, "PODS"),
        ("cordoned", |c| _ = c.apply_node(&node(true)), 1, "NODE_UNSCHEDULABLE"),
        (
            "a namespace",
            |c| {
                let namespace = NamespaceRecord { name: "d".into(), ..NamespaceRecord::default() };
                c.apply_object(&Object::Namespace(namespace), Change::Applied);
            },
            1,
            "NAMESPACES",
        ),
        (
            "a budget, which no ranking reads",
            |c| {
                let key = ObjectKey::new("d", "b");
                let budget = DisruptionBudgetRecord { key, ..DisruptionBudgetRecord::default() };
                c.apply_object(&Object::DisruptionBudget(budget), Change::Applied);
            },
            0,
            "DISRUPTION_BUDGETS",
        ),
        ("deleted", |c| _ = c.delete_pod("p"), 1, "NODE_ROOM | PODS"),
    ];

    #[test]
    fn rankings_and_waiting_pods_read_one_stream() {
        let (mut read, mut unread) = (Cache::default(), Cache::default());
        read.follow_log(true);
        for cache in [&mut read, &mut unread] {
            cache.set_schedulers(["berth"].into_iter());
        }
        for (what, mutate, facts, told) in MUTATIONS {
            let position = read.log().end();
            mutate(&mut read);
            mutate(&mut unread);
            let new = read.log().since(position).unwrap();
            let new = new.filter(|fact| **fact != Logged::World(Reads::NOTHING)).count();
            assert_eq!(new, facts, "{what}");
            assert_eq!(read.log().end() > position, facts > 0, "{what}");
            let changes = [read.take_changes(), unread.take_changes()];
            read.let_changes_go();
            unread.let_changes_go();
            for changes in &changes {
                let told_of: Vec<String> =
                    changes.iter().map(|change| format!("{:?}", change.reads)).collect();
                assert_eq!(told_of.join(", "), told, "{what}");
            }
            let [read_changes, unread_changes] = changes.map(|changes| format!("{changes:?}"));
            assert_eq!(read_changes, unread_changes, "{what}");
            assert_eq!(unread.log().since(unread.log().end()).unwrap().len(), 0, "{what}");
            for cache in [&read, &unread] {
                assert_eq!(cache.check([]), Vec::<String>::new(), "{what}");
            }
        }
        read.follow_log(false);
        assert_eq!(read.check([]), Vec::<String>::new(), "what rankings held is let go");
    }
}
