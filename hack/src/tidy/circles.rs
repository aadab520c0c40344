//! No circle of imports: the children of a module, each with its own children, use one another in
//! one direction. A module and its children are one: a child may name what its parent defines.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{self, Paths};
use crate::finding::Finding;
use crate::source::Source;

/// How many re-exports a path is followed through.
const HOPS_MAX: usize = 8;

/// A module's path from the root of its crate; the root's is empty.
type Path = Vec<String>;

/// One file of a crate.
struct Module<'a> {
    file: &'a str,
    paths: Paths,
}

/// The modules of one crate, without those of tests.
struct Crate<'a> {
    modules: BTreeMap<Path, Module<'a>>,
}

/// A use of one child of a module by another: where it is written.
type Edges<'a> = BTreeMap<(String, String), (&'a str, usize)>;

/// One finding for each circle.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    crates(sources).iter().flat_map(Crate::findings).collect()
}

/// The crates of the tree: each folder with a `lib.rs` or `main.rs` is one.
fn crates(sources: &[Source]) -> Vec<Crate<'_>> {
    let folder = |path: &str| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let is_root = |s: &&Source| s.path.ends_with("/lib.rs") || s.path.ends_with("/main.rs");
    let roots: BTreeSet<String> = sources.iter().filter(is_root).map(|s| folder(&s.path)).collect();
    let mut crates: BTreeMap<&str, Crate<'_>> = BTreeMap::new();
    for source in sources.iter().filter(|s| s.is_rust() && !s.is_test()) {
        let within = |root: &&String| source.path.starts_with(&format!("{root}/"));
        let Some(root) = roots.iter().filter(within).max_by_key(|root| root.len()) else {
            continue;
        };
        let has_lib = sources.iter().any(|s| s.path == format!("{root}/lib.rs"));
        let name = source.path[root.len() + 1..].trim_end_matches(".rs");
        if name == "main" && has_lib {
            continue;
        }
        let path = match name {
            "lib" | "main" => Vec::new(),
            name => name.split('/').map(str::to_owned).collect(),
        };
        let module = Module { file: &source.path, paths: paths::read(source.code()) };
        let known = crates.entry(root).or_insert_with(|| Crate { modules: BTreeMap::new() });
        known.modules.insert(path, module);
    }
    for known in crates.values_mut() {
        known.drop_tests();
    }
    crates.into_values().collect()
}

impl<'a> Crate<'a> {
    /// Leaves out the modules that are built for tests alone.
    fn drop_tests(&mut self) {
        let child = |path: &Path, name: &String| [&path[..], std::slice::from_ref(name)].concat();
        let tests: Vec<Path> = self
            .modules
            .iter()
            .flat_map(|(path, m)| m.paths.test_children.iter().map(move |name| child(path, name)))
            .collect();
        self.modules.retain(|path, _| !tests.iter().any(|test| path.starts_with(test)));
    }

    fn findings(&self) -> Vec<Finding> {
        let mut levels: BTreeMap<&[String], Edges<'a>> = BTreeMap::new();
        for (path, module) in &self.modules {
            for (line, target) in self.uses(path, &module.paths) {
                let shared = path.iter().zip(&target).take_while(|(a, b)| a == b).count();
                // One is the other's ancestor: they are one module.
                let (Some(from), Some(to)) = (path.get(shared), target.get(shared)) else {
                    continue;
                };
                let edges = levels.entry(&path[..shared]).or_default();
                edges.entry((from.clone(), to.clone())).or_insert((module.file, line));
            }
        }
        levels.values().flat_map(circles).collect()
    }

    /// The modules that a module names, with the lines.
    fn uses(&self, module: &Path, paths: &Paths) -> Vec<(usize, Path)> {
        let imports = paths.imports.iter().map(|import| (import.line, &import.path));
        let inline = paths.inline.iter().map(|(line, path)| (*line, path));
        imports
            .chain(inline)
            .filter_map(|(line, path)| Some((line, self.resolve(module, path, HOPS_MAX)?)))
            .collect()
    }

    /// The module that defines what a path within `module` names; nothing for another crate's.
    fn resolve(&self, module: &Path, path: &[String], hops: usize) -> Option<Path> {
        let mut at = module.clone();
        let mut names = path;
        match path.first()?.as_str() {
            "crate" => at.clear(),
            "super" => {
                at.pop()?;
            }
            "self" => {}
            first => {
                let child = [&at[..], &[first.to_owned()]].concat();
                let is_known =
                    self.modules.contains_key(&child) || self.import(&at, first).is_some();
                if !is_known || hops == 0 {
                    return None;
                }
                return self.walk(at, path, hops);
            }
        }
        names = &names[1..];
        while names.first().is_some_and(|name| name == "super") {
            at.pop()?;
            names = &names[1..];
        }
        self.walk(at, names, hops)
    }

