//! `/healthz`, `/livez`, `/readyz`: the pages of `k8s.io/apiserver/pkg/server/healthz`.

use std::collections::BTreeSet;
use std::fmt;

use super::page::Page;

/// One thing that must be well.
pub struct Check {
    /// Its name in the page and in `/<path>/<name>`.
    pub name: &'static str,
    /// What is wrong, if anything.
    pub test: Box<dyn Fn() -> Result<(), String> + Send + Sync>,
}

impl Check {
    /// A check.
    pub fn new(
        name: &'static str,
        test: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self { name, test: Box::new(test) }
    }

    /// Always well: that there is an answer is the message.
    pub fn ping() -> Self {
        Self::new("ping", || Ok(()))
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The page of all checks of `name` (`livez`); `query` may hold `verbose` and `exclude=<check>`.
pub(super) fn all(name: &str, checks: &[Check], query: &str) -> Page {
    let mut verbose = false;
    let mut excluded = BTreeSet::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("exclude", check)) => {
                excluded.insert(check);
            }
            _ => verbose |= pair == "verbose" || pair.starts_with("verbose="),
        }
    }
    let mut lines = String::new();
    let mut failed = Vec::new();
    for check in checks {
        let name = check.name;
        if excluded.remove(name) {
            lines.push_str(&format!("[+]{name} excluded: ok\n"));
            continue;
        }
        match (check.test)() {
            Ok(()) => lines.push_str(&format!("[+]{name} ok\n")),
            Err(why) => {
                // The page is open to all, so it does not tell the reason; the log does.
                lines.push_str(&format!("[-]{name} failed: reason withheld\n"));
                failed.push(format!("{name}: {why}"));
            }
        }
    }
    if !excluded.is_empty() {
        let names: Vec<String> = excluded.iter().map(|name| format!("{name:?}")).collect();
        let names = names.join(",");
        lines.push_str(&format!(
            "warn: some health checks cannot be excluded: no matches for {names}\n"
        ));
    }
    if !failed.is_empty() {
        tracing::debug!(page = name, failed = failed.join("; "), "Health check failed");
        return Page::text(500, format!("{lines}{name} check failed\n"));
    }
    if verbose {
        Page::text(200, format!("{lines}{name} check passed\n"))
    } else {
        Page::text(200, "ok".to_owned())
    }
}

/// The page of one check; `None` where there is no such check.
pub(super) fn one(checks: &[Check], name: &str) -> Option<Page> {
    let check = checks.iter().find(|check| check.name == name)?;
    Some(match (check.test)() {
        Ok(()) => Page::text(200, "ok".to_owned()),
        Err(why) => Page::text(500, format!("internal server error: {why}\n")),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn checks(synced: bool) -> Vec<Check> {
        let test = move || if synced { Ok(()) } else { Err("Pod not listed".to_owned()) };
        vec![Check::ping(), Check::new("sched-handler-sync", test)]
    }

    fn shown(synced: bool, query: &str) -> (u16, String) {
        let page = all("readyz", &checks(synced), query);
        (page.status, String::from_utf8(page.body).unwrap())
    }

    #[test]
    fn well_is_ok() {
        assert_eq!(shown(true, ""), (200, "ok".to_owned()));
        let text = "[+]ping ok\n[+]sched-handler-sync ok\nreadyz check passed\n";
        assert_eq!(shown(true, "verbose"), (200, text.to_owned()));
        assert_eq!(shown(true, "verbose=true"), (200, text.to_owned()));
    }

    #[test]
    fn a_failure_shows_without_its_reason() {
        let text =
            "[+]ping ok\n[-]sched-handler-sync failed: reason withheld\nreadyz check failed\n";
        assert_eq!(shown(false, ""), (500, text.to_owned()));
    }

    #[test]
    fn checks_can_be_excluded() {
        assert_eq!(shown(false, "exclude=sched-handler-sync"), (200, "ok".to_owned()));
        let (status, text) = shown(false, "exclude=sched-handler-sync&exclude=etcd&verbose");
        assert_eq!(status, 200);
        assert_eq!(
            text,
            "[+]ping ok\n[+]sched-handler-sync excluded: ok\n\
             warn: some health checks cannot be excluded: no matches for \"etcd\"\n\
             readyz check passed\n"
        );
    }

    #[test]
    fn one_check_alone_tells_why() {
        assert_eq!(one(&checks(true), "sched-handler-sync").unwrap().status, 200);
        let page = one(&checks(false), "sched-handler-sync").unwrap();
        assert_eq!(
            (page.status, &*page.body),
            (500, &b"internal server error: Pod not listed\n"[..])
        );
        assert!(one(&checks(true), "etcd").is_none());
    }
}
