//! Who asks: `user.Info`, as a SubjectAccessReview wants to know it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everybody who was authenticated is in this group (`group.NewAuthenticatedGroupAdder`).
const AUTHENTICATED: &str = "system:authenticated";

/// Whoever comes without a token and without a certificate.
const ANONYMOUS: &str = "system:anonymous";

/// The group of [`ANONYMOUS`].
const UNAUTHENTICATED: &str = "system:unauthenticated";

/// Its members may do everything (`authorizer.NewPrivilegedGroups`).
const MASTERS: &str = "system:masters";

/// A user, by token or certificate, or nobody in particular.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::serve) struct User {
    /// Empty where a review names nobody.
    #[serde(default, rename(serialize = "user", deserialize = "username"))]
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    uid: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    extra: Value,
}

impl User {
    /// Who comes without a token and without a certificate.
    pub(super) fn anonymous() -> Self {
        let groups = vec![UNAUTHENTICATED.to_owned()];
        Self { name: ANONYMOUS.to_owned(), uid: String::new(), groups, extra: Value::Null }
    }

    /// Who a verified client certificate names: CN is the user and each O a group
    /// (`x509.CommonNameUserConversion`).
    pub(in crate::serve) fn of_certificate(name: String, groups: Vec<String>) -> Self {
        Self { name, uid: String::new(), groups, extra: Value::Null }.authenticated()
    }

    /// The same, in the group of those who were authenticated.
    pub(super) fn authenticated(mut self) -> Self {
        self.groups.retain(|group| group != UNAUTHENTICATED);
        if !self.groups.iter().any(|group| group == AUTHENTICATED) {
            self.groups.push(AUTHENTICATED.to_owned());
        }
        self
    }

    /// Whether nobody needs to be asked.
    pub(super) fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }
}
