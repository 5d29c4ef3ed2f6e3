//! Numbers for people: counts, sizes and spans of time.

/// `12 345`: groups of three, as in ISO 80000.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// `1 record`, `12 345 records`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// `512 B`, `1.5 MiB`.
pub(crate) fn bytes(number: u64) -> String {
    let mut unit = "B";
    let mut value = number as f64;
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1023.95 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if unit == "B" { format!("{number} B") } else { format!("{value:.1} {unit}") }
}

/// Reads `4096`, `512K`, `64M`, `4G`: powers of 1024, with or without `iB` or `B`.
///
/// # Errors
/// If it is not a size, or does not fit 64 bits.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim_end_matches("iB").trim_end_matches('B') {
        "" => 0,
        "k" | "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err("use a number and K, M, G or T".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "use a number and K, M, G or T".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "does not fit 64 bits".to_owned())
}

/// `1.25 ms`, `2 h 05 min 07 s`.
pub(crate) fn span(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    match seconds {
        0 if ns < 1_000 => format!("{ns} ns"),
        0 if ns < 1_000_000 => format!("{:.2} µs", ns as f64 / 1e3),
        0 => format!("{:.2} ms", ns as f64 / 1e6),
        1..60 => format!("{:.2} s", ns as f64 / 1e9),
        60..3_600 => format!("{minutes} min {rest:02} s"),
        3_600..86_400 => format!("{hours} h {minutes:02} min {rest:02} s"),
        _ => format!("{} d {hours:02} h {minutes:02} min", count(days)),
    }
}

/// `3 records and 2 span events`: what rings have, as the other commands count it together.
pub(crate) fn recovered(records: u64, spans: u64) -> String {
    match spans {
        0 => counted(records, "record"),
        spans => format!("{} and {}", counted(records, "record"), counted(spans, "span event")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let shown = [0, 7, 999, 1_000, 12_345, 1_234_567].map(count);
        assert_eq!(shown, ["0", "7", "999", "1 000", "12 345", "1 234 567"]);
        assert_eq!([0, 1, 2].map(|n| counted(n, "ring")), ["0 rings", "1 ring", "2 rings"]);
    }

    #[test]
    fn sizes() {
        let shown = [0, 1023, 1024, 1536, 1_048_575, 5 << 30].map(bytes);
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "5.0 GiB"]);
    }

    #[test]
    fn sizes_are_read() {
        let read = ["0", "4096", "512K", "64MiB", "4G", "1TB"].map(|text| parse_bytes(text).ok());
        assert_eq!(read, [0, 4096, 512 << 10, 64 << 20, 4 << 30, 1 << 40].map(Some));
        for text in ["", "G", "-1", "1.5G", "1Q", "17000000T"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans() {
        let s = 1_000_000_000;
        let shown = [999, 1_500, 1_250_000, 59 * s, 61 * s, 7_507 * s, 90_061 * s].map(span);
        assert_eq!(
            shown,
            [
                "999 ns",
                "1.50 µs",
                "1.25 ms",
                "59.00 s",
                "1 min 01 s",
                "2 h 05 min 07 s",
                "1 d 01 h 01 min"
            ]
        );
    }
}
