//! Summary: the table of the main page, from the tables of `benches/README.md`, whichever run wrote them.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use crate::table;

/// Rows by the name of their table.
struct Page<'a>(&'a str);

/// The rows of a table, without its head.
struct Rows<'a> {
    header: Vec<&'a str>,
    rows: Vec<Vec<&'a str>>,
}

impl<'a> Page<'a> {
    fn rows(&self, name: &str) -> Option<Rows<'a>> {
        let (_, rest) = self.0.split_once(&format!("<!-- bench:{name} -->\n"))?;
        let (piece, _) = rest.split_once(&format!("<!-- /bench:{name} -->"))?;
        let mut lines = piece
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
        let header = lines.next()?;
        Some(Rows { header, rows: lines.skip(1).collect() })
    }
}

impl<'a> Rows<'a> {
    fn row(&self, label: &str) -> Option<&[&'a str]> {
        self.rows.iter().find(|row| row[0] == label).map(Vec::as_slice)
    }

    fn cell(&self, label: &str, column: &str) -> Option<&'a str> {
        let at = self.header.iter().position(|header| *header == column)?;
        self.row(label)?.get(at).copied()
    }

    /// The other row that is best in a column.
    fn best_other(&self, column: usize, most: bool) -> Option<(&'a str, &'a str)> {
        let value = |row: &&Vec<&str>| {
            let number = row.get(column)?.split(' ').next()?.parse::<f64>().ok()?;
            Some(if most { -number } else { number })
        };
        let others = self.rows.iter().filter(|row| !row[0].starts_with("stenolog"));
        let best = others.filter(|row| value(row).is_some()).min_by(|a, b| {
            let (a, b) = (value(a).unwrap_or(f64::INFINITY), value(b).unwrap_or(f64::INFINITY));
            a.total_cmp(&b)
        })?;
        Some((best[0], best[column]))
    }
}

/// The summary, if all of its tables are there.
fn of(page: &Page) -> Option<String> {
    let mut out =
        String::from("| the realistic workload | Stenolog | beside it |\n|---|---|---|\n");
    let mut row = |what: &str, own: String, other: String| {
        let _ = writeln!(out, "| {what} | {own} | {other} |");
    };
    let bytes = page.rows("bytes")?;
    let by_rate = |column: &str| -> Option<String> {
        let cells = ["100", "1000", "10000", "100000"].map(|rate| bytes.cell(rate, column));
        Some(cells.into_iter().collect::<Option<Vec<_>>>()?.join(" / "))
    };
    row(
        "bytes a record at 100 / 1000 / 10000 / 100000 records a second, ten threads",
        by_rate("dump")?,
        format!("`zstd -3` of the text: {}", by_rate("zstd -3")?),
    );
    let mut smallest = format!("`zstd -19` of the text: {}", by_rate("zstd -19")?);
    if let Some(clp) = by_rate("clp-s").filter(|clp| !clp.contains('–')) {
        let _ = write!(smallest, "; `clp-s` of the JSON: {clp}");
    }
    row("the same, repacked", by_rate("repacked")?, smallest);
    let search = page.rows("search")?;
    let seek = |what: &str| -> Option<(String, String)> {
        let cell = |column| search.cell(&format!("`{what}`"), column);
        let rg = format!("ripgrep: {}; re-read: {}", cell("ripgrep, ms")?, cell("re-read, ms")?);
        Some((cell("steno, ms")?.to_owned(), rg))
    };
    for (what, label) in [
        ("-g trace id", "finding a trace id in all of the text, ms"),
        ("status=503", "finding `status=503`, ms"),
        ("-g common word", "finding a common word, ms"),
    ] {
        let (own, rg) = seek(what)?;
        row(label, own, rg);
    }
    let decode = page.rows("decode")?;
    let of_workload = |column| decode.cell("the workload", column);
    row(
        "decoding on one core to text / to JSON, M records/s",
        format!("{} / {}", of_workload("text, M/s")?, of_workload("JSON, M/s")?),
        "it is text".into(),
    );
    for (name, label, column, most) in [
        ("calls-high", "a call, ns (times its floor)", 1, false),
        ("end-to-end", "one thread to a file, M records/s", 1, true),
        ("end-to-end", "the same with values of high entropy, M records/s", 4, true),
    ] {
        let rows = page.rows(name)?;
        let (other, best) = rows.best_other(column, most)?;
        row(label, rows.row("stenolog")?.get(column)?.to_string(), format!("{other}: {best}"));
    }
    let rest = page.rows("rest")?;
    let percent = |rate| rest.cell(rate, "% of a core");
    row(
        "the drain when idle / at 100 records a second, % of a core",
        format!("{} / {}", percent("idle")?, percent("100")?),
        String::new(),
    );
    out.push_str(&losses(&search));
    Some(out)
}

/// Where ripgrep is faster.
fn losses(search: &Rows) -> String {
    let column = |name: &str| search.header.iter().position(|header| *header == name);
    let columns = ["times as fast", "than re-read"].map(column);
    let is_slower = |row: &Vec<&str>| {
        let ratio = |at: usize| row.get(at)?.parse::<f64>().ok();
        columns.into_iter().flatten().filter_map(ratio).any(|ratio| ratio < 1.0)
    };
    let slower_rows = search.rows.iter().filter(|row| is_slower(row));
    let names: Vec<_> = slower_rows.map(|row| row[0]).collect();
    match &names[..] {
        [] => String::new(),
        names => format!("\nripgrep is faster at {}.\n", names.join(", ")),
    }
}

/// Puts the summary of a page's tables into other pages, and into itself if it has a place for it.
pub fn write(from: &Path, pages: &[std::path::PathBuf]) -> Result<(), Box<dyn Error>> {
    let text = std::fs::read_to_string(from)?;
    let Some(summary) = of(&Page(&text)) else {
        eprintln!("{} has not all of the summary's tables", from.display());
        return Ok(());
    };
    for page in pages {
        table::replace_in(page, &[("summary", summary.clone())])?;
    }
    Ok(())
}
