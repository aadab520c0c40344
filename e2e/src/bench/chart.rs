//! Bar charts as SVG, legible on light and dark pages.

use std::fmt::Write as _;

/// A chart of horizontal bars: groups one below the other, in each group a bar per series.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Above everything.
    pub title: String,
    /// Behind the title: what the numbers are.
    pub unit: String,
    /// Names of the series; at most [`COLOURS`] many are told apart.
    pub series: Vec<String>,
    /// A label, and a value per series.
    pub groups: Vec<(String, Vec<Option<f64>>)>,
}

/// Classes of the style sheet, one per series.
const COLOURS: [&str; 4] = ["a", "b", "c", "d"];

/// Colours for light pages, and in the second half for dark ones. Each has a contrast of 3 or more
/// to its background.
const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2328}.t{font-weight:600;font-size:15px}.m{fill:#59636e}\
.p{fill:#fff}.a{fill:#0969da}.b{fill:#bc4c00}.c{fill:#6e7781}.d{fill:#8250df}\
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.m{fill:#9198a1}.p{fill:#0d1117}\
.a{fill:#4493f8}.b{fill:#db6d28}.c{fill:#8b949e}.d{fill:#ab7df8}}";

const WIDTH: f64 = 800.0;
const LABELS: f64 = 250.0;
/// Room for the value behind the longest bar.
const VALUES: f64 = 80.0;
const BAR: f64 = 16.0;
const GAP: f64 = 14.0;
const HEAD: f64 = 64.0;

impl Chart {
    /// The SVG.
    pub fn svg(&self) -> String {
        let values = self.groups.iter().flat_map(|(_, values)| values.iter().flatten());
        let largest = values.copied().fold(0.0, f64::max);
        let scale = if largest > 0.0 { (WIDTH - LABELS - VALUES) / largest } else { 0.0 };
        let mut body = String::new();
        self.head(&mut body);
        let mut y = HEAD;
        for (label, values) in &self.groups {
            let height = BAR * values.len() as f64;
            text(&mut body, "", LABELS - 10.0, y + height / 2.0 + 4.0, "end", label);
            for (value, colour) in values.iter().zip(COLOURS.iter().cycle()) {
                bar(&mut body, y, *value, scale, colour);
                y += BAR;
            }
            y += GAP;
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y}\" \
             width=\"{WIDTH}\" height=\"{y}\" role=\"img\" aria-label=\"{}\">\n\
             <style>{STYLE}</style>\n<rect class=\"p\" width=\"100%\" height=\"100%\"/>\n\
             {body}</svg>\n",
            escaped(&self.title)
        )
    }

    fn head(&self, body: &mut String) {
        text(body, "t", 16.0, 24.0, "start", &self.title);
        text(body, "m", WIDTH - 16.0, 24.0, "end", &self.unit);
        let mut x = LABELS;
        for (name, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            let _ = writeln!(
                body,
                "<rect class=\"{colour}\" x=\"{x}\" y=\"38\" width=\"11\" height=\"11\"/>"
            );
            text(body, "", x + 17.0, 48.0, "start", name);
            // 7.5 per letter of 13 px is more than any name here takes.
            x += 40.0 + 7.5 * name.chars().count() as f64;
        }
    }
}

fn bar(body: &mut String, y: f64, value: Option<f64>, scale: f64, colour: &str) {
    let Some(value) = value else {
        text(body, "m", LABELS + 4.0, y + 12.0, "start", "–");
        return;
    };
    // A bar that is there is seen.
    let width = (value * scale).max(1.0);
    let thick = BAR - 3.0;
    let _ = writeln!(
        body,
        "<rect class=\"{colour}\" x=\"{LABELS}\" y=\"{y}\" width=\"{width:.1}\" height=\"{thick}\"/>"
    );
    text(body, "", LABELS + width + 6.0, y + 12.0, "start", &short(value));
}

fn text(body: &mut String, class: &str, x: f64, y: f64, anchor: &str, content: &str) {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    let content = escaped(content);
    let _ = writeln!(
        body,
        "<text{class} x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{content}</text>"
    );
}

/// Three digits that count: 1234 as `1,234`, 2.764 as `2.76`, 0.0571 as `0.057`.
pub fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 100.0 => super::bars::thousands(value),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Chart {
        Chart {
            title: "CPU <time>".to_owned(),
            unit: "ms & more".to_owned(),
            series: vec!["Berth".to_owned(), "kube-scheduler".to_owned()],
            groups: vec![
                ("plain".to_owned(), vec![Some(0.01), Some(500.0)]),
                ("spread".to_owned(), vec![Some(250.0), None]),
            ],
        }
    }

    #[test]
    fn bars_are_to_scale_and_never_vanish() {
        let svg = chart().svg();
        let full = WIDTH - LABELS - VALUES;
        let widths = [full, full / 2.0, 1.0].map(|width| format!("width=\"{width:.1}\""));
        assert!(widths.iter().all(|width| svg.contains(width)), "{svg}");
        assert_eq!(svg.matches("height=\"13\"").count(), 3);
        assert!(svg.contains(">–</text>"));
    }

    #[test]
    fn it_is_one_element_with_escaped_text() {
        let svg = chart().svg();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("CPU &lt;time&gt;") && svg.contains("ms &amp; more"));
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        assert!(svg.contains("prefers-color-scheme:dark"));
    }

    #[test]
    fn an_empty_chart_has_no_bars() {
        let svg = Chart { groups: Vec::new(), ..chart() }.svg();
        assert!(!svg.contains("height=\"13\"") && !svg.contains("NaN"));
    }

    #[test]
    fn numbers_keep_three_digits() {
        let texts = [1234.4, 999.0, 38.72, 2.764, 0.0571, 0.0].map(short);
        assert_eq!(texts, ["1,234", "999", "38.7", "2.76", "0.057", "0"]);
    }
}
