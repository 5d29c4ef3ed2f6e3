//! Sought: what is searched for, as it is found in the middle of the log.

use std::error::Error;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// What is asked of both programs.
pub struct Row {
    pub what: String,
    pub steno: Vec<String>,
    pub rg: String,
    /// Whether both find the same lines.
    pub is_same: bool,
}

/// Values that are in the log.
pub struct Sought {
    trace: String,
    order: String,
    client_order: String,
    session: String,
    user: String,
    /// The time of a line, nine tenths into the log.
    late: String,
}

/// How much of the text is looked at.
const PIECE: usize = 1 << 20;

impl Sought {
    /// The first values of each kind after the middle of a text.
    pub fn in_text(text: &Path) -> Result<Self, Box<dyn Error>> {
        let middle = piece(text, 0.5)?;
        let value = |key: &str| -> Result<String, Box<dyn Error>> {
            let start =
                middle.find(key).ok_or_else(|| format!("no {key} in the text"))? + key.len();
            let end = middle[start..].find([' ', '\n', ',']).ok_or("the value does not end")?;
            Ok(middle[start..start + end].to_owned())
        };
        let late = piece(text, 0.9)?;
        let late = late.lines().nth(1).and_then(|line| line.split_once(' ')).ok_or("no time")?;
        Ok(Self {
            trace: value(" trace_id=")?,
            order: value(" order_id=")?,
            client_order: value(" client_order_id=")?,
            session: value(" session_id=")?,
            user: value(" user=")?,
            late: late.0.to_owned(),
        })
    }

    /// What is rare, ids above all, and what is not.
    pub fn rows(&self) -> Vec<Row> {
        let Self { client_order, session, user, late, .. } = self;
        let mut rows = self.few_rows();
        rows.extend([
            field("client_order_id", client_order),
            field("session_id", session),
            field("user", user),
            grep("client order id", client_order),
            grep("UUID", session),
            grep("common word", "SELECT"),
            grep("literal of a call site", "cache hit"),
            grep("regex with literal", "acknowledged after [0-9]{4}\\."),
            grep("regex without literal", "[0-9]{20}"),
            row("-l error", &["-l", "error"], " ERROR "),
            row("-t audit", &["-t", "audit"], " audit: "),
            row("--thread fix", &["--thread", "fix"], " fix fix::"),
            // ripgrep has no notion of time: it is given the second of it.
            Row {
                is_same: false,
                ..row(
                    "--since, the last tenth",
                    &["--since", late],
                    &format!("^{}", late.get(..19).unwrap_or_default()),
                )
            },
        ]);
        rows
    }

    /// The ones that say most.
    pub fn few_rows(&self) -> Vec<Row> {
        vec![
            grep("trace id", &self.trace),
            grep("order id", &self.order),
            field("order_id", &self.order),
            field("trace_id", &self.trace),
            field("status", "503"),
            grep("absent word", "quokka-4242"),
        ]
    }
}

fn row(what: &str, steno: &[&str], rg: &str) -> Row {
    Row {
        what: what.to_owned(),
        steno: steno.iter().map(|word| (*word).to_owned()).collect(),
        rg: rg.to_owned(),
        is_same: true,
    }
}

fn grep(what: &str, pattern: &str) -> Row {
    row(&format!("-g {what}"), &["-g", pattern], pattern)
}

/// A field with a value, and its text.
fn field(name: &str, value: &str) -> Row {
    let what = match value.len() {
        ..=3 => value,
        _ if value.parse::<f64>().is_ok() => "N",
        _ => "…",
    };
    let pattern = format!(" {name}={}( |$)", value.replace('.', "\\."));
    row(&format!("{name}={what}"), &[&format!("{name}={value}")], &pattern)
}

/// Text from that share of a file on.
fn piece(path: &Path, share: f64) -> Result<String, Box<dyn Error>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start((length as f64 * share) as u64))?;
    let mut piece = Vec::new();
    file.take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(String::from_utf8_lossy(&piece).into_owned())
}
