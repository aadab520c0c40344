//! What a plugin keeps between its own calls in one cycle.

use std::any::Any;
use std::fmt::Debug;

/// A typed slot of one plugin for one pod's cycle (`fwk.CycleState`, without the string keys):
/// written by PreFilter and PreScore, read by Filter and Score on many threads, copied for dry
/// runs.
#[derive(Debug, Default)]
pub struct State(Option<Box<dyn Slot>>);

/// Anything that can be kept, copied and asked for its type.
trait Slot: Any + Debug + Send + Sync {
    fn copied(&self) -> Box<dyn Slot>;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<T: Any + Clone + Debug + Send + Sync> Slot for T {
    fn copied(&self) -> Box<dyn Slot> {
        Box::new(self.clone())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl Clone for State {
    fn clone(&self) -> Self {
        Self(self.0.as_deref().map(Slot::copied))
    }
}

impl State {
    /// Keeps `value`, in place of what was there.
    pub fn put<T: Any + Clone + Debug + Send + Sync>(&mut self, value: T) {
        self.0 = Some(Box::new(value));
    }

    /// What was kept, if it is a `T`.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0.as_deref()?.as_any().downcast_ref()
    }

    /// What was kept, to be changed in a dry run.
    pub fn get_mut<T: Any>(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()?.as_any_mut().downcast_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_apart() {
        let mut state = State::default();
        assert!(state.get::<u32>().is_none());
        state.put(vec![1u32]);
        let mut copy = state.clone();
        if let Some(kept) = copy.get_mut::<Vec<u32>>() {
            kept.push(2);
        }
        assert_eq!(state.get::<Vec<u32>>(), Some(&vec![1]));
        assert_eq!(copy.get::<Vec<u32>>(), Some(&vec![1, 2]));
        assert!(copy.get::<String>().is_none());
    }
}
