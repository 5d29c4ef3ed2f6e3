//! A check of what a process that died has left.

use stenolog_decoder::{Record, Value};
use stenolog_tests::kill::{spans, text};

/// Whether the records of each thread are all there, once and in order.
pub(crate) struct Check<'a> {
    pub(crate) floors: &'a [u64],
    /// The number of each thread's last record.
    pub(crate) last: Vec<u64>,
    pub(crate) buffer: String,
    pub(crate) failure: Option<String>,
}

/// A span as [`spans`] has it.
pub(crate) fn shown(name: Option<&str>, number: Option<u64>) -> String {
    let name = name.unwrap_or("?");
    number.map_or_else(|| name.to_owned(), |number| format!("{name} {number}"))
}

impl<'a> Check<'a> {
    pub(crate) fn new(floors: &'a [u64]) -> Self {
        Self { floors, last: vec![0; floors.len()], buffer: String::new(), failure: None }
    }

    /// The first failure counts.
    pub(crate) fn fail(&mut self, why: String) {
        self.failure.get_or_insert(why);
    }

    pub(crate) fn take_record(&mut self, record: &Record<'_>) {
        let mut message = std::mem::take(&mut self.buffer);
        message.clear();
        record.write_message(&mut message);
        let field = record.fields().find_map(|(name, value)| match value {
            Value::Str(text) if name == "text" => Some(&**text),
            _ => None,
        });
        let found = record.spans().map(|span| {
            let number = span.fields().into_iter().find_map(|(name, value)| match value {
                Value::U64(number) if name == "number" => Some(number),
                _ => None,
            });
            shown(span.name(), number)
        });
        self.take(&message, field, &found.collect::<Vec<_>>());
        self.buffer = message;
    }

    pub(crate) fn take(&mut self, message: &str, field: Option<&str>, found: &[String]) {
        let mut words = message.splitn(3, ' ');
        let (thread, number) = (words.next(), words.next());
        let (Some(Ok(thread)), Some(Ok(number))) =
            (thread.map(str::parse::<usize>), number.map(str::parse::<u64>))
        else {
            return self.fail(format!("no thread has logged `{message}`"));
        };
        let Some(last) = self.last.get_mut(thread) else {
            return self.fail(format!("there is no thread {thread}"));
        };
        let before = std::mem::replace(last, number);
        if number != before + 1 {
            self.fail(format!("thread {thread}: {number} comes after {before}"));
        }
        if words.next().or(field) != text(number).as_deref() {
            self.fail(format!("thread {thread}: record {number} is `{message}`, {field:?}"));
        }
        let expected = spans(number);
        if found != expected {
            self.fail(format!("thread {thread}: {number} is in {found:?}, not in {expected:?}"));
        }
    }

    /// How many records there were.
    pub(crate) fn finish(mut self) -> Result<u64, String> {
        for (thread, (&floor, last)) in self.floors.iter().zip(self.last.clone()).enumerate() {
            if last < floor {
                self.fail(format!("thread {thread}: ends with {last}, and {floor} had returned"));
            }
        }
        self.failure.map_or(Ok(self.last.iter().sum()), Err)
    }
}
