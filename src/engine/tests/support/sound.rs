//! Nothing is broken between two steps.

use berth_engine::Engine;

/// Sweeps the whole state; `when` is for the message.
pub fn assert_sound(engine: &Engine, when: impl std::fmt::Display) {
    let broken = engine.check();
    assert!(broken.is_empty(), "{when}: {broken:#?}");
}
