//! What a plugin keeps between its own calls in one cycle.

use std::any::Any;

/// A typed slot of one plugin for one pod's cycle (`fwk.CycleState`, without the string keys):
/// written by PreFilter and PreScore, read by Filter and Score on many threads.
#[derive(Debug, Default)]
pub struct State(Option<Box<dyn Any + Send + Sync>>);

impl State {
    /// Keeps `value`, in place of what was there.
    pub fn put<T: Any + Send + Sync>(&mut self, value: T) {
        self.0 = Some(Box::new(value));
    }

    /// What was kept, if it is a `T`.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0.as_deref()?.downcast_ref()
    }

    /// What was kept, to follow a change, if it is a `T`.
    pub fn get_mut<T: Any>(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()?.downcast_mut()
    }
}
