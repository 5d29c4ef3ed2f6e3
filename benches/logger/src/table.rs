//! Tables in Markdown, for the terminal and for `benches/README.md`.

use std::error::Error;
use std::fmt;
use std::path::Path;

/// A table with its foot.
pub struct Table {
    /// Its name in the comments of the README.
    pub name: &'static str,
    /// The line above it.
    pub title: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// The paragraphs below it.
    pub notes: Vec<String>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.title)?;
        let rows = || std::iter::once(&self.header).chain(&self.rows);
        let columns = self.header.len();
        let length = |cell: &String| cell.chars().count();
        let width = |n| rows().filter_map(|row| row.get(n)).map(length).max();
        let widths: Vec<_> = (0..columns).map(|n| width(n).unwrap_or(0).max(3)).collect();
        for (n, row) in rows().enumerate() {
            write!(f, "|")?;
            for (column, width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                match column {
                    0 => write!(f, " {cell:<width$} |")?,
                    _ => write!(f, " {cell:>width$} |")?,
                }
            }
            writeln!(f)?;
            if n == 0 {
                write!(f, "|")?;
                for (column, width) in widths.iter().enumerate() {
                    let right = if column == 0 { '-' } else { ':' };
                    write!(f, "{:-<width$}{right}|", "-", width = width + 1)?;
                }
                writeln!(f)?;
            }
        }
        for note in &self.notes {
            writeln!(f, "\n{note}")?;
        }
        Ok(())
    }
}

/// A figure for a cell: three significant digits, or a dash if it is not finite.
pub fn number(x: f64) -> String {
    match x {
        x if !x.is_finite() => "–".into(),
        x if x >= 99.95 || x == 0.0 => format!("{x:.0}"),
        x if x >= 9.995 => format!("{x:.1}"),
        x if x >= 0.095 => format!("{x:.2}"),
        x => format!("{x:.4}"),
    }
}

/// Replaces the text between the comments that name each piece. Pieces without such comments in the
/// file are left out.
pub fn replace_in(path: &Path, pieces: &[(&str, String)]) -> Result<(), Box<dyn Error>> {
    let mut text = std::fs::read_to_string(path)?;
    for (name, piece) in pieces {
        let (open, close) = (format!("<!-- bench:{name} -->\n"), format!("<!-- /bench:{name} -->"));
        let Some(start) = text.find(&open).map(|at| at + open.len()) else { continue };
        let length = text[start..].find(&close).ok_or_else(|| format!("{close} is missing"))?;
        text.replace_range(start..start + length, piece);
    }
    std::fs::write(path, text)?;
    Ok(())
}
