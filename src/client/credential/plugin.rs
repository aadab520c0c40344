//! One run of a credential plugin (KEP-541, `client.authentication.k8s.io/v1`). Enter at [`issue`].

use std::io::IsTerminal as _;
use std::process::Stdio;
use std::time::Duration;

use http::HeaderValue;
use jiff::Timestamp;
use kube::config::{ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

/// Longest run of a plugin; it may ask a person at a terminal.
const RUN_MAX: Duration = Duration::from_secs(120);

/// Longest answer of a plugin. Tokens take some kB, a chain of certificates some tens.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// What a plugin issues.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) token: Option<HeaderValue>,
    pub(super) identity: Option<(String, String)>,
    pub(super) expires: Option<Timestamp>,
}

/// A plugin that issues nothing.
#[derive(Debug, thiserror::Error)]
#[error("the credential plugin {command:?} of the kubeconfig: {message}{hint}")]
pub struct PluginError {
    command: String,
    message: String,
    hint: String,
}

/// `ExecCredential`, as far as it is read.
#[derive(Deserialize)]
struct ExecCredential {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<String>,
}

/// What tells plugins apart.
pub(super) fn key(exec: &ExecConfig) -> String {
    let cluster = exec.cluster.as_ref().filter(|_| exec.provide_cluster_info);
    json!({"exec": exec, "cluster": cluster}).to_string()
}

/// Runs the plugin.
///
/// # Errors
/// It cannot be run, fails, takes too long, or does not print a credential.
pub(super) async fn issue(exec: &ExecConfig) -> Result<Issued, PluginError> {
    let run = tokio::time::timeout(RUN_MAX, run(exec));
    let issued = match run.await {
        Ok(Ok(answer)) => read(&answer),
        Ok(Err(message)) => Err(message),
        Err(_) => Err(format!("has not ended after {RUN_MAX:?}")),
    };
    issued.map_err(|message| PluginError {
        command: exec.command.clone().unwrap_or_default(),
        message,
        hint: exec.install_hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})")),
    })
}

async fn run(exec: &ExecConfig) -> Result<String, String> {
    let name = exec.command.as_ref().ok_or("names no command: set users[].user.exec.command")?;
    let at_terminal = std::io::stdin().is_terminal();
    let interactive = match exec.interactive_mode {
        Some(ExecInteractiveMode::Never) => false,
        Some(ExecInteractiveMode::Always) if !at_terminal => {
            return Err("interactiveMode is Always, and standard input is no terminal".to_owned());
        }
        _ => at_terminal,
    };
    let cluster = exec.cluster.as_ref().filter(|_| exec.provide_cluster_info);
    let info = json!({
        "apiVersion": exec.api_version,
        "kind": "ExecCredential",
        "spec": match cluster {
            Some(cluster) => json!({"interactive": interactive, "cluster": cluster}),
            None => json!({"interactive": interactive}),
        },
    });
    let variables = exec.env.iter().flatten();
    let variables = variables.filter_map(|pair| Some((pair.get("name")?, pair.get("value")?)));
    let mut child = Command::new(name)
        .args(exec.args.iter().flatten())
        .envs(variables)
        .env("KUBERNETES_EXEC_INFO", info.to_string())
        .stdin(if interactive { Stdio::inherit() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let mut answer = String::new();
    if let Some(stdout) = child.stdout.take() {
        let mut stdout = stdout.take(ANSWER_BYTES_MAX);
        stdout.read_to_string(&mut answer).await.map_err(|error| error.to_string())?;
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() { Ok(answer) } else { Err(format!("failed: {status}")) }
}

/// The credential in a plugin's answer, JSON or YAML, as client-go's decoder takes both.
fn read(answer: &str) -> Result<Issued, String> {
    // What is wrong is told without the text, which may hold a token.
    let credential: ExecCredential =
        serde_saphyr::from_str(answer).map_err(|_| "has not printed an ExecCredential")?;
    let status = credential.status.ok_or("has printed an ExecCredential without a status")?;
    let expires = status.expiration_timestamp.map(|time| {
        time.parse().map_err(|_| format!("expirationTimestamp {time:?} is not RFC 3339"))
    });
    let token = status.token.map(|token| {
        let header = HeaderValue::from_str(&format!("Bearer {token}"));
        header.map_err(|_| "the token cannot stand in a header".to_owned())
    });
    let mut token = token.transpose()?;
    if let Some(token) = &mut token {
        token.set_sensitive(true);
    }
    let identity = status.client_certificate_data.zip(status.client_key_data);
    if token.is_none() && identity.is_none() {
        return Err("has printed neither a token nor a certificate with its key".to_owned());
    }
    Ok(Issued { token, identity, expires: expires.transpose()? })
}
