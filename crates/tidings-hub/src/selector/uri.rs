//! Topics as URIs.

/// The bytes of a text as a URI would have them: what is not ASCII percent-encoded, as RFC 3987 (section 3.1) maps an IRI
/// to a URI, and the digits of percent-encoded octets in upper case, which mean the same (RFC 3986, section 6.2.2.1).
#[derive(Debug)]
pub(super) struct AsUri<'t> {
    rest: std::slice::Iter<'t, u8>,
    /// What is left of an octet.
    digits: std::array::IntoIter<u8, 2>,
}

impl<'t> AsUri<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        let mut digits = [0; 2].into_iter();
        digits.by_ref().for_each(drop);
        Self { rest: text.iter(), digits }
    }
}

impl Iterator for AsUri<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        if let Some(digit) = self.digits.next() {
            return Some(digit);
        }
        let byte = *self.rest.next()?;
        if !byte.is_ascii() {
            let digit = |value: u8| HEX[usize::from(value)];
            self.digits = [digit(byte >> 4), digit(byte & 15)].into_iter();
            return Some(b'%');
        }
        if byte == b'%'
            && let &[high, low, ..] = self.rest.as_slice()
            && is_octet(high, low)
        {
            self.digits = [high, low].map(|digit| digit.to_ascii_uppercase()).into_iter();
            self.rest = self.rest.as_slice()[2..].iter();
        }
        Some(byte)
    }
}

/// Whether these are the digits of a percent-encoded octet.
pub(super) fn is_octet(high: u8, low: u8) -> bool {
    high.is_ascii_hexdigit() && low.is_ascii_hexdigit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_have_one_form() {
        for (text, uri) in [
            ("", ""),
            ("a/b?c", "a/b?c"),
            ("é", "%C3%A9"),
            ("%c3%A9%2f", "%C3%A9%2F"),
            ("%", "%"),
            ("%f", "%f"),
            ("%fx%%aa", "%fx%%AA"),
        ] {
            assert_eq!(AsUri::new(text.as_bytes()).collect::<Vec<_>>(), uri.as_bytes(), "{text}");
        }
    }
}
