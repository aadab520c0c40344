//! An error with its causes, each told once.

use std::error::Error;

/// The error and its causes in one text. A cause that the text holds already is left out: many
/// errors print their source themselves, and anyhow's `{:#}` would tell it again for each of them.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(current) = source {
        let cause = current.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = current.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("--secure-port 1: {0}")]
    struct Prints(#[source] std::io::Error);

    #[test]
    fn a_cause_that_is_printed_by_its_error_is_told_once() {
        let error = anyhow::Error::new(Prints(std::io::Error::other("in use"))).context("serving");
        assert_eq!(chain(&*error), "serving: --secure-port 1: in use");
    }
}
