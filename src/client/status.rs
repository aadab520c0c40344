//! `metav1.Status`, in both formats.

use serde::Deserialize;

/// An error of the API server.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct Status {
    #[prost(string, optional, tag = "3")]
    pub(crate) message: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) reason: Option<String>,
    #[prost(message, optional, tag = "5")]
    pub(crate) details: Option<StatusDetails>,
    #[prost(int32, optional, tag = "6")]
    pub(crate) code: Option<i32>,
}

/// `metav1.StatusDetails`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct StatusDetails {
    #[prost(int32, optional, tag = "5")]
    pub(crate) retry_after_seconds: Option<i32>,
}
