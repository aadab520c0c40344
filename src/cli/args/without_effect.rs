//! Flags of kube-scheduler that change nothing here: accepted, so that a command line can be
//! copied, and answered by one warning where the value asks for something else than what Berth
//! does.

use clap::builder::{StringValueParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{parse_go_bool, parse_go_duration};

/// A flag, the kind of its value, and why it changes nothing.
struct Flag {
    name: &'static str,
    value: Kind,
    /// Values that ask for what Berth does anyway; `None` where any does.
    met_by: Option<&'static [&'static str]>,
    why: &'static str,
}

/// What kube-scheduler takes as the value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Duration,
    Integer,
    /// May be given several times.
    Text,
    /// `[kube=]MAJOR.MINOR`, separated by commas.
    Versions,
    /// The minor version before this one.
    Previous,
}

const NO_HEADERS: &str = "X-Remote-User is not read: give a token or a client certificate";
const NO_BUFFER: &str = "the log goes to stderr line by line";
const TTL: &str = "answers of the API server count for 10s";

/// All of them, in the order of `kube-scheduler --help`.
const FLAGS: [Flag; 28] = [
    flag("disable-http2-serving", Kind::Bool, &["true"], "HTTP/2 is never served"),
    flag("http2-max-streams-per-connection", Kind::Integer, &["0"], "HTTP/2 is not served"),
    Flag {
        name: "permit-address-sharing",
        value: Kind::Bool,
        // Go's listeners have SO_REUSEADDR with and without it.
        met_by: None,
        why: "SO_REUSEADDR is always set",
    },
    flag("permit-port-sharing", Kind::Bool, &["false"], "the port is not shared"),
    flag("tls-sni-cert-key", Kind::Text, &[], "one certificate is shown, --tls-cert-file"),
    flag("authentication-token-webhook-cache-ttl", Kind::Duration, &["10s"], TTL),
    flag(
        "authentication-tolerate-lookup-failure",
        Kind::Bool,
        &["true"],
        "without the cluster's client CA tokens are taken, and the lookup is repeated",
    ),
    flag("requestheader-allowed-names", Kind::Text, &[""], NO_HEADERS),
    flag("requestheader-client-ca-file", Kind::Text, &[""], NO_HEADERS),
    flag("requestheader-extra-headers-prefix", Kind::Text, &[], NO_HEADERS),
    flag("requestheader-group-headers", Kind::Text, &[], NO_HEADERS),
    flag("requestheader-uid-headers", Kind::Text, &[], NO_HEADERS),
    flag("requestheader-username-headers", Kind::Text, &[], NO_HEADERS),
    flag("authorization-webhook-cache-authorized-ttl", Kind::Duration, &["10s"], TTL),
    flag("authorization-webhook-cache-unauthorized-ttl", Kind::Duration, &["10s"], TTL),
    flag("contention-profiling", Kind::Bool, &["false"], "there is no profile of locks"),
    flag("emulated-version", Kind::Versions, &["1.37"], "the rules are those of 1.37"),
    flag("min-compatibility-version", Kind::Versions, &["1.36"], "there are no compatible modes"),
    flag("allow-metric-labels", Kind::Text, &[""], "labels of metrics are not filtered"),
    flag("allow-metric-labels-manifest", Kind::Text, &[""], "labels of metrics are not filtered"),
    flag("disabled-metrics", Kind::Text, &[""], "all metrics are shown"),
    flag("show-hidden-metrics-for-version", Kind::Previous, &[""], "no metric is hidden"),
    flag("log-flush-frequency", Kind::Duration, &["5s"], NO_BUFFER),
    flag("log-json-info-buffer-size", Kind::Text, &["0"], NO_BUFFER),
    flag("log-json-split-stream", Kind::Bool, &["false"], NO_BUFFER),
    flag("log-text-info-buffer-size", Kind::Text, &["0"], NO_BUFFER),
    flag("log-text-split-stream", Kind::Bool, &["false"], NO_BUFFER),
    flag(
        "vmodule",
        Kind::Text,
        &[""],
        "there are no Go files: RUST_LOG=warn,berth=info,berth::bind=debug sets one module",
    ),
];

const fn flag(
    name: &'static str,
    value: Kind,
    met_by: &'static [&'static str],
    why: &'static str,
) -> Flag {
    Flag { name, value, met_by: Some(met_by), why }
}

/// Which of these flags were given, as the warnings about them.
#[derive(Debug, Clone, Default)]
pub struct WithoutEffect {
    warnings: Vec<String>,
}

impl WithoutEffect {
    /// One sentence for each flag that asks for something that is not done.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Kind {
    /// The value in one form, whichever way it was written.
    ///
    /// # Errors
    /// kube-scheduler refuses it as well.
    fn read(self, text: &str) -> Result<String, String> {
        match self {
            Self::Bool => parse_go_bool(text).map(|value| value.to_string()),
            Self::Duration => parse_go_duration(text).map(|value| value.to_string()),
            Self::Integer => text
                .parse::<i64>()
                .map(|value| value.to_string())
                .map_err(|_| format!("{text:?} is not an integer")),
            Self::Text => Ok(text.to_owned()),
            Self::Versions => {
                text.split(',').map(version).collect::<Result<Vec<_>, _>>().map(|mut versions| {
                    versions.dedup();
                    versions.join(",")
                })
            }
            Self::Previous if matches!(text, "" | "1.36") => Ok(text.to_owned()),
            Self::Previous => {
                Err("must be 1.36: only the previous minor version is allowed".into())
            }
        }
    }
}

/// A version that kube-scheduler 1.37 emulates.
fn version(text: &str) -> Result<&str, String> {
    let version = text.strip_prefix("kube=").unwrap_or(text);
    match version {
        "1.34" | "1.35" | "1.36" | "1.37" => Ok(version),
        _ => Err(format!("{text:?}: give kube=1.34 to kube=1.37")),
    }
}

impl Flag {
    fn arg(&self) -> Arg {
        let kind = self.value;
        let parser = StringValueParser::new().try_map(move |text| kind.read(&text));
        let arg = Arg::new(self.name)
            .long(self.name)
            .help(format!("No effect: {}", self.why))
            .help_heading("Flags of kube-scheduler without effect here")
            .value_parser(parser);
        match kind {
            Kind::Bool => arg
                .value_name("BOOL")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .action(ArgAction::Set),
            Kind::Duration => arg.value_name("DURATION").action(ArgAction::Set),
            Kind::Integer => {
                arg.value_name("N").allow_negative_numbers(true).action(ArgAction::Set)
            }
            Kind::Text | Kind::Versions => arg.value_name("VALUE").action(ArgAction::Append),
            Kind::Previous => arg.value_name("VERSION").action(ArgAction::Set),
        }
    }

    fn warning(&self, matches: &ArgMatches) -> Option<String> {
        let mut values = matches.get_many::<String>(self.name)?;
        let met = match self.met_by {
            None => true,
            Some(met) => values.all(|value| met.contains(&value.as_str())),
        };
        (!met).then(|| format!("--{} has no effect: {}", self.name, self.why))
    }
}

impl clap::Args for WithoutEffect {
    fn augment_args(command: Command) -> Command {
        FLAGS.iter().fold(command, |command, flag| command.arg(flag.arg()))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for WithoutEffect {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { warnings: FLAGS.iter().filter_map(|flag| flag.warning(matches)).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
