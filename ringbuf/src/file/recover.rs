//! Reader of a ring's file, with a live or dead writer.

mod error;

pub use self::error::{Damage, RecoverError};
use super::layout::{BadHeader, Changing, DATA_AT, Fixed, word};
use crate::batch::Record;
use crate::header::{HEADER_BYTES, Header, marked_len, span};
use crate::positions::{Kind, USER_WORDS};
use alloc::vec::Vec;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// The contents of a ring's file when it was opened: every record that was committed and not freed.
///
/// The ring may still be in use, by this process or another. Records that are committed or freed during opening
/// may or may not be included; all others are. In a ring with one producer, nothing after a leaked claim is
/// found, as with the ring's own consumer.
///
/// The whole file is in memory: this takes twice the capacity, or three times if the ring can have many
/// producers.
///
/// # Examples
///
/// ```
/// use stenolog_ringbuf::file::Recovered;
///
/// # #[cfg(feature = "mmap")]
/// # {
/// use stenolog_ringbuf::file::Options;
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("ring-1");
/// let (mut producer, consumer) = Options::new(4096).create_spsc(&path)?;
/// let mut claim = producer.try_claim(5)?;
/// claim.copy_from_slice(b"hello");
/// claim.commit();
/// // Here the process may die.
///
/// let recovered = Recovered::open(&path)?;
/// assert!(recovered.records().map(|record| record.payload().to_vec()).eq([b"hello".to_vec()]));
/// assert_eq!(recovered.damage(), None);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Recovered {
    fixed: Fixed,
    changing: Changing,
    images: Images,
    /// Where reading begins. Everything before was consumed.
    start: u64,
    /// Where it ends.
    end: u64,
    records: usize,
    open_claims: usize,
    damage: Option<Damage>,
}

/// How often a ring is read again whose consumer frees records meanwhile.
const ATTEMPTS: u32 = 100;

/// The ring's memory, read twice, or three times if there can be many producers.
///
/// For a ring that is in use, nothing less would do. A record whose header was committed in the
/// first reading has its whole payload in the second. A claim that is not marked yet in one
/// reading is all zeros in the one before it, but may have payload in its own: so a word that is
/// zero in the first reading and not in the second is the beginning of a claim, unless it follows
/// one without a mark, which the third reading tells the length of; if that has no mark either,
/// all of the claim was zero in the second.
#[derive(Clone, Debug)]
struct Images {
    first: Vec<u8>,
    second: Vec<u8>,
    third: Option<Vec<u8>>,
}

/// The bytes found at a position.
enum Found {
    Record(Header),
    /// Bytes to step over.
    Dead(u64),
    /// Bytes to step over, of a claim.
    Open(u64),
    End,
    Damage(Damage),
}

