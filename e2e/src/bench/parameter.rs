//! Parameters of a workload: what its operations name as `$name`.

use std::cell::RefCell;
use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

/// A workload's `params`, and which of them its operations asked for.
#[derive(Debug, Clone, Default)]
pub struct Parameters {
    values: Map<String, Value>,
    used: RefCell<BTreeSet<String>>,
}

impl Parameters {
    /// The parameters of one workload.
    pub fn new(values: Map<String, Value>) -> Self {
        Self { values, used: RefCell::default() }
    }

    /// A count: `own`, or where `name` (`$x`) is set, the parameter.
    pub(super) fn count(&self, own: usize, name: Option<&str>) -> Result<usize> {
        let Some(name) = name else { return Ok(own) };
        let value = self.get(name)?;
        let count = value.as_f64().filter(|n| *n >= 0.0 && n.fract() == 0.0);
        let count = count.with_context(|| format!("parameter {name}: {value} is not a count"))?;
        Ok(count as usize)
    }

    /// A text: `own`, or where `name` is set, the parameter.
    pub(super) fn text(&self, own: Option<&str>, name: Option<&str>) -> Result<Option<String>> {
        let Some(name) = name else { return Ok(own.map(str::to_owned)) };
        let value = self.get(name)?;
        let text =
            value.as_str().with_context(|| format!("parameter {name}: {value} is no text"))?;
        Ok(Some(text.to_owned()))
    }

    /// `templateParams` with every `$name` or `$name|default` replaced
    /// (`resolveTemplateParams` of scheduler_perf's operations.go).
    pub(super) fn template(&self, params: &Map<String, Value>) -> Result<Map<String, Value>> {
        let resolve = |(key, value): (&String, &Value)| {
            let Some(reference) = value.as_str().filter(|text| text.starts_with('$')) else {
                return Ok((key.clone(), value.clone()));
            };
            let (name, default) = match reference.split_once('|') {
                Some((name, default)) => (name, Some(default)),
                None => (reference, None),
            };
            let value = match (self.values.contains_key(&name[1..]), default) {
                (false, Some(default)) => serde_saphyr::from_str(default)
                    .with_context(|| format!("templateParams.{key}: default {default}"))?,
                _ => self.get(name)?.clone(),
            };
            Ok((key.clone(), value))
        };
        params.iter().map(resolve).collect()
    }

    /// Fails when a parameter is set and nobody asked for it: mostly a slip of the pen.
    pub(super) fn ensure_used(&self) -> Result<()> {
        let used = self.used.borrow();
        let unused: Vec<&String> =
            self.values.keys().filter(|name| !used.contains(*name)).collect();
        ensure!(unused.is_empty(), "params {unused:?} are set and not used by any operation");
        Ok(())
    }

    fn get(&self, reference: &str) -> Result<&Value> {
        let Some(name) = reference.strip_prefix('$') else {
            bail!("{reference}: a parameter is written ${reference}");
        };
        self.used.borrow_mut().insert(name.to_owned());
        self.values.get(name).with_context(|| format!("parameter {name} is not in params"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn parameters(value: &Value) -> Parameters {
        Parameters::new(value.as_object().unwrap().clone())
    }

    #[test]
    fn counts_and_texts() {
        let params = parameters(&json!({"n": 5000, "half": 0.5, "wait": "3s"}));
        assert_eq!(params.count(7, None).unwrap(), 7);
        assert_eq!(params.count(7, Some("$n")).unwrap(), 5000);
        assert!(params.count(7, Some("$half")).unwrap_err().to_string().contains("half"));
        assert!(params.count(7, Some("$gone")).unwrap_err().to_string().contains("gone"));
        assert!(params.count(7, Some("n")).is_err());
        assert_eq!(params.text(None, Some("$wait")).unwrap().unwrap(), "3s");
        params.ensure_used().unwrap();
    }

    #[test]
    fn template_parameters_have_defaults() {
        let params = parameters(&json!({"n": 4}));
        let template = json!({"a": "$n", "b": "$m|10", "c": "text"});
        let filled = params.template(template.as_object().unwrap()).unwrap();
        assert_eq!(Value::Object(filled), json!({"a": 4, "b": 10, "c": "text"}));
        assert!(params.template(json!({"a": "$m"}).as_object().unwrap()).is_err());
    }

    #[test]
    fn unused_ones_are_named() {
        let error = parameters(&json!({"initPods": 1})).ensure_used().unwrap_err();
        assert!(error.to_string().contains("initPods"));
    }
}
