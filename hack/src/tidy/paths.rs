//! The paths by which a Rust file names other modules of its crate: `use` trees and inline paths.

/// One name that a `use` brings into its module, and the path to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    /// Counted from 1.
    pub(super) line: usize,
    /// What it is called here.
    pub(super) name: String,
    /// As written: `["super", "pool", "Pool"]`.
    pub(super) path: Vec<String>,
}

/// What a file says of modules.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Paths {
    /// Of `use` items.
    pub(super) imports: Vec<Import>,
    /// Paths in code that begin with `crate` or `super`, with their lines.
    pub(super) inline: Vec<(usize, Vec<String>)>,
    /// Children that are built for tests alone: `#[cfg(test)] mod fake;`.
    pub(super) test_children: Vec<String>,
}

/// Reads lines of code, as [`crate::source::Source::code`] gives them.
pub(super) fn read<'a>(code: impl Iterator<Item = (usize, &'a str)>) -> Paths {
    let mut tokens = Vec::new();
    for (line, text) in code {
        tokenize(line, text, &mut tokens);
    }
    let mut paths = Paths::default();
    let mut rest = Tokens { tokens: &tokens, at: 0 };
    while let Some((line, token)) = rest.next() {
        match token {
            "use" => rest.tree(&mut Vec::new(), &mut paths.imports),
            "crate" | "super" if rest.peek() == Some("::") => {
                let path = rest.path(token.to_owned());
                paths.inline.push((line, path));
            }
            "test" if rest.is_next(&[")", "]", "mod"]) || rest.is_next(&[")", "]", "pub"]) => {
                paths.test_children.extend(rest.child());
            }
            _ => {}
        }
    }
    paths
}

/// Identifiers, `::`, and single characters; no text in quotes.
fn tokenize<'a>(line: usize, text: &'a str, tokens: &mut Vec<(usize, &'a str)>) {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if is_name(c) {
            rest.find(|c| !is_name(c)).unwrap_or(rest.len())
        } else if c == '"' {
            rest[1..].find('"').map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("::") {
            2
        } else {
            c.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        if !token.starts_with(['"', ' ']) {
            tokens.push((line, token));
        }
        rest = after;
    }
}

/// Tokens that are still to be read.
struct Tokens<'a> {
    tokens: &'a [(usize, &'a str)],
    at: usize,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<(usize, &'a str)> {
        let next = self.tokens.get(self.at).copied();
        self.at += 1;
        next
    }

    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).map(|(_, token)| *token)
    }

    fn is_next(&self, wanted: &[&str]) -> bool {
        let next = self.tokens.iter().skip(self.at).map(|(_, token)| *token);
        next.take(wanted.len()).eq(wanted.iter().copied())
    }

    /// The rest of a path that began with `first`.
    fn path(&mut self, first: String) -> Vec<String> {
        let mut path = vec![first];
        while self.peek() == Some("::") {
            self.next();
            match self.peek() {
                Some(name) if name.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                    path.push(name.to_owned());
                    self.next();
                }
                _ => break,
            }
        }
        path
    }

    /// A tree of `use` up to the token that ends it, which is left.
    fn tree(&mut self, prefix: &mut Vec<String>, imports: &mut Vec<Import>) {
        let depth = prefix.len();
        while let Some((line, token)) = self.next() {
            match token {
                "::" => {}
                "{" => {
                    while !matches!(self.peek(), None | Some("}")) {
                        self.tree(prefix, imports);
                        if self.peek() == Some(",") {
                            self.next();
                        }
                    }
                    self.next();
                    break;
                }
                name => {
                    prefix.push(name.to_owned());
                    if self.peek() != Some("::") {
                        imports.push(self.import(line, prefix));
                        break;
                    }
                }
            }
        }
        prefix.truncate(depth);
    }

    /// The end of a branch, and its name here.
    fn import(&mut self, line: usize, path: &[String]) -> Import {
        let mut path = path.to_vec();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let mut name = path.last().cloned().unwrap_or_default();
        if self.peek() == Some("as") {
            self.next();
            name = self.next().map(|(_, name)| name.to_owned()).unwrap_or_default();
        }
        Import { line, name, path }
    }

    /// The name of the module that is declared next.
    fn child(&mut self) -> Option<String> {
        while let Some((_, token)) = self.next() {
            if token == "mod" {
                let (_, name) = self.next()?;
                return (self.peek() == Some(";")).then(|| name.to_owned());
            }
            if matches!(token, ";" | "{") {
                return None;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Paths {
        read(text.lines().enumerate().map(|(at, line)| (at + 1, line)))
    }

    fn imports(text: &str) -> Vec<String> {
        let show = |i: &Import| format!("{}:{}={}", i.line, i.name, i.path.join("::"));
        read_text(text).imports.iter().map(show).collect()
    }

    #[test]
    fn a_tree_of_use_is_read_to_its_leaves() {
        assert_eq!(imports("use super::pool::Pool;\n"), ["1:Pool=super::pool::Pool"]);
        let text = "pub use crate::{\n    a::{self, B as C},\n    d::*,\n};\nuse e;\n";
        let wanted = ["2:a=crate::a", "2:C=crate::a::B", "3:*=crate::d::*", "5:e=e"];
        assert_eq!(imports(text), wanted);
    }

    #[test]
    fn inline_paths_are_read_and_text_in_quotes_is_not() {
        let paths = read_text("let x = crate::a::b(\"crate::c\", super::d::<T>());\n");
        let shown: Vec<String> = paths.inline.iter().map(|(_, path)| path.join("::")).collect();
        assert_eq!(shown, ["crate::a::b", "super::d"]);
    }

    #[test]
    fn children_for_tests_are_known() {
        let text = "#[cfg(test)]\npub(crate) mod fake;\n#[cfg(test)]\nmod tests {\nmod real;\n";
        assert_eq!(read_text(text).test_children, ["fake"]);
    }
}