impl Recovered {
    /// Reads the file of a ring, in use or not.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not a ring file, or has a damaged header. Other damage is not an error:
    /// see [`damage`](Self::damage). [`InUse`](RecoverError::InUse) if the ring has one producer and its
    /// consumer freed records during each of many attempts to read it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RecoverError> {
        let mut file = File::open(path)?;
        // A writer may pass between the readings of two positions, but rarely and not each time. A consumer may
        // free records meanwhile much more often.
        let (mut torn, mut in_use) = (0, 0);
        loop {
            match Self::read(&mut file) {
                Err(RecoverError::Positions { .. }) if torn < 3 => torn += 1,
                Err(RecoverError::InUse) if in_use < ATTEMPTS => {
                    in_use += 1;
                    std::thread::yield_now();
                }
                other => return other,
            }
        }
    }

    /// Reads the bytes of a ring's file.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecoverError> {
        Self::read(&mut io::Cursor::new(bytes))
    }

    fn read(file: &mut (impl Read + Seek)) -> Result<Self, RecoverError> {
        let (fixed, before) = read_header(file)?;
        // Memory for what is there, not for what the header claims.
        let mut image = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(DATA_AT as u64))?;
            file.take(fixed.capacity as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let images = Images {
            first: image()?,
            second: image()?,
            third: (fixed.kind == Kind::ManyProducers).then(image).transpose()?,
        };
        let (fixed_after, after) = read_header(file)?;
        if fixed_after != fixed {
            return Err(RecoverError::Checksum);
        }
        let moved = fixed.kind == Kind::OneProducer && before.consumed != after.consumed;
        let recovered = Self::new(fixed, images, before, after)?;
        // Where the consumer is now, there may have been no record yet when the images were read.
        // With many producers the tail tells; one keeps it to itself.
        if moved { Err(RecoverError::InUse) } else { Ok(recovered) }
    }

    /// Makes sense of images that were read after the positions `before`, and before `after`.
    fn new(
        fixed: Fixed,
        images: Images,
        before: Changing,
        after: Changing,
    ) -> Result<Self, RecoverError> {
        let capacity = fixed.capacity as u64;
        for Changing { head, consumed, tail, .. } in [before, after] {
            let consumed_beyond = consumed.checked_sub(head);
            let claimed = match fixed.kind {
                Kind::OneProducer => Some(0),
                Kind::ManyProducers => tail.checked_sub(head),
            };
            let sound = (head | consumed | tail).is_multiple_of(HEADER_BYTES as u64)
                && head.checked_add(2 * capacity).is_some()
                && consumed_beyond.is_some_and(|bytes| bytes <= capacity)
                && claimed.is_some_and(|bytes| bytes <= capacity)
                && (fixed.kind == Kind::OneProducer || consumed <= tail);
            if !sound {
                let capacity = fixed.capacity;
                return Err(RecoverError::Positions { head, consumed, tail, capacity });
            }
        }
        // Positions never go back; if they did, `start` could be any number of laps before the end.
        if after.consumed < before.head {
            let (head, capacity) = (before.head, fixed.capacity);
            let Changing { consumed, tail, .. } = after;
            return Err(RecoverError::Positions { head, consumed, tail, capacity });
        }
        let limit = match fixed.kind {
            Kind::OneProducer => before.head + capacity,
            Kind::ManyProducers => before.tail,
        };
        let start = after.consumed;
        let mut recovered = Self {
            fixed,
            changing: after,
            images,
            start,
            end: limit,
            records: 0,
            open_claims: 0,
            damage: None,
        };
        recovered.survey();
        Ok(recovered)
    }

    /// Walks once through all there is: counts it, and finds the end and its cause.
    fn survey(&mut self) {
        let mut position = self.start;
        while position < self.end {
            position += match self.find(position) {
                Found::Record(header) => {
                    self.records += 1;
                    header.span()
                }
                Found::Dead(bytes) => bytes,
                Found::Open(bytes) => {
                    self.open_claims += 1;
                    bytes
                }
                Found::End => break,
                Found::Damage(damage) => {
                    self.damage = Some(damage);
                    break;
                }
            };
        }
        self.end = position;
    }

    /// Finds out what begins at a position that is a multiple of 8 and before the end. The result has at least
    /// 8 bytes, and ends before the limit and the ring's end.
    fn find(&self, position: u64) -> Found {
        let capacity = self.fixed.capacity as u64;
        let offset = (position & (capacity - 1)) as usize;
        let room = (self.end - position).min(capacity - offset as u64);
        let (Some(first), Some(second)) =
            (word(&self.images.first, offset), word(&self.images.second, offset))
        else {
            return Found::Damage(Damage::Truncated { position });
        };
        let damage = |word| Found::Damage(Damage::Header { position, word });

        if let Some(header) = Header::from_word(first.to_le()) {
            if header.span() > room {
                // With one producer, it may have continued during the reading, in space that was freed after
                // the limit was set: its record may cross the limit, and came later.
                let freed = (self.changing.head + capacity).saturating_sub(position);
                let is_later = self.fixed.kind == Kind::OneProducer
                    && header.span() <= freed.min(capacity - offset as u64);
                return if is_later { Found::End } else { damage(first) };
            }
            if header.is_skip() {
                return Found::Dead(header.span());
            }
            if self.payload(offset, header).is_none() {
                return Found::Damage(Damage::Truncated { position });
            }
            return Found::Record(header);
        }
        if self.fixed.kind == Kind::OneProducer {
            return if first == 0 { Found::End } else { damage(first) };
        }
        // Claimed and not committed, at least at the first reading. Its length may also be known from a later
        // reading.
        let third = self.images.third.as_ref().and_then(|image| word(image, offset));
        let open = [first, second].into_iter().chain(third).find(|&found| found != 0);
        let Some(open) = open else {
            // Not marked either: all of the claim is zero.
            return Found::Dead(HEADER_BYTES as u64);
        };
        let bytes = match (marked_len(open.to_le()), Header::from_word(open.to_le())) {
            (Some(len), _) => span(len) as u64,
            (None, Some(header)) => header.span(),
            (None, None) => return damage(open),
        };
        if bytes > room { damage(open) } else { Found::Open(bytes) }
    }

    fn payload(&self, offset: usize, header: Header) -> Option<&[u8]> {
        self.images.second.get(offset + HEADER_BYTES..)?.get(..header.len())
    }

    /// The records, oldest first.
    #[must_use]
    pub fn records(&self) -> RecoveredRecords<'_> {
        RecoveredRecords { recovered: self, position: self.start, left: self.records }
    }

    /// The number of claims that were neither committed nor aborted, and were stepped over. In a ring with one
    /// producer, a claim at the end leaves no trace and is not counted.
    #[must_use]
    pub fn open_claims(&self) -> usize {
        self.open_claims
    }

    /// The reason why records may be missing at the end; `None` if they cannot be.
    #[must_use]
    pub fn damage(&self) -> Option<Damage> {
        self.damage
    }

    /// The position of the first byte that was not consumed.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.start
    }

    /// The position after the last record or claim that was found.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The kind of the ring: one producer or many.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.fixed.kind
    }

    /// The capacity of the ring in bytes, including headers and padding.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.fixed.capacity
    }

    /// The process that created the ring.
    #[must_use]
    pub fn process_id(&self) -> u64 {
        self.fixed.process_id
    }

    /// The thread id that the creator gave the ring.
    #[must_use]
    pub fn thread_id(&self) -> u64 {
        self.fixed.thread_id
    }

    /// The ring id that the creator gave the ring.
    #[must_use]
    pub fn ring_id(&self) -> u64 {
        self.fixed.ring_id
    }

    /// The user words.
    #[must_use]
    pub fn user_words(&self) -> [u64; USER_WORDS] {
        self.changing.user_words
    }
}

