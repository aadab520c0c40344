//! Quotes of a word processor, which are letters to YAML.

/// What to say of a text that begins or ends with a typographic quote.
pub(super) fn hint(text: &str) -> Option<String> {
    let is_quote = |c: &char| matches!(c, '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}');
    let found = text.chars().next().filter(is_quote).or(text.chars().last().filter(is_quote))?;
    Some(format!(": {found} is a letter to YAML, and part of the text: quote by ' or \""))
}
