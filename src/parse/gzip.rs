//! Bytes packed by gzip, up to a bound.

use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// How many times its own size a file may become: text is packed to a tenth, seldom to a fiftieth.
const RATIO: usize = 200;

/// The bytes before they were packed; nothing where they are broken, or more than `most`.
pub fn unpack(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let packed = bytes.get(header(bytes)?..)?;
    let most = most.min(bytes.len().saturating_mul(RATIO));
    decompress_to_vec_with_limit(packed, most).ok()
}

/// Whether it starts as gzip does.
pub fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 8])
}

/// How long the header is.
fn header(bytes: &[u8]) -> Option<usize> {
    if !is_packed(bytes) {
        return None;
    }
    let flags = *bytes.get(3)?;
    let mut at = 10;
    if flags & 4 != 0 {
        let extra = bytes.get(at..at + 2)?;
        at += 2 + usize::from(u16::from_le_bytes([extra[0], extra[1]]));
    }
    // A name, and a comment, each up to a zero.
    for flag in [8, 16] {
        if flags & flag != 0 {
            at += memchr::memchr(0, bytes.get(at..)?)? + 1;
        }
    }
    Some(if flags & 2 != 0 { at + 2 } else { at })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `printf 'hello hello hello\n' | gzip -n` gives, and the same with a name.
    fn packed(name: &str) -> Vec<u8> {
        let mut out = vec![0x1f, 0x8b, 8, if name.is_empty() { 0 } else { 8 }, 0, 0, 0, 0, 0, 3];
        if !name.is_empty() {
            out.extend(name.bytes().chain([0]));
        }
        out.extend(miniz_oxide::deflate::compress_to_vec(b"hello hello hello\n", 6));
        out.extend([0; 8]);
        out
    }

    #[test]
    fn a_file_is_unpacked_with_or_without_a_name() {
        for name in ["", "a.json"] {
            assert_eq!(unpack(&packed(name), 100).as_deref(), Some(&b"hello hello hello\n"[..]));
        }
    }

    #[test]
    fn nothing_grows_beyond_its_bound_and_nothing_broken_is_read() {
        let whole = packed("a");
        assert_eq!(unpack(&whole, 17), None);
        (0..whole.len() - 8).for_each(|end| assert_eq!(unpack(&whole[..end], 100), None));
        let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
        bomb.extend(miniz_oxide::deflate::compress_to_vec(&vec![0; 4 << 20], 9));
        assert_eq!(unpack(&bomb, usize::MAX), None);
    }
}
