//! Values of flags as Go reads them.

use std::str::FromStr;

use crate::cli::version::VersionOutput;
use crate::config::GoDuration;

/// A boolean as Go's `strconv.ParseBool` reads it, which is what kube-scheduler's flags use.
///
/// # Errors
/// The text is none of Go's words.
pub fn parse_go_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

/// A duration as Go's `time.ParseDuration` reads it, such as `5m` or `1.5s`; not negative.
///
/// # Errors
/// The text is no duration, or a negative one.
pub fn parse_go_duration(text: &str) -> Result<GoDuration, String> {
    let duration: GoDuration =
        text.parse().map_err(|e: crate::config::DurationError| e.to_string())?;
    if duration.nanoseconds() < 0 {
        return Err(format!("{text:?} is negative"));
    }
    Ok(duration)
}

/// A value of kube-scheduler's `--version` (`verflag`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionFlag {
    /// It is printed in this form.
    Print(VersionOutput),
    /// It is not.
    Silent,
}

impl FromStr for VersionFlag {
    type Err = String;

    /// # Errors
    /// It is another one. kube-scheduler takes `vX.Y.Z` too, and says then that it is that version.
    fn from_str(text: &str) -> Result<Self, String> {
        match (text, parse_go_bool(text)) {
            ("raw", _) => Ok(Self::Print(VersionOutput::Json)),
            (_, Ok(true)) => Ok(Self::Print(VersionOutput::Text)),
            (_, Ok(false)) => Ok(Self::Silent),
            (_, Err(_)) => Err("give true, false or raw".to_owned()),
        }
    }
}
