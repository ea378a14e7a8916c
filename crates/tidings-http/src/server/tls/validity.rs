//! From when on a certificate is valid, and when it ends: as much of X.509 (RFC 5280, section 4.1) and DER (X.690) as leads there.
//!
//! The certificate is the operator's own; what cannot be read is no error, for rustls decides whether it can be used.

use std::{
    ops::Range,
    time::{Duration, SystemTime},
};

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// The explicit tag [0] of the version, which comes first if it is there.
const VERSION: u8 = 0xa0;

/// From the `notBefore` to the `notAfter` of a certificate.
pub(super) fn validity(certificate: &[u8]) -> Option<Range<SystemTime>> {
    let (SEQUENCE, certificate, _) = element(certificate)? else { return None };
    let (SEQUENCE, signed, _) = element(certificate)? else { return None };
    let (first, _, after_version) = element(signed)?;
    let rest = if first == VERSION { after_version } else { signed };
    let (INTEGER, _serial, rest) = element(rest)? else { return None };
    let (SEQUENCE, _algorithm, rest) = element(rest)? else { return None };
    let (SEQUENCE, _issuer, rest) = element(rest)? else { return None };
    let (SEQUENCE, validity, _) = element(rest)? else { return None };
    let (start_kind, start, rest) = element(validity)?;
    let (end_kind, end, _) = element(rest)?;
    Some(time(start_kind, start)?..time(end_kind, end)?)
}

/// The tag and the content of the first element, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // So many bytes of length follow; four are more than any certificate needs.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ`, or with four digits of the year.
fn time(kind: u8, text: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(text).ok()?;
    let (year, rest) = match kind {
        UTC_TIME => {
            let year = number(text.get(..2)?)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text.get(2..)?)
        }
        GENERALIZED_TIME => (number(text.get(..4)?)?, text.get(4..)?),
        _ => return None,
    };
    let rest = rest.strip_suffix('Z').filter(|rest| rest.len() == 10 && rest.is_ascii() && year >= 1970)?;
    let mut pairs = (0..5).filter_map(|pair| number(&rest[2 * pair..2 * pair + 2]));
    let [month, day, hour, minute, second] = std::array::from_fn(|_| pairs.next());
    let days = days_before(year, month?.checked_sub(1).filter(|month| *month < 12)?) + day?.checked_sub(1)?;
    let seconds = ((days * 24 + hour?) * 60 + minute?) * 60 + second?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Days from 1970 to the first of a month, which is counted from 0.
fn days_before(year: u64, month: u64) -> u64 {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_in = |month: u64| match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    };
    let years: u64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    years + (0..month).map(days_in).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        for (kind, text, seconds) in [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (UTC_TIME, "260228235959Z", Some(1_772_323_199)),
            (GENERALIZED_TIME, "20240229120000Z", Some(1_709_208_000)),
            (GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
            (GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
            (UTC_TIME, "261301000000Z", None),
            (UTC_TIME, "260001000000Z", None),
            (UTC_TIME, "260100000000Z", None),
            (UTC_TIME, "2601010000Z", None),
            (UTC_TIME, "26010100000éZ", None),
            (GENERALIZED_TIME, "19691231235959Z", None),
            (INTEGER, "260101000000Z", None),
        ] {
            let expected = seconds.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(time(kind, text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn whatever_the_bytes_are_nothing_breaks() {
        // SEQUENCE { SEQUENCE { [0] { 2 }, 1, {}, {}, { UTCTime, UTCTime } } }, as a certificate begins.
        let times = [&[UTC_TIME, 13][..], b"260101000000Z", &[UTC_TIME, 13], b"270101000000Z"].concat();
        let mut signed =
            vec![VERSION, 3, INTEGER, 1, 2, INTEGER, 1, 1, SEQUENCE, 0, SEQUENCE, 0, SEQUENCE, 30];
        signed.extend(times);
        let mut whole = vec![SEQUENCE, 0x81, signed.len() as u8 + 2, SEQUENCE, signed.len() as u8];
        whole.extend(signed);
        let [start, end] =
            [1_767_225_600, 1_798_761_600].map(|s| SystemTime::UNIX_EPOCH + Duration::from_secs(s));
        assert_eq!(validity(&whole), Some(start..end));
        for length in 0..whole.len() {
            assert_eq!(validity(&whole[..length]), None);
        }
        for at in 0..whole.len() {
            for value in [0, 0x7f, 0x80, 0x84, 0x85, 0xff] {
                let mut broken = whole.clone();
                broken[at] = value;
                validity(&broken);
            }
        }
    }
}
