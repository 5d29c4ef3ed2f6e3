//! The figure `calls.svg`: the cost of a call and the throughput to a file, of all loggers.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use crate::bench::Bench;
use crate::load::Load;
use crate::table::{Table, number};
use crate::{calls, end_to_end, machine};

/// Where it goes.
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../calls.svg");

const WIDTH: f64 = 820.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 215.0;
const ROW: f64 = 26.0;

/// Writes the figure; there is no table.
pub fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    let calls = calls::figures(bench)?;
    let ends = end_to_end::figures(bench, Load::HighMix)?;
    let mut costs: Vec<_> = calls
        .iter()
        .map(|(peer, figures)| {
            let (call, ratio) = (figures.median("e4.call"), figures.median("e4.ratio"));
            Mark {
                name: peer.name,
                value: call,
                label: format!("{} ns · {} × the floor", number(call), number(ratio)),
            }
        })
        .collect();
    costs.sort_by(|a, b| a.value.total_cmp(&b.value));
    let floor =
        calls.first().map(|(_, figures)| figures.median("e4.call") / figures.median("e4.ratio"));
    let mut rates: Vec<_> = ends
        .iter()
        .map(|(peer, figures)| {
            let (rate, bytes) = (figures.median("rate") / 1e6, figures.median("bytes"));
            Mark {
                name: peer.name,
                value: rate,
                label: format!("{} M/s · {} bytes each", number(rate), number(bytes)),
            }
        })
        .collect();
    rates.sort_by(|a, b| b.value.total_cmp(&a.value));
    let panels = [
        Panel {
            title: "What a log call costs its thread",
            subtitle: "two random integers, bursts of 4096 that fit the queue, median; nanoseconds, logarithmic",
            marks: costs,
            line: floor.map(|clock| (clock, "reading the clock, making the values")),
        },
        Panel {
            title: "What one thread gets into a file",
            subtitle: "mix of six statements with random values, nothing dropped; million records a second, logarithmic",
            marks: rates,
            line: None,
        },
    ];
    let svg = draw(&panels, &machine::short_description());
    std::fs::write(PATH, svg)?;
    let path = Path::new(PATH).canonicalize()?;
    println!("wrote {}\n", path.display());
    Ok(Vec::new())
}

/// A point with its text.
struct Mark {
    name: &'static str,
    value: f64,
    label: String,
}

struct Panel {
    title: &'static str,
    subtitle: &'static str,
    marks: Vec<Mark>,
    /// A value that is marked across all rows.
    line: Option<(f64, &'static str)>,
}

/// Colours are those of the page that shows it: dark and light have their own.
const STYLE: &str = "\
text{font:13px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1f2328}\
.title{font-size:16px;font-weight:600}.small{font-size:12px;fill:#59636e}\
.value{paint-order:stroke;stroke:#fff;stroke-width:4px}.own{font-weight:600}.grid{stroke:#d1d9e0;stroke-width:1}.floor{stroke:#bc4c00;stroke-width:1.5;stroke-dasharray:5 4}\
.floor-text{font-size:12px;fill:#bc4c00}.stem{stroke:#818b98;stroke-width:2}.dot{fill:#818b98}\
.own-stem{stroke:#0969da;stroke-width:3}.own-dot{fill:#0969da}\
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.value{stroke:#0d1117}.small{fill:#9198a1}.grid{stroke:#3d444d}\
.floor{stroke:#f0883e}.floor-text{fill:#f0883e}.stem{stroke:#9198a1}.dot{fill:#9198a1}\
.own-stem{stroke:#4493f8}.own-dot{fill:#4493f8}}";

fn draw(panels: &[Panel], machine: &str) -> String {
    let mut body = String::new();
    let mut y = 10.0;
    for panel in panels {
        y = panel.draw(y, &mut body);
    }
    y += 14.0;
    text(&mut body, 10.0, y, "small", "start", machine);
    let height = y + 14.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"What a log call costs, and what reaches the file\">\n\
         <style>{STYLE}</style>\n{body}</svg>\n"
    )
}

impl Panel {
    /// Draws from `top` down, and says where it ends.
    fn draw(&self, top: f64, out: &mut String) -> f64 {
        text(out, 10.0, top + 16.0, "title", "start", self.title);
        text(out, 10.0, top + 35.0, "small", "start", self.subtitle);
        let values =
            || self.marks.iter().map(|mark| mark.value).filter(|x| x.is_finite() && *x > 0.0);
        let (low, high) = values()
            .chain(self.line.map(|(value, _)| value))
            .fold((f64::INFINITY, 0.0_f64), |(low, high), x| (x.min(low), x.max(high)));
        if low > high {
            return top;
        }
        // Whole decades below, so no stem begins at its dot; above, as far as there are points.
        let (from, to) = ((low * 0.7).log10().floor(), (high * 1.1).log10());
        let x_of =
            |value: f64| LEFT + (value.log10() - from) / (to - from) * (WIDTH - LEFT - RIGHT);
        let first = top + 82.0;
        let end = first + ROW * self.marks.len() as f64 - ROW / 2.0;
        for decade in (from as i32)..=(to.floor() as i32) {
            let value = 10_f64.powi(decade);
            let x = x_of(value);
            line(out, "grid", (x, first - 18.0), (x, end));
            let label = if value < 1.0 { format!("{value}") } else { format!("{value:.0}") };
            text(out, x, end + 16.0, "small", "middle", &label);
        }
        for (n, mark) in self.marks.iter().enumerate() {
            let y = first + ROW * n as f64;
            let own = mark.name == "stenolog";
            let (name, stem, dot) =
                if own { ("own", "own-stem", "own-dot") } else { ("", "stem", "dot") };
            let label = if own { "Stenolog" } else { mark.name };
            text(out, LEFT - 12.0, y + 4.5, name, "end", label);
            if !(mark.value.is_finite() && mark.value > 0.0) {
                text(out, LEFT, y + 4.5, "small", "start", "not measured");
                continue;
            }
            let x = x_of(mark.value);
            line(out, stem, (LEFT, y), (x, y));
            let _ = writeln!(out, "<circle class=\"{dot}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>");
            let class = format!("value {name}");
            text(out, x + 12.0, y + 4.5, &class, "start", &mark.label);
        }
        if let Some((value, label)) = self.line {
            let x = x_of(value);
            line(out, "floor", (x, first - 18.0), (x, end));
            text(out, x, first - 23.0, "floor-text", "middle", label);
        }
        end + 42.0
    }
}

fn text(out: &mut String, x: f64, y: f64, class: &str, anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"{anchor}\">{text}</text>"
    );
}

fn line(out: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = writeln!(
        out,
        "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
    );
}
