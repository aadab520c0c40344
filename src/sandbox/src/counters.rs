//! Requests answered, by verb, resource and code.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Verb, resource (`pods/binding`) and HTTP code of counted requests. Unknown paths and
/// unauthorized requests count under an empty verb and resource, so the number of keys is bound
/// by the resources served. Discovery counts as `get` of its path (`/apis`).
pub type RequestKey = (String, String, u16);

/// Counts of answered requests. Watches count when they start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: Mutex<BTreeMap<RequestKey, u64>>,
}

impl Counters {
    pub(crate) fn count(&self, verb: &str, resource: &str, code: u16) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((verb.to_owned(), resource.to_owned(), code)).or_default() += 1;
    }

    pub(crate) fn all(&self) -> BTreeMap<RequestKey, u64> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
