//! Tabs where go-yaml refuses them.
//!
//! go-yaml (`scannerc.go`: `yaml_parser_scan_to_next_token`, `yaml_parser_scan_plain_scalar`,
//! `yaml_parser_scan_block_scalar_breaks`) takes a tab as separation within a line and anywhere in
//! a flow collection, and never where indentation is counted: at the start of a line, and after
//! `-`, `?` and the `:` of a complex key. The parser here is of YAML 1.2 and takes more of them, so
//! its tokens are walked a second time, in texts that have a tab at all.

use granit_parser::{ScalarStyle, Scanner, StrInput, Token, TokenType};

use super::tree::SyntaxError;

const NO_TOKEN: &str = "a tab is not allowed here, YAML is indented by spaces: found a character \
                        that cannot start any token";
const BLOCK_SCALAR: &str = "a tab is not allowed here, YAML is indented by spaces: found a tab \
                            character where an indentation space is expected";
const INDENTATION: &str = "a tab is not allowed here, YAML is indented by spaces: found a tab \
                           character that violates indentation";

/// Looks at every tab of the first document.
pub(super) fn refuse_in_first(
    text: &str,
    options: granit_parser::Options,
) -> Result<(), SyntaxError> {
    refuse_in(text, options, false)
}

/// Looks at every tab of all documents.
pub(super) fn refuse(text: &str, options: granit_parser::Options) -> Result<(), SyntaxError> {
    refuse_in(text, options, true)
}

fn refuse_in(text: &str, options: granit_parser::Options, all: bool) -> Result<(), SyntaxError> {
    if !text.contains('\t') {
        return Ok(());
    }
    let mut walk = Walk::new(text);
    let mut content = false;
    for token in Scanner::with_options(StrInput::new(text), options) {
        // Where the text is no YAML, the parser says so.
        let Ok(token) = token else { return Ok(()) };
        walk.gap(&token)?;
        match token.token_type() {
            TokenType::StreamStart => {}
            TokenType::DocumentStart | TokenType::DocumentEnd if content => {
                if !all {
                    return Ok(());
                }
                content = false;
                walk.begin();
            }
            TokenType::VersionDirective(..) | TokenType::TagDirective(..) => {}
            _ => content = true,
        }
        walk.take(&token)?;
    }
    Ok(())
}

