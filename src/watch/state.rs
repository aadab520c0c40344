//! How far each kind's watch has come, for readiness.

use std::sync::Arc;

use tokio::sync::watch;

use super::kind::Kind;

/// How far a kind's watch has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KindState {
    /// The first list is under way.
    #[default]
    Listing,
    /// The first list has been handed over whole; changes follow.
    Synced,
    /// The server does not serve the kind. It is watched once discovery shows it.
    NotServed,
    /// The first list fails; why, and what to do about it.
    Failing(Arc<str>),
}

impl std::fmt::Display for KindState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listing => f.write_str("listing"),
            Self::Synced => f.write_str("synced"),
            Self::NotServed => f.write_str("not served"),
            Self::Failing(why) => write!(f, "failing: {why}"),
        }
    }
}

/// The states of all kinds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct States([KindState; Kind::ALL.len()]);

impl States {
    /// The state of `kind`.
    pub fn of(&self, kind: Kind) -> &KindState {
        &self.0[kind.index()]
    }

    /// Whether scheduling may begin: each kind is listed, or optional and not served.
    pub fn is_ready(&self) -> bool {
        self.pending().next().is_none()
    }

    /// The kinds that scheduling still waits for, with their states.
    pub fn pending(&self) -> impl Iterator<Item = (Kind, &KindState)> {
        Kind::ALL.into_iter().map(|kind| (kind, self.of(kind))).filter(
            |(kind, state)| match state {
                KindState::Synced => false,
                KindState::NotServed => kind.is_required(),
                KindState::Listing | KindState::Failing(_) => true,
            },
        )
    }
}

/// Where one kind's watch tells its state. Once synced it stays so, as long as the server serves
/// the kind: a later failure leaves what is known in force.
#[derive(Debug, Clone)]
pub(crate) struct StateCell {
    kind: Kind,
    states: Arc<watch::Sender<States>>,
}

impl StateCell {
    pub(crate) fn new(kind: Kind, states: Arc<watch::Sender<States>>) -> Self {
        Self { kind, states }
    }

    /// The server does not serve the kind (any more); tells whether it did.
    pub(crate) fn lose(&self) -> bool {
        let mut synced = false;
        self.states.send_modify(|states| {
            let cell = &mut states.0[self.kind.index()];
            synced = *cell == KindState::Synced;
            *cell = KindState::NotServed;
        });
        synced
    }

    /// Sets the state, unless synced already; tells whether this changed anything.
    pub(crate) fn set(&self, state: KindState) -> bool {
        self.states.send_if_modified(|states| {
            let cell = &mut states.0[self.kind.index()];
            let changes = *cell != KindState::Synced && *cell != state;
            if changes {
                *cell = state;
            }
            changes
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pods_and_nodes_must_be_served() {
        let (sender, states) = watch::channel(States::default());
        let sender = Arc::new(sender);
        let cell = |kind| StateCell::new(kind, Arc::clone(&sender));
        for kind in Kind::ALL {
            assert!(!states.borrow().is_ready());
            cell(kind).set(if kind.is_required() {
                KindState::Synced
            } else {
                KindState::NotServed
            });
        }
        assert!(states.borrow().is_ready());
        assert!(!cell(Kind::Node).set(KindState::Failing("late".into())));
        assert!(cell(Kind::Service).set(KindState::Failing("RBAC".into())));
        let waiting: Vec<Kind> = states.borrow().pending().map(|(kind, _)| kind).collect();
        assert_eq!(waiting, [Kind::Service]);
        // What the server does not serve any more is not waited for.
        assert!(!cell(Kind::Service).lose() && states.borrow().is_ready());
        assert!(cell(Kind::Service).set(KindState::Synced) && cell(Kind::Service).lose());
        assert!(states.borrow().is_ready());
    }
}