fn read_header(file: &mut (impl Read + Seek)) -> Result<(Fixed, Changing), RecoverError> {
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    file.take(DATA_AT as u64).read_to_end(&mut bytes)?;
    let found = bytes.len();
    let fixed = Fixed::from_bytes(&bytes).map_err(|bad| match bad {
        BadHeader::Short => RecoverError::Truncated { found },
        other => other.into(),
    })?;
    match Changing::from_bytes(&bytes) {
        Some(changing) if found == DATA_AT => Ok((fixed, changing)),
        _ => Err(RecoverError::Truncated { found }),
    }
}

/// The records of a [`Recovered`] ring, oldest first.
#[derive(Clone, Debug)]
pub struct RecoveredRecords<'a> {
    recovered: &'a Recovered,
    position: u64,
    left: usize,
}

impl<'a> Iterator for RecoveredRecords<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        while self.position < self.recovered.end {
            let position = self.position;
            self.position += match self.recovered.find(position) {
                Found::Record(header) => {
                    self.left -= 1;
                    self.position += header.span();
                    let offset = (position & (self.recovered.fixed.capacity as u64 - 1)) as usize;
                    let payload = self.recovered.payload(offset, header)?;
                    return Some(Record::new(payload, header.tag(), position));
                }
                Found::Dead(bytes) | Found::Open(bytes) => bytes,
                Found::End | Found::Damage(_) => break,
            };
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for RecoveredRecords<'_> {}
impl core::iter::FusedIterator for RecoveredRecords<'_> {}

#[cfg(test)]
mod tests;
