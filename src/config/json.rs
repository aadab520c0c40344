//! JSON to a tree. A text that begins with `{` is JSON for Kubernetes, and then nothing else:
//! comments and trailing commas are errors, and `1e1` is no integer.

use super::tree::{DEPTH_MAX, Document, Entry, Kind, Node, SyntaxError};
use super::yaml::push_key;

/// Whether Kubernetes takes a text for JSON (`utilyaml.IsJSONBuffer`).
pub(super) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Reads a text.
pub(super) fn read(text: &str) -> Result<Document, SyntaxError> {
    let mut reader = Reader { text, at: 0, line: 1, path: String::new(), repeated: Vec::new() };
    let root = reader.value(0)?;
    reader.blanks();
    if reader.at < text.len() {
        return reader.error("there is more after the end of the object");
    }
    Ok(Document { root, repeated: reader.repeated })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    path: String,
    repeated: Vec<(String, usize)>,
}

type Read<T> = Result<T, SyntaxError>;

impl<'a> Reader<'a> {
    fn error<T>(&self, message: &str) -> Read<T> {
        Err(SyntaxError::at(self.text, self.at, message))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while let Some(b @ (b' ' | b'\t' | b'\r' | b'\n')) = self.peek() {
            self.line += usize::from(b == b'\n');
            self.at += 1;
        }
    }

    /// Takes `token` where it comes next.
    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Read<Node> {
        self.blanks();
        if depth > DEPTH_MAX {
            return self.error("nested too deeply");
        }
        let line = self.line;
        let kind = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Kind::String(self.string()?.into()),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ if self.take("null") => Kind::Null,
            _ if self.take("true") => Kind::Bool(true),
            _ if self.take("false") => Kind::Bool(false),
            Some(_) => return self.error("a JSON value is expected here"),
            None => return self.error("the JSON ends too early"),
        };
        Ok(Node { line, kind })
    }

    fn object(&mut self, depth: usize) -> Read<Kind> {
        self.at += 1;
        let mut entries: Vec<Entry> = Vec::new();
        self.blanks();
        if self.take("}") {
            return Ok(Kind::Map(entries));
        }
        loop {
            self.blanks();
            let line = self.line;
            if self.peek() != Some(b'"') {
                return self.error("a key in double quotes is expected here");
            }
            let key: Box<str> = self.string()?.into();
            self.blanks();
            if !self.take(":") {
                return self.error("a colon is expected here");
            }
            let end = self.path.len();
            push_key(&mut self.path, &key);
            let value = self.value(depth + 1)?;
            if entries.iter().any(|e| e.key == key) {
                self.repeated.push((self.path.clone(), line));
            } else {
                entries.push(Entry { key, line, value });
            }
            self.path.truncate(end);
            self.blanks();
            match () {
                () if self.take(",") => {}
                () if self.take("}") => return Ok(Kind::Map(entries)),
                () => return self.error("a comma or } is expected here"),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Read<Kind> {
        self.at += 1;
        let mut nodes = Vec::new();
        self.blanks();
        if self.take("]") {
            return Ok(Kind::List(nodes));
        }
        loop {
            let end = self.path.len();
            self.path.push_str(&format!("[{}]", nodes.len()));
            nodes.push(self.value(depth + 1)?);
            self.path.truncate(end);
            self.blanks();
            match () {
                () if self.take(",") => {}
                () if self.take("]") => return Ok(Kind::List(nodes)),
                () => return self.error("a comma or ] is expected here"),
            }
        }
    }

    /// A string: its end is found here, its escapes are serde_json's business.
    fn string(&mut self) -> Read<String> {
        let rest = self.rest();
        let mut escaped = false;
        let inside = rest.bytes().skip(1).position(|b| {
            let ends = b == b'"' && !escaped;
            escaped = b == b'\\' && !escaped;
            ends
        });
        let Some(length) = inside else { return self.error("a string without an end") };
        let literal = rest.get(..length + 2).unwrap_or_default();
        match serde_json::from_str(literal) {
            Ok(text) => {
                self.at += literal.len();
                Ok(text)
            }
            Err(e) => self.error(&format!("a wrong string: {e}")),
        }
    }

    fn number(&mut self) -> Read<Kind> {
        let rest = self.rest();
        let is_part = |c: char| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
        let digits = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        if serde_json::from_str::<&serde_json::value::RawValue>(digits).is_err() {
            return self.error(&format!("{digits} is no JSON number"));
        }
        self.at += digits.len();
        Ok(Kind::Number(digits.into()))
    }
}