/// Where go-yaml's scanner would be.
struct Walk<'a> {
    text: &'a str,
    /// Byte after the last token.
    end: usize,
    /// `simple_key_allowed`: indentation counts here.
    key_allowed: bool,
    /// Depth of flow collections.
    flow: usize,
    /// Columns of the block collections that are open.
    indents: Vec<usize>,
    /// Columns that the lines after a plain scalar have to be indented by, where one was last.
    plain_indent: Option<usize>,
    /// The key before the next `:` is a simple one.
    key_is_simple: bool,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            end: 0,
            key_allowed: true,
            flow: 0,
            indents: Vec::new(),
            plain_indent: None,
            key_is_simple: false,
        }
    }

    /// A further document: nothing of the one before is open.
    fn begin(&mut self) {
        let Self { text, end, .. } = *self;
        *self = Self::new(text);
        self.end = end;
    }

    /// Judges what is between the last token and this one.
    fn gap(&mut self, token: &Token<'_>) -> Result<(), SyntaxError> {
        let start = token.span().start.byte_offset().unwrap_or(self.end);
        let Some(gap) = self.text.get(self.end..start) else { return Ok(()) };
        let mut chars = gap.char_indices().peekable();
        if let Some(indent) = self.plain_indent.take() {
            // A plain scalar may go on: its scan takes the blanks and line breaks after it.
            let mut column = None;
            while let Some((at, c)) = chars.next_if(|(_, c)| matches!(c, ' ' | '\t' | '\r' | '\n'))
            {
                match (c, &mut column) {
                    ('\r' | '\n', _) => column = Some(0),
                    ('\t', Some(column)) if *column < indent => {
                        return Err(self.wrong(self.end + at, INDENTATION));
                    }
                    (_, Some(column)) => *column += 1,
                    (_, None) => {}
                }
            }
            self.key_allowed |= column.is_some();
        }
        let is_block_scalar = matches!(
            token.token_type(),
            TokenType::Scalar(ScalarStyle::Literal | ScalarStyle::Folded, _)
        );
        let mut in_comment = false;
        for (at, c) in chars {
            match c {
                // The token begins with the text, go-yaml's with this indicator.
                '|' | '>' if is_block_scalar && !in_comment => {
                    return self.block_scalar(self.end + at);
                }
                '\r' | '\n' => {
                    in_comment = false;
                    self.key_allowed |= self.flow == 0;
                }
                '#' => in_comment = true,
                '\t' if !in_comment && self.flow == 0 && self.key_allowed => {
                    return Err(self.wrong(self.end + at, NO_TOKEN));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Goes past a token, and judges what is in it.
    fn take(&mut self, token: &Token<'_>) -> Result<(), SyntaxError> {
        let span = token.span();
        let bytes = span.byte_range().unwrap_or(self.end..self.end);
        self.end = self.end.max(bytes.end);
        match token.token_type() {
            TokenType::FlowSequenceStart | TokenType::FlowMappingStart => {
                self.flow += 1;
                self.key_allowed = true;
            }
            TokenType::FlowSequenceEnd | TokenType::FlowMappingEnd => {
                self.flow = self.flow.saturating_sub(1);
                self.key_allowed = false;
            }
            TokenType::BlockSequenceStart | TokenType::BlockMappingStart => {
                self.indents.push(span.start.col());
            }
            TokenType::BlockEnd => drop(self.indents.pop()),
            TokenType::BlockEntry | TokenType::FlowEntry => self.key_allowed = true,
            TokenType::Key if bytes.is_empty() => self.key_is_simple = true,
            TokenType::Key => {
                self.key_is_simple = false;
                self.key_allowed = self.flow == 0;
            }
            TokenType::Value => {
                let simple = std::mem::take(&mut self.key_is_simple);
                self.key_allowed = !simple && self.flow == 0;
            }
            TokenType::Scalar(ScalarStyle::Plain, _) => {
                let indent = self.indents.last().map_or(0, |column| column + 1);
                self.plain(bytes.start, indent)?;
                self.plain_indent = Some(indent);
                self.key_allowed = false;
            }
            TokenType::Scalar(ScalarStyle::Literal | ScalarStyle::Folded, _) => {
                self.key_allowed = true;
            }
            TokenType::StreamStart | TokenType::StreamEnd => {}
            _ => self.key_allowed = false,
        }
        Ok(())
    }

    /// Judges the further lines of a plain scalar that begins at `start`.
    fn plain(&self, start: usize, indent: usize) -> Result<(), SyntaxError> {
        let source = self.text.get(start..self.end).unwrap_or_default();
        let mut column = None;
        for (at, c) in source.char_indices() {
            match (c, &mut column) {
                ('\r' | '\n', _) => column = Some(0),
                ('\t', Some(column)) if *column < indent => {
                    return Err(self.wrong(start + at, INDENTATION));
                }
                (' ' | '\t', Some(column)) => *column += 1,
                _ => column = None,
            }
        }
        Ok(())
    }

    /// Judges the indentation of a block scalar that begins at `start`. Empty lines behind it are
    /// of its scan too.
    fn block_scalar(&self, start: usize) -> Result<(), SyntaxError> {
        let mut lines = self.text.get(start..).unwrap_or_default().split_inclusive('\n');
        let header = lines.next().unwrap_or_default();
        let indicators = header.split([' ', '\t', '\r', '\n', '#']).next().unwrap_or_default();
        let asked = indicators.chars().find_map(|c| c.to_digit(10)).map(|digit| digit as usize);
        let around = self.indents.last().copied();
        let mut indent = asked.map(|asked| around.unwrap_or(0) + asked);
        let (mut widest, mut at) = (0, start + header.len());
        for line in lines {
            let spaces = line.bytes().take_while(|b| *b == b' ').count();
            let column = indent.map_or(spaces, |indent| spaces.min(indent));
            let is_short = indent.is_none_or(|indent| column < indent);
            match line.as_bytes().get(column) {
                Some(b'\t') if is_short => return Err(self.wrong(at + column, BLOCK_SCALAR)),
                Some(b'\r' | b'\n') => widest = widest.max(column),
                None => return Ok(()),
                Some(_) => {
                    let least = around.map_or(1, |around| around + 1).max(widest);
                    if column < *indent.get_or_insert(least.max(column)) {
                        return Ok(());
                    }
                }
            }
            at += line.len();
        }
        Ok(())
    }

    fn wrong(&self, at: usize, message: &str) -> SyntaxError {
        SyntaxError::at(self.text, at, message)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::yaml;

    /// Texts that `sigs.k8s.io/yaml` 1.6.0 refuses. Some of them the parser refuses as well, in its
    /// own words.
    const REFUSED: &[&str] = &[
        "-\ta: b\n",
        "- \ta\n",
        "a:\n\t- b\n",
        "a:\n  \tb: c\n",
        "a:\n- b:\n\tc\n",
        "? a\n:\tb\n",
        "?\ta\n: b\n",
        "\ta: b\n",
        "a: b\n\t# c\nd: e\n",
        "a: b\n\t\nc: d\n",
        "a: \"b\"\n\t\nc: d\n",
        "a: b\n\tc\n",
        "a: b\n\n\tc\n",
        "a:\n  b: c\n \td\n",
        "a: [b\n\t, c]\n",
        "a: |\n\tb\n",
        "a: |\n  b\n\tc\n",
        "a: |\n  b\n \t\n",
        "a: |\n  b\n\n\t# c\n",
        "a: >2 # | \n  \tb\n \tc\n",
        "a: !!str |\n   \tb\n",
    ];

    /// Texts that it takes.
    const TAKEN: &[&str] = &[
        "a:\tb\n",
        "a\t: b\n",
        "a: b\t# c\n",
        "a: b\t\nc: d\n",
        "- a\t\n- b\n",
        "a: [b,\n  \tc]\n",
        "a: [\tb\t,\tc\t]\t\n",
        "a: {b:\tc}\n",
        "a: &x\tb\n",
        "a: 'b\n\tc'\n",
        "a: \"b\n \t c\"\n",
        "a: b\n  \tc\n",
        "a: |\t# b\n  c\td\n",
        "a: |\n  b\n  \tc\n",
        "a: |2\n  \tb\n",
        "a: b # c\td\n",
        "---\t\na: b\n",
        "a: b\n---\n\tc\n",
        "a: b\n...\n\tc\n",
    ];

    #[test]
    fn tabs_are_refused_where_go_yaml_refuses_them() {
        for text in REFUSED {
            match yaml::read(text) {
                Err(e) => assert!(e.message.contains("tab"), "{text:?}: {e:?}"),
                Ok(document) => panic!("{text:?} is taken: {document:?}"),
            }
        }
        let error = yaml::read("a:\n-\tb: c\n").unwrap_err();
        assert_eq!((error.line, error.column), (2, Some(2)));
        assert!(error.message.contains("indented by spaces"), "{}", error.message);
    }

    #[test]
    fn tabs_are_taken_where_go_yaml_takes_them() {
        for text in TAKEN {
            let read = yaml::read(text);
            assert!(read.is_ok(), "{text:?}: {read:?}");
        }
    }
}
