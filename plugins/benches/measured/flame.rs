//! A flame graph of one measurement as SVG: width is time, callers below, titles on hover.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use pprof::{ProfilerGuard, ProfilerGuardBuilder, Report};

const WIDTH: f64 = 1_600.0;
const ROW: f64 = 17.0;
/// Frames narrower than this are left out, as nobody could read them.
const NARROWEST: f64 = 0.6;

/// A frame with what it calls.
#[derive(Debug, Default)]
struct Frame {
    samples: isize,
    calls: BTreeMap<String, Frame>,
}

/// Begins to sample this process, 997 times a second of CPU time.
pub fn begin() -> ProfilerGuard<'static> {
    let builder = ProfilerGuardBuilder::default().frequency(997);
    builder.blocklist(&["libc", "libgcc", "pthread", "vdso"]).build().unwrap()
}

/// Ends it, and draws what was seen.
pub fn draw(guard: &ProfilerGuard<'_>, into: &Path) {
    let root = tree(&guard.report().build().unwrap());
    let mut rects = String::new();
    let deepest = frame(&root, "all", 0.0, 0, WIDTH / root.samples.max(1) as f64, &mut rects);
    let height = ROW * (deepest + 1) as f64;
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 -{height} {WIDTH} {height}\" \
         font-family=\"monospace\" font-size=\"11\">\n{rects}</svg>\n"
    );
    std::fs::write(into, svg).unwrap();
    println!("{}: {} samples", into.display(), root.samples);
}

fn tree(report: &Report) -> Frame {
    let mut root = Frame::default();
    for (frames, count) in &report.data {
        root.samples += count;
        let mut at = &mut root;
        let symbols = frames.frames.iter().rev().flat_map(|inlined| inlined.iter().rev());
        for name in symbols.map(|symbol| symbol.name()) {
            // The sampler's own frames are innermost: what is above them is not the bench's.
            if name.contains("pprof::") || name == "__restore_rt" {
                break;
            }
            at = at.calls.entry(name).or_default();
            at.samples += count;
        }
    }
    root
}

/// Draws a frame and what it calls; the depth of the deepest row.
fn frame(of: &Frame, name: &str, x: f64, depth: usize, scale: f64, out: &mut String) -> usize {
    let width = of.samples as f64 * scale;
    let y = -ROW * (depth + 1) as f64;
    // Berth's own code is warm, all else is cool.
    let fill = if name.contains("berth") { "#e8833a" } else { "#8fb0cc" };
    let text = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let share = width / WIDTH * 100.0;
    let fits = ((width - 6.0) / 6.7).max(0.0) as usize;
    let short: String = name.chars().take(fits).collect();
    let short = short.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    writeln!(
        out,
        "<g><title>{text} ({} samples, {share:.1} %)</title><rect x=\"{x:.1}\" y=\"{y}\" \
         width=\"{width:.1}\" height=\"{}\" fill=\"{fill}\" rx=\"1\"/><text x=\"{:.1}\" \
         y=\"{}\">{short}</text></g>",
        of.samples,
        ROW - 1.0,
        x + 3.0,
        y + 12.0
    )
    .unwrap();
    let (mut deepest, mut left) = (depth, x);
    for (name, call) in &of.calls {
        let width = call.samples as f64 * scale;
        if width >= NARROWEST {
            deepest = deepest.max(frame(call, name, left, depth + 1, scale, out));
        }
        left += width;
    }
    deepest
}
