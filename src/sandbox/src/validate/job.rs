//! Jobs (`pkg/apis/batch/validation`), and what of a Job the sandbox does not play.

use serde_json::Value;

use crate::status::FieldError;

/// Fields that change how a Job runs and that the Job controller here does not know. Refused,
/// rather than stored and ignored.
const NOT_PLAYED: &[&str] =
    &["podFailurePolicy", "successPolicy", "backoffLimitPerIndex", "maxFailedIndexes"];

/// Indexes of a Job; each costs the controller a few dozen bytes
/// (`maxParallelismForIndexedJob` has the same value).
const INDEXES_MAX: i64 = 100_000;

/// Checks a new Job's spec.
pub(super) fn create(spec: &Value, errors: &mut Vec<FieldError>) {
    if !spec["template"].is_object() {
        errors.push(FieldError::required("spec.template", ""));
        return;
    }
    for field in [
        "parallelism",
        "completions",
        "backoffLimit",
        "activeDeadlineSeconds",
        "ttlSecondsAfterFinished",
    ] {
        let value = &spec[field];
        if !value.is_null()
            && value.as_i64().is_none_or(|n| !(0..=i64::from(i32::MAX)).contains(&n))
        {
            let detail = "must be greater than or equal to 0, and a 32-bit number";
            errors.push(FieldError::invalid(format!("spec.{field}"), value, detail));
        }
    }
    for field in NOT_PLAYED {
        if !spec[*field].is_null() {
            let detail = "is not supported by the sandbox's Job controller";
            errors.push(FieldError::forbidden(format!("spec.{field}"), detail));
        }
    }
    let modes = ["NonIndexed", "Indexed"];
    if !modes.iter().any(|m| spec["completionMode"] == *m) {
        errors.push(FieldError::unsupported(
            "spec.completionMode",
            &spec["completionMode"],
            &modes,
        ));
    }
    if spec["completionMode"] == "Indexed" && spec["completions"].is_null() {
        let detail = "when completion mode is Indexed";
        errors.push(FieldError::required("spec.completions", detail));
    }
    if spec["completionMode"] == "Indexed" && spec["completions"].as_i64() > Some(INDEXES_MAX) {
        let detail = format!("must be less than or equal to {INDEXES_MAX} in an Indexed Job");
        errors.push(FieldError::invalid("spec.completions", &spec["completions"], &detail));
    }
    super::labels("spec.template.metadata.labels", &spec["template"]["metadata"]["labels"], errors);
    let template = &spec["template"]["spec"];
    super::pod::spec("spec.template.spec", template, errors);
    if template["restartPolicy"] == "Always" {
        let field = "spec.template.spec.restartPolicy";
        errors.push(FieldError::unsupported(
            field,
            &template["restartPolicy"],
            &["OnFailure", "Never"],
        ));
    }
}

/// Checks a Job's new spec, and that only what may change did (`ValidateJobSpecUpdate`).
pub(super) fn update(old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    create(new, errors);
    let elastic = new["completionMode"] == "Indexed" && new["completions"] == new["parallelism"];
    for field in ["completions", "selector", "completionMode", "template", "podReplacementPolicy"] {
        let open = (field == "completions" && elastic)
            || (field == "template" && old["suspend"] == Value::Bool(true));
        if !open && old[field] != new[field] {
            let path = format!("spec.{field}");
            errors.push(FieldError::invalid(path, &new[field], "field is immutable"));
        }
    }
}
