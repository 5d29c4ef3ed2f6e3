//! Values of a record whose types are known at run time: their bytes, and the identity of their types.
//!
//! ```text
//!   bytes      the values in raw layout, as in the ring
//!   identity   code, key │ code, key │ …     the key is an index, a name, or nothing
//! ```
//!
//! Each thread keeps a buffer of both. Code of the user's that runs meanwhile, such as an implementation of
//! `Debug`, may log: it finds no buffer and uses another one.

use std::cell::RefCell;
use std::error::Error;
use std::fmt::{self, Write};

use stenolog_format::dictionary::Role;
use stenolog_format::types::{Type, empty_type, error_type};

use crate::registry::runtime::ShapeSlot;
#[cfg(feature = "tracing")]
use crate::registry::runtime::is_equal;
use crate::value::{ErrorChain, Text};

/// A buffer that has grown beyond this is not kept.
const KEPT_CAPACITY: usize = 1 << 16;

/// The longest message that becomes the text of a call site.
#[cfg(feature = "tracing")]
const MAX_KNOWN_BYTES: usize = 1 << 10;

thread_local! {
    static BUFFER: RefCell<Values> = const { RefCell::new(Values::new()) };
}

/// Runs `work` with empty values.
#[inline]
pub(crate) fn with<R>(work: impl FnOnce(&mut Values) -> R) -> R {
    // Only `None` if the buffer was not there to be used.
    let mut work = Some(work);
    let done = BUFFER.try_with(|buffer| {
        let mut values = buffer.try_borrow_mut().ok()?;
        values.bytes.clear();
        values.identity.clear();
        values.has_known = false;
        let result = work.take().map(|work| work(&mut values));
        if values.bytes.capacity() > KEPT_CAPACITY {
            values.shrink();
        }
        result
    });
    match (done, work) {
        (Ok(Some(result)), _) => result,
        (_, Some(work)) => work(&mut Values::new()),
        (_, None) => unreachable!("work that has begun ends with a result, or unwinds"),
    }
}

/// The kind of a value: its type and its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    Empty = 1,
    Bool,
    I64,
    U64,
    I128,
    U128,
    F64,
    Char,
    Str,
    Bytes,
    Display,
    Debug,
    Error,
    /// The message, as text.
    Message,
    /// The message is one that the call site knows, so it is no value.
    Known,
    /// A word that is not shown.
    Hidden,
}

impl Code {
    const ALL: [Self; 16] = [
        Self::Empty,
        Self::Bool,
        Self::I64,
        Self::U64,
        Self::I128,
        Self::U128,
        Self::F64,
        Self::Char,
        Self::Str,
        Self::Bytes,
        Self::Display,
        Self::Debug,
        Self::Error,
        Self::Message,
        Self::Known,
        Self::Hidden,
    ];

    fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|code| *code as u8 == byte)
    }

    fn ty(self) -> Type {
        match self {
            Self::Bool => Type::Bool,
            Self::I64 => Type::I64,
            Self::U64 | Self::Hidden => Type::U64,
            Self::I128 => Type::I128,
            Self::U128 => Type::U128,
            Self::F64 => Type::F64,
            Self::Char => Type::Char,
            Self::Str => Type::Str,
            Self::Bytes => Type::Slice(Box::new(Type::U8)),
            Self::Display | Self::Debug | Self::Message => Type::Formatted,
            Self::Error => error_type(),
            Self::Empty | Self::Known => empty_type(),
        }
    }

    const fn role(self) -> Role {
        match self {
            Self::Debug => Role::DebugField,
            Self::Message => Role::Argument,
            Self::Hidden => Role::Count,
            _ => Role::Field,
        }
    }
}

/// A key of the identity that is an index.
const INDEX: u8 = 0xfe;
/// The end of a key that is a name: no byte of UTF-8.
const END: u8 = 0xff;

