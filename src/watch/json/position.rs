//! The field path of a position in a JSON text: serde_json tells line and column of an error, a
//! person looks for `spec.containers[0].ports`.

/// Where the scan is inside one array or object.
enum Level {
    /// Index of the element.
    Array(usize),
    /// Name of the member; `true` while its name and not its value is next.
    Object(String, bool),
}

/// Path of the field that holds the byte at `line` and `column` (from 1). A bracket there belongs
/// to the field that it opens: it is the value of a wrong type.
///
/// The text may be anything; the scan only follows quotes, brackets, colons and commas.
pub(super) fn path_at(text: &[u8], line: usize, column: usize) -> String {
    let end = offset(text, line, column).min(text.len());
    let text = &text[..end];
    let mut levels: Vec<Level> = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at).copied() {
        at += 1;
        match byte {
            b'"' => {
                let start = at;
                at = string_end(text, at);
                if let Some(Level::Object(name, naming @ true)) = levels.last_mut() {
                    *name = String::from_utf8_lossy(&text[start..at]).into_owned();
                    *naming = false;
                    // Past the name: a colon follows.
                }
                at += 1;
            }
            b'{' if at < end => levels.push(Level::Object(String::new(), true)),
            b'[' if at < end => levels.push(Level::Array(0)),
            b'}' | b']' => {
                levels.pop();
            }
            b',' if at < end => match levels.last_mut() {
                Some(Level::Array(index)) => *index += 1,
                Some(Level::Object(_, naming)) => *naming = true,
                None => {}
            },
            _ => {}
        }
    }
    join(&levels)
}

/// Byte offset of a position; serde_json's column counts bytes.
fn offset(text: &[u8], line: usize, column: usize) -> usize {
    let mut rest = text;
    let mut start = 0;
    for _ in 1..line {
        let Some(newline) = rest.iter().position(|b| *b == b'\n') else { break };
        start += newline + 1;
        rest = &rest[newline + 1..];
    }
    start + column
}

/// Index of the closing quote of a string that begins at `at`, or the end of the text.
fn string_end(text: &[u8], mut at: usize) -> usize {
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

fn join(levels: &[Level]) -> String {
    let mut path = String::new();
    for level in levels {
        match level {
            Level::Array(index) => path.push_str(&format!("[{index}]")),
            Level::Object(name, _) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
        }
    }
    path
}
