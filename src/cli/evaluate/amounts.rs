//! Quantities of a pod and a node, held against what the API server takes: it refuses what is no
//! quantity, and what is negative (`ValidateResourceQuantityValue`).

use berth_engine::record::Quantity;
use serde_json::Value;

use super::wrong::Wrong;

/// Checks the amounts that a pod's spec asks for; `path` is its place in the input.
///
/// # Errors
/// The first amount that no API server would have taken.
pub(super) fn of_pod(spec: &Value, path: &str) -> Result<(), Wrong> {
    for field in ["initContainers", "containers"] {
        let containers = spec[field].as_array().map_or(&[][..], Vec::as_slice);
        for (i, container) in containers.iter().enumerate() {
            resources(&container["resources"], &format!("{path}.{field}[{i}].resources"))?;
        }
    }
    resources(&spec["resources"], &format!("{path}.resources"))?;
    list(&spec["overhead"], &format!("{path}.overhead"))
}

/// Checks what a node offers.
///
/// # Errors
/// As [`of_pod`].
pub(super) fn of_node(node: &Value, path: &str) -> Result<(), Wrong> {
    for field in ["capacity", "allocatable"] {
        list(&node["status"][field], &format!("{path}.status.{field}"))?;
    }
    Ok(())
}

fn resources(resources: &Value, path: &str) -> Result<(), Wrong> {
    for field in ["requests", "limits"] {
        list(&resources[field], &format!("{path}.{field}"))?;
    }
    Ok(())
}

/// A ResourceList.
fn list(list: &Value, path: &str) -> Result<(), Wrong> {
    for (name, amount) in list.as_object().into_iter().flatten() {
        let text = match amount {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            // The strict walk says what else is wrong.
            _ => continue,
        };
        let wrong = |message: String| Wrong::new(&format!("{path}.{name}"), message);
        let quantity = Quantity::parse(&text).map_err(|error| wrong(error.to_string()))?;
        if quantity < Quantity::ZERO {
            return Err(wrong(format!("{text} must not be negative")));
        }
    }
    Ok(())
}