/// The values of a record.
#[derive(Debug)]
pub(crate) struct Values {
    bytes: Vec<u8>,
    identity: Vec<u8>,
    /// Whether the message is one that the call site knows.
    has_known: bool,
}

impl Values {
    const fn new() -> Self {
        Self { bytes: Vec::new(), identity: Vec::new(), has_known: false }
    }

    #[cold]
    fn shrink(&mut self) {
        self.bytes = Vec::new();
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    pub(crate) fn identity(&self) -> &[u8] {
        &self.identity
    }

    /// Begins a value that its index in a list of names names.
    #[inline]
    pub(crate) fn index(&mut self, code: Code, index: usize) {
        let [low, high, ..] = index.to_le_bytes();
        self.identity.extend_from_slice(&[code as u8, INDEX, low, high]);
    }

    /// Begins a value with a name.
    #[inline]
    #[cfg(feature = "log")]
    pub(crate) fn name(&mut self, code: Code, name: &str) {
        self.identity.push(code as u8);
        self.identity.extend_from_slice(name.as_bytes());
        self.identity.push(END);
    }

    /// Appends a hidden word of a span event.
    #[inline]
    #[cfg(feature = "tracing")]
    pub(crate) fn hidden(&mut self, word: u64) {
        self.identity.push(Code::Hidden as u8);
        self.put(&word.to_le_bytes());
    }

    /// Appends the message, unless it is the `known` one of the call site. Returns whether that would do from now on
    /// although it is not known yet: it was written at once.
    #[inline]
    #[cfg(feature = "tracing")]
    pub(crate) fn message_or_known(
        &mut self,
        message: &dyn fmt::Debug,
        known: Option<&str>,
    ) -> bool {
        let start = self.bytes.len();
        let mut text = MessageWriter { values: self, known, state: MessageState::Empty };
        let has_failed = write!(text, "{message:?}").is_err();
        match text.state {
            MessageState::Known if !has_failed => {
                self.known(&[]);
                return false;
            }
            MessageState::Empty if known == Some("") && !has_failed => {
                self.known(&[]);
                return false;
            }
            MessageState::Known | MessageState::Empty => text.begin(),
            MessageState::Once | MessageState::More => {}
        }
        let is_once = matches!(text.state, MessageState::Once);
        if has_failed {
            self.put(Text::FAILED.as_bytes());
        }
        self.finish_text(start);
        self.identity.push(Code::Message as u8);
        // A long text is a value: a call site takes memory for the life of the process, and its text may be cut.
        let is_short = self.bytes.len() - start <= MAX_KNOWN_BYTES;
        known.is_none() && is_once && !has_failed && is_short
    }

    /// Makes the message, which is the last value and was appended at `start`, one that the call site knows.
    #[cfg(feature = "tracing")]
    pub(crate) fn make_known(&mut self, start: usize) {
        self.bytes.truncate(start);
        self.identity.pop();
        self.known(&[]);
    }

    /// Appends the bytes of a value that was begun.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a string or bytes.
    #[inline]
    pub(crate) fn put_counted(&mut self, bytes: &[u8]) {
        // A longer one fits into no ring, and is counted as too large.
        self.put(&(bytes.len() as u32).to_le_bytes());
        self.put(bytes);
    }

    /// Appends text that is formatted now. If an implementation reports an error, what it wrote before is kept.
    #[inline]
    pub(crate) fn put_text(&mut self, text: fmt::Arguments<'_>) {
        let start = self.bytes.len();
        self.put(&[0; 4]);
        if self.write_fmt(text).is_err() {
            self.put(Text::FAILED.as_bytes());
        }
        self.finish_text(start);
    }

    /// Writes the length of a text that begins at `start`.
    #[inline]
    fn finish_text(&mut self, start: usize) {
        let len = (self.bytes.len() - start - 4) as u32;
        self.bytes[start..start + 4].copy_from_slice(&len.to_le_bytes());
    }

    /// Appends an error with its sources.
    pub(crate) fn put_error(&mut self, error: &(dyn Error + 'static)) {
        self.put_text(format_args!("{error}"));
        let at = self.bytes.len();
        self.put(&[0; 4]);
        let mut count = 0_u32;
        let mut next = error.source();
        while let Some(source) = next {
            if count == ErrorChain::MAX_SOURCES {
                self.put_text(format_args!("…"));
                count += 1;
                break;
            }
            self.put_text(format_args!("{source}"));
            next = source.source();
            count += 1;
        }
        self.bytes[at..at + 4].copy_from_slice(&count.to_le_bytes());
    }

    /// Appends the message as a value.
    #[inline]
    pub(crate) fn message(&mut self, message: fmt::Arguments<'_>) {
        self.identity.push(Code::Message as u8);
        self.put_text(message);
    }

    /// Notes a message that the call site knows. `tag` tells it apart from others of the same call site.
    #[inline]
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn known(&mut self, tag: &[u8]) {
        self.has_known = true;
        self.identity.push(Code::Known as u8);
        self.identity.push(tag.len() as u8);
        self.identity.extend_from_slice(tag);
    }

    /// Whether the message is one that the call site knows.
    #[cfg(feature = "tracing")]
    pub(crate) const fn has_known(&self) -> bool {
        self.has_known
    }

    /// The values as slots, for the description of a shape; `name_of` gives the name of an index.
    pub(crate) fn slots<'n>(&self, name_of: impl Fn(usize) -> &'n str) -> Vec<ShapeSlot> {
        let mut slots = Vec::new();
        let mut rest = &*self.identity;
        while let Some((&code, after)) = rest.split_first() {
            let Some(code) = Code::of(code) else { break };
            rest = after;
            let name = match code {
                Code::Known => {
                    let (len, after) = rest.split_first().unwrap_or((&0, &[]));
                    rest = after.get(usize::from(*len)..).unwrap_or_default();
                    continue;
                }
                // No field: without a name.
                Code::Message | Code::Hidden => String::new(),
                _ => match rest {
                    [INDEX, low, high, after @ ..] => {
                        rest = after;
                        name_of(usize::from(u16::from_le_bytes([*low, *high]))).to_owned()
                    }
                    _ => {
                        let end = rest.iter().position(|&byte| byte == END).unwrap_or(rest.len());
                        let name = String::from_utf8_lossy(&rest[..end]).into_owned();
                        rest = rest.get(end + 1..).unwrap_or_default();
                        name
                    }
                },
            };
            slots.push((name, code.role(), code.ty()));
        }
        slots
    }
}

/// How a message has been written so far.
#[cfg(feature = "tracing")]
#[derive(Clone, Copy)]
enum MessageState {
    Empty,
    /// It is the known one; nothing was appended.
    Known,
    /// By one write.
    Once,
    More,
}

/// A message that is compared with a known one while it is written.
#[cfg(feature = "tracing")]
struct MessageWriter<'v> {
    values: &'v mut Values,
    known: Option<&'v str>,
    state: MessageState,
}

#[cfg(feature = "tracing")]
impl MessageWriter<'_> {
    /// Appends the length, which is not known yet, and what was compared only.
    fn begin(&mut self) {
        self.values.put(&[0; 4]);
        if let (MessageState::Known, Some(known)) = (self.state, self.known) {
            self.values.put(known.as_bytes());
        }
    }
}

#[cfg(feature = "tracing")]
impl Write for MessageWriter<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.state = match self.state {
            MessageState::Empty
                if self.known.is_some_and(|known| is_equal(known.as_bytes(), text.as_bytes())) =>
            {
                self.state = MessageState::Known;
                return Ok(());
            }
            MessageState::Empty => {
                self.begin();
                MessageState::Once
            }
            MessageState::Known => {
                self.begin();
                MessageState::More
            }
            MessageState::Once | MessageState::More => MessageState::More,
        };
        self.values.put(text.as_bytes());
        Ok(())
    }
}

impl Write for Values {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
