//! Output to a writer, and its errors.

use super::*;

/// A writer that takes a number of bytes and then breaks.
struct Breaking {
    taken: Vec<u8>,
    left: usize,
}

impl io::Write for Breaking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let length = bytes.len().min(self.left);
        self.left -= length;
        self.taken.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn write_to_writes_the_header_and_all_entries() {
    let dump = long().dump();
    for format in Format::ALL {
        for threads in [1, 2] {
            let (expected, summary) =
                crate::testing::render(std::slice::from_ref(&dump), Filter::default(), format);
            let options = RenderOptions::default().with_threads(NonZero::new(threads).unwrap());
            let mut out = Vec::new();
            let mut decoder = Decoder::new(&dump);
            let found = decoder.write_to(&mut out, format, &options).unwrap();
            assert!(out == expected.as_bytes(), "{format}, {threads} threads");
            assert_eq!(format!("{found:?}"), format!("{summary:?}"));
            // There is nothing more, not even a header.
            out.clear();
            decoder.write_to(&mut out, format, &options).unwrap();
            assert!(out.is_empty());
        }
    }
}

#[test]
fn write_to_gives_the_error_of_the_writer_and_goes_on_after_it() {
    let dump = long().dump();
    let (expected, summary) =
        crate::testing::render(std::slice::from_ref(&dump), Filter::default(), Format::Json);
    let mut decoder = Decoder::new(&dump);
    let mut pieces = Vec::new();
    let _ = Decoder::new(&dump).render(
        Format::Json,
        &RenderOptions::default(),
        NonZero::<usize>::MIN,
        |text| {
            pieces.push(text.len());
            ControlFlow::Continue(())
        },
    );
    assert!(pieces.len() > 2);
    let mut out = Breaking { taken: Vec::new(), left: pieces[0] };
    let options = RenderOptions::default();
    let error = decoder.write_to(&mut out, Format::Json, &options).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    out.left = usize::MAX;
    let found = decoder.write_to(&mut out, Format::Json, &options).unwrap();
    // Only the piece that was refused is missing.
    let rest = &expected.as_bytes()[pieces[0] + pieces[1]..];
    assert!(out.taken == [&expected.as_bytes()[..pieces[0]], rest].concat());
    assert_eq!(format!("{found:?}"), format!("{summary:?}"));
}
