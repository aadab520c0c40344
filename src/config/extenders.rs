//! What extenders change in the profiles, and whether they can be reached (`buildExtenders`,
//! `NewHTTPExtender`).

use berth_plugins::GoDuration;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde_json::Value;

use super::base64;
use super::problem::{Problem, Problems, Stage};
use super::tree::Node;
use super::v1::{Extender, ExtenderTLSConfig, KubeSchedulerConfiguration};

/// `DefaultExtenderTimeout`.
const TIMEOUT: GoDuration = GoDuration::from_seconds(5);

/// Resources that an extender manages alone take the place of the ones that NodeResourcesFit is
/// told to ignore, in every profile. Calls get their default timeout.
pub(super) fn complete(configuration: &mut KubeSchedulerConfiguration, problems: &mut Problems) {
    for extender in &mut configuration.extenders {
        if extender.http_timeout.is_zero() {
            extender.http_timeout = TIMEOUT;
        }
    }
    let resources = configuration.extenders.iter().flat_map(|e| &e.managed_resources);
    let ignored: Vec<Value> = resources
        .filter(|r| r.ignored_by_scheduler)
        .map(|r| Value::String(r.name.clone()))
        .collect();
    if ignored.is_empty() {
        return;
    }
    for (i, profile) in configuration.profiles.iter_mut().enumerate() {
        let config = profile.plugin_config.iter_mut().find(|c| c.name == "NodeResourcesFit");
        match config.and_then(|c| c.args.as_mut()).and_then(Value::as_object_mut) {
            Some(args) => {
                args.insert("ignoredResources".to_owned(), Value::Array(ignored.clone()));
            }
            None => problems.add(
                Stage::Profiles,
                format!("profiles[{i}].plugins"),
                None,
                "an extender's ignoredByScheduler needs NodeResourcesFit to be enabled",
            ),
        }
    }
}

/// What is right in itself, and must not be run: scheduling without the extenders would place
/// their pods wrongly.
pub(super) fn not_carried_out(
    configuration: &KubeSchedulerConfiguration,
    root: &Node,
) -> Vec<Problem> {
    if configuration.extenders.is_empty() {
        return Vec::new();
    }
    let message = "Berth does not call extenders yet, and scheduling without them would place \
                   their pods wrongly: remove them from the file";
    let mut problems = Problems::default();
    problems.add(Stage::Profiles, "extenders", None, message);
    problems.located(|path| root.line_of(path))
}

/// Loads the certificates and keys of extenders, as kube-scheduler does before it starts.
pub(super) fn check(extenders: &[Extender], problems: &mut Problems) {
    for (i, extender) in extenders.iter().enumerate() {
        let none = ExtenderTLSConfig::default();
        let tls = extender.tls_config.as_ref().unwrap_or(&none);
        if let Err((field, message)) = check_tls(tls, extender.enable_https) {
            let path = format!("extenders[{i}].tlsConfig.{field}");
            if !problems.misread(&path) {
                problems.add(Stage::Profiles, path, None, message);
            }
        }
    }
}

type TlsError = (&'static str, String);

/// `rest.TLSConfigFor`.
fn check_tls(tls: &ExtenderTLSConfig, https: bool) -> Result<(), TlsError> {
    let has_ca = !tls.ca_file.is_empty() || !tls.ca_data.is_empty();
    let has_cert = !tls.cert_file.is_empty() || !tls.cert_data.is_empty();
    let has_key = !tls.key_file.is_empty() || !tls.key_data.is_empty();
    let has_pair = has_cert && has_key;
    if !(has_ca || has_pair || tls.insecure || https || !tls.server_name.is_empty()) {
        return Ok(());
    }
    if has_ca && tls.insecure {
        let message = "insecure and trusted roots exclude each other: leave out one of them";
        return Err(("insecure", message.to_owned()));
    }
    let roots = pem("ca", &tls.ca_data, &tls.ca_file)?;
    let certificate = pem("cert", &tls.cert_data, &tls.cert_file)?;
    let key = pem("key", &tls.key_data, &tls.key_file)?;
    if let Some((field, roots)) = roots
        && CertificateDer::pem_slice_iter(&roots).flatten().next().is_none()
    {
        return Err((field, "holds no PEM certificate".to_owned()));
    }
    if let (Some((field, certificate)), Some((key_field, key)), true) = (certificate, key, has_pair)
    {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&certificate).flatten().collect();
        if chain.is_empty() {
            return Err((field, "holds no PEM certificate".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(&key);
        let key = key.map_err(|e| (key_field, format!("holds no PEM private key: {e}")))?;
        let provider: CryptoProvider = aws_lc_rs::default_provider();
        CertifiedKey::from_der(chain, key, &provider)
            .map_err(|e| (key_field, format!("does not go with the certificate: {e}")))?;
    }
    Ok(())
}

/// The PEM text of `xData`, else of the file `xFile`, with the name of the field.
fn pem(what: &str, data: &str, file: &str) -> Result<Option<(&'static str, Vec<u8>)>, TlsError> {
    let (data_field, file_field) = match what {
        "ca" => ("caData", "caFile"),
        "cert" => ("certData", "certFile"),
        _ => ("keyData", "keyFile"),
    };
    if !data.is_empty() {
        let bytes = base64::decode(data).ok_or((data_field, "must be base64".to_owned()))?;
        return Ok(Some((data_field, bytes)));
    }
    if file.is_empty() {
        return Ok(None);
    }
    let bytes = std::fs::read(file).map_err(|e| (file_field, format!("{file}: {e}")))?;
    Ok(Some((file_field, bytes)))
}