    /// Goes down from a module by the names of its children, and where a name is imported, there.
    fn walk(&self, mut at: Path, names: &[String], hops: usize) -> Option<Path> {
        for (n, name) in names.iter().enumerate() {
            let child = [&at[..], std::slice::from_ref(name)].concat();
            if self.modules.contains_key(&child) {
                at = child;
                continue;
            }
            let Some(target) = self.import(&at, name).filter(|_| hops > 0) else {
                break;
            };
            // An import of itself by a longer path would go round.
            let whole: Vec<String> = target.iter().chain(&names[n + 1..]).cloned().collect();
            return self.resolve(&at, &whole, hops - 1).or(Some(at));
        }
        self.modules.contains_key(&at).then_some(at)
    }

    /// The path by which a module imports a name.
    fn import(&self, module: &Path, name: &str) -> Option<&[String]> {
        let imports = &self.modules.get(module)?.paths.imports;
        let found = imports.iter().find(|import| import.name == name && import.path[0] != name)?;
        Some(&found.path)
    }
}

/// A finding for each set of modules that reach one another.
fn circles(edges: &Edges<'_>) -> Vec<Finding> {
    let reach = reachable(edges);
    let circle = |from: &String| -> BTreeSet<&String> {
        let there = reach.get(from).into_iter().flatten().copied();
        there.filter(|to| reach.get(to).is_some_and(|back| back.contains(from))).collect()
    };
    let from = edges.keys().map(|(from, _)| from);
    let found: BTreeSet<_> = from.map(circle).filter(|circle| circle.len() > 1).collect();
    found.iter().filter_map(|members| finding(members, edges)).collect()
}

/// What each module reaches in one step or more.
fn reachable<'e>(edges: &'e Edges<'_>) -> BTreeMap<&'e String, BTreeSet<&'e String>> {
    let mut reach: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for (from, to) in edges.keys() {
        reach.entry(from).or_default().insert(to);
    }
    loop {
        let mut grown = reach.clone();
        for there in grown.values_mut() {
            let further = there.iter().filter_map(|next| reach.get(next)).flatten().copied();
            let further: Vec<&String> = further.collect();
            there.extend(further);
        }
        if grown == reach {
            return reach;
        }
        reach = grown;
    }
}

/// Names the members of a circle and where each use of one by another is written.
fn finding(members: &BTreeSet<&String>, edges: &Edges<'_>) -> Option<Finding> {
    let within =
        edges.iter().filter(|((from, to), _)| members.contains(from) && members.contains(to));
    let within: Vec<_> = within.filter(|((from, to), _)| from != to).collect();
    let uses: Vec<String> = within
        .iter()
        .map(|((from, to), (file, line))| format!("{from} uses {to} at {file}:{line}"))
        .collect();
    let (_, (file, line)) = within.first()?;
    Some(Finding::new(file, *line, format!("circle of imports: {}", uses.join("; "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let source = |(path, text): &(&str, &str)| Source {
            path: format!("x/src/{path}"),
            text: (*text).to_owned(),
        };
        let mut sources: Vec<Source> = files.iter().map(source).collect();
        sources.push(source(&("lib.rs", "mod a;\nmod b;\n")));
        check(&sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn two_modules_that_use_each_other_are_a_circle() {
        let wanted = "x/src/a.rs:1: circle of imports: a uses b at x/src/a.rs:1; b uses a at \
                      x/src/b/c.rs:2";
        let a = ("a.rs", "use crate::b::B;\n");
        let child = ("b/c.rs", "\nlet x = crate::a::f();\n");
        assert_eq!(found(&[a, ("b.rs", "mod c;\n"), child]), [wanted]);
        assert!(found(&[a, ("b.rs", "mod c;\n"), ("b/c.rs", "use super::B;\n")]).is_empty());
    }

    #[test]
    fn a_re_export_is_followed_to_where_the_name_is_defined() {
        let parent = ("a.rs", "mod b;\nmod c;\npub use b::B;\n");
        let user = ("a/c.rs", "use super::B;\n");
        assert_eq!(found(&[parent, ("a/b.rs", "use crate::a::c::C;\n"), user]).len(), 1);
        assert!(found(&[parent, ("a/b.rs", "use super::D;\n"), user]).is_empty());
    }

    #[test]
    fn tests_and_other_crates_do_not_count() {
        let a = ("a.rs", "use crate::b::B;\nuse b::B;\n#[cfg(test)]\nmod fake;\n");
        assert!(
            found(&[a, ("b.rs", "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n")]).is_empty()
        );
        assert!(
            found(&[a, ("a/fake.rs", "use crate::b;\n"), ("b.rs", "use std::a;\n")]).is_empty()
        );
    }
}
