//! What the API server says, as inputs for the engine.

mod decode;
mod error;
mod json;
mod kind;
mod nullable;
mod templates;
mod wire;

pub use decode::{decode_object, decode_pod};
pub use error::DecodeError;
pub use kind::Kind;

#[cfg(test)]
mod tests;
