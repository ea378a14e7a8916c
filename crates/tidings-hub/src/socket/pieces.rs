//! The pieces that one write of a socket is made of: what is left of the slices that were offered, a chunk's first line,
//! and all of it in one piece if that is small. No I/O.

use std::io::IoSlice;

use bytes::Bytes;

use super::CRLF;

/// What has not been written yet of the slices that were offered.
pub(super) struct Left<'a> {
    slices: &'a [Bytes],
    /// Of the first slice, so many bytes have been written.
    offset: usize,
    pub(super) bytes: usize,
}

impl<'a> Left<'a> {
    pub(super) fn new(slices: &'a [Bytes]) -> Self {
        let mut left = Self { slices, offset: 0, bytes: slices.iter().map(Bytes::len).sum() };
        left.skip_empty();
        left
    }

    /// Puts as much as fits into `out`, at most `limit` bytes, and returns how many slices and how many bytes.
    pub(super) fn gather(&self, out: &mut [IoSlice<'a>], limit: usize) -> (usize, usize) {
        let (mut count, mut bytes, mut offset) = (0, 0, self.offset);
        for (out, slice) in out.iter_mut().zip(self.slices) {
            let part = &slice[offset..];
            if bytes == limit {
                break;
            }
            let part = &part[..part.len().min(limit - bytes)];
            *out = IoSlice::new(part);
            (count, bytes, offset) = (count + 1, bytes + part.len(), 0);
        }
        (count, bytes)
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.offset += bytes;
        self.skip_empty();
    }

    /// Whatever is left begins in the first slice.
    fn skip_empty(&mut self) {
        while let Some(first) = self.slices.first()
            && self.offset >= first.len()
        {
            self.offset -= first.len();
            self.slices = &self.slices[1..];
        }
    }
}

/// A chunk's first line: its size, in hexadecimal digits.
pub(super) struct Size {
    bytes: [u8; 10],
    len: usize,
}

impl Size {
    pub(super) fn of(size: usize) -> Self {
        let mut line = Self { bytes: [0; 10], len: 0 };
        let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
        for digit in (0..digits).rev() {
            line.bytes[line.len] = b"0123456789abcdef"[(size >> (4 * digit)) & 15];
            line.len += 1;
        }
        line.bytes[line.len..line.len + 2].copy_from_slice(CRLF);
        line.len += 2;
        line
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The slices in one piece, if it is a small one.
pub(super) fn join<'a>(slices: &[IoSlice<'_>], out: &'a mut [u8]) -> Option<&'a [u8]> {
    let mut len = 0;
    for slice in slices {
        out.get_mut(len..len + slice.len())?.copy_from_slice(slice);
        len += slice.len();
    }
    Some(&out[..len])
}

#[cfg(test)]
mod tests {
    use super::{super::CHUNK_BYTES, *};

    #[test]
    fn sizes_are_hexadecimal() {
        for size in [1, 9, 10, 15, 16, 255, 4096, CHUNK_BYTES - 1, CHUNK_BYTES] {
            assert_eq!(Size::of(size).as_bytes(), format!("{size:x}\r\n").as_bytes());
        }
    }
}
