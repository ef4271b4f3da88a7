//! Packed charts: the text files of a `.tgz`, unpacked in memory and within bounds.

use std::collections::BTreeMap;

use crate::{artifact::render::Files, source::Source};

/// How many archives one chart may hold.
const MOST_ARCHIVES: usize = 50;
/// How many bytes one archive may unpack to.
const LARGEST: usize = 64 << 20;
/// How many files one archive may hold.
const MOST_FILES: usize = 5000;

/// The files of a repository, and those in the packed charts that one of its charts holds.
pub struct Unpacked {
    paths: Vec<String>,
    texts: BTreeMap<String, String>,
}

impl Unpacked {
    /// Unpacks what the chart in `folder` holds as `charts/NAME.tgz`: its files lie as in a folder
    /// of that name.
    pub fn read(folder: &str, files: &Files<'_>) -> Self {
        let charts = format!("{folder}charts/");
        let start = files.paths.partition_point(|it| it.as_str() < charts.as_str());
        let held = files.paths[start..].iter().take_while(|it| it.starts_with(&charts));
        let is_packed = |it: &&String| is_archive(&it[charts.len()..]);
        let mut texts = BTreeMap::new();
        for archive in held.filter(is_packed).take(MOST_ARCHIVES) {
            let packed = files.bytes.and_then(|it| it(archive));
            let unpacked = packed.and_then(|it| unpack(&it)).unwrap_or_default();
            texts.extend(unpacked.into_iter().filter_map(|(path, text)| {
                let (_, below) = path.split_once('/')?;
                Some((format!("{archive}/{below}"), text))
            }));
        }
        let mut paths = Vec::new();
        if !texts.is_empty() {
            paths = files.paths.iter().chain(texts.keys()).cloned().collect();
            paths.sort();
        }
        Self { paths, texts }
    }

    /// Every path, those in archives included.
    pub fn paths<'p>(&'p self, files: &Files<'p>) -> &'p [String] {
        if self.paths.is_empty() { files.paths } else { &self.paths }
    }

    /// A file in an archive.
    pub fn get(&self, path: &str) -> Option<Source> {
        self.texts.get(path).map(|text| Source::new(path, text.as_str()))
    }
}

fn is_archive(below: &str) -> bool {
    below.ends_with(".tgz") && !below.contains('/')
}

/// The folder in `charts/` that an unpacked file lies in, with a `/` at its end.
pub fn archive_of(path: &str) -> Option<&str> {
    path.find(".tgz/").map(|at| &path[..at + ".tgz/".len()])
}

/// The files in a packed chart, by path, as `helm package` writes it: text only.
fn unpack(packed: &[u8]) -> Option<Vec<(String, String)>> {
    let body = gzip_body(packed)?;
    files(&inflate(body)?)
}

/// What lies between the header of a gzip file and its check sum, which we do not check.
fn gzip_body(bytes: &[u8]) -> Option<&[u8]> {
    let [0x1f, 0x8b, 8, flags, ..] = *bytes else { return None };
    let mut rest = bytes.get(10..)?;
    if flags & 4 != 0 {
        let length = usize::from(u16::from_le_bytes([*rest.first()?, *rest.get(1)?]));
        rest = rest.get(2 + length..)?;
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            rest = rest.get(rest.iter().position(|it| *it == 0)? + 1..)?;
        }
    }
    if flags & 2 != 0 { rest.get(2..) } else { Some(rest) }
}

/// The plain files of a tar archive.
fn files(tar: &[u8]) -> Option<Vec<(String, String)>> {
    let mut files = Vec::new();
    let mut rest = tar;
    while let Some(header) = rest.get(..512).filter(|it| it[0] != 0) {
        let size = octal(&header[124..136])?;
        let content = rest.get(512..512 + size)?;
        if matches!(header[156], b'0' | 0) {
            let path = [text(&header[345..500]), text(&header[..100])].join("/");
            let path = path.trim_start_matches('/').to_owned();
            files.push((path, String::from_utf8_lossy(content).into_owned()));
        }
        if files.len() > MOST_FILES {
            return None;
        }
        rest = rest.get(512 + size.next_multiple_of(512)..).unwrap_or_default();
    }
    Some(files)
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|it| *it == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

fn octal(field: &[u8]) -> Option<usize> {
    let digits = text(field);
    let size = usize::from_str_radix(digits.trim(), 8).ok()?;
    (size <= LARGEST).then_some(size)
}

/// Bits, lowest first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    held: u32,
    count: u32,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<u32> {
        while self.count < count {
            self.held |= u32::from(*self.bytes.get(self.at)?) << self.count;
            self.at += 1;
            self.count += 8;
        }
        let value = self.held & ((1 << count) - 1);
        self.held >>= count;
        self.count -= count;
        Some(value)
    }
}

/// A Huffman code: how many symbols have each length, and the symbols in the order of their codes.
struct Code {
    counts: [u16; 16],
    symbols: Vec<u16>,
}

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        for length in lengths {
            counts[usize::from(*length)] += 1;
        }
        counts[0] = 0;
        let mut symbols: Vec<u16> = (0..lengths.len() as u16).collect();
        symbols.retain(|it| lengths[usize::from(*it)] > 0);
        symbols.sort_by_key(|it| lengths[usize::from(*it)]);
        Self { counts, symbols }
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Option<u16> {
        let (mut code, mut first, mut index) = (0i32, 0i32, 0i32);
        for count in &self.counts[1..] {
            let count = i32::from(*count);
            code |= bits.take(1)? as i32;
            if code - first < count {
                return self.symbols.get((index + code - first) as usize).copied();
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

const LENGTHS: [(usize, u32); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
const DISTANCES: [(usize, u32); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The bytes of a deflated stream (RFC 1951); none if it is broken or too large.
fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut bits = Bits { bytes, at: 0, held: 0, count: 0 };
    let mut out = Vec::new();
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored(&mut bits, &mut out)?,
            1 => {
                let mut lengths = [8; 288];
                lengths[144..256].fill(9);
                lengths[256..280].fill(7);
                block(&mut bits, &mut out, &Code::new(&lengths), &Code::new(&[5; 30]))?;
            }
            2 => {
                let (literals, distances) = codes(&mut bits)?;
                block(&mut bits, &mut out, &literals, &distances)?;
            }
            _ => return None,
        }
        if last {
            return Some(out);
        }
    }
}

fn stored(bits: &mut Bits<'_>, out: &mut Vec<u8>) -> Option<()> {
    (bits.held, bits.count) = (0, 0);
    let length = bits.take(16)? as usize;
    bits.take(16)?;
    let content = bits.bytes.get(bits.at..bits.at + length)?;
    bits.at += length;
    (out.len() + length <= LARGEST).then(|| out.extend_from_slice(content))
}

fn codes(bits: &mut Bits<'_>) -> Option<(Code, Code)> {
    let literals = bits.take(5)? as usize + 257;
    let distances = bits.take(5)? as usize + 1;
    let described = bits.take(4)? as usize + 4;
    let mut lengths = [0u8; 19];
    for at in &ORDER[..described] {
        lengths[*at] = bits.take(3)? as u8;
    }
    let code = Code::new(&lengths);
    let mut lengths: Vec<u8> = Vec::with_capacity(literals + distances);
    while lengths.len() < literals + distances {
        let (length, times) = match code.symbol(bits)? {
            16 => (*lengths.last()?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length as u8, 1),
        };
        lengths.extend(std::iter::repeat_n(length, times as usize));
    }
    let (first, second) = lengths.get(..literals + distances)?.split_at(literals);
    Some((Code::new(first), Code::new(second)))
}

fn block(bits: &mut Bits<'_>, out: &mut Vec<u8>, literals: &Code, distances: &Code) -> Option<()> {
    loop {
        match literals.symbol(bits)? {
            256 => return Some(()),
            byte @ 0..=255 => out.push(byte as u8),
            symbol => {
                let (length, extra) = *LENGTHS.get(usize::from(symbol) - 257)?;
                let length = length + bits.take(extra)? as usize;
                let (distance, extra) = *DISTANCES.get(usize::from(distances.symbol(bits)?))?;
                let distance = distance + bits.take(extra)? as usize;
                let start = out.len().checked_sub(distance)?;
                for at in start..start + length {
                    out.push(out[at]);
                }
            }
        }
        if out.len() > LARGEST {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deflated_text_is_inflated() {
        // `printf aaaaaaaaaabbbbb | gzip -n`
        let packed = [
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0x4c, 0x84, 0x81, 0x24, 0x10, 0, 0, 0x6f,
            0x55, 0xe0, 0x86, 0x0f, 0, 0, 0,
        ];
        let text = inflate(gzip_body(&packed).unwrap());
        assert_eq!(text.as_deref(), Some(&b"aaaaaaaaaabbbbb"[..]));
    }

    #[test]
    fn broken_archives_are_nothing() {
        for bytes in
            [&b""[..], b"\x1f\x8b\x08", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff"]
        {
            assert!(unpack(bytes).is_none());
        }
    }

    #[test]
    fn the_files_of_a_tar_have_their_paths() {
        let mut tar = vec![0u8; 512];
        tar[..8].copy_from_slice(b"db/a.txt");
        tar[124..136].copy_from_slice(b"00000000003\0");
        tar[156] = b'0';
        tar.extend_from_slice(b"abc");
        tar.resize(2048, 0);
        assert_eq!(files(&tar).unwrap(), [("db/a.txt".to_owned(), "abc".to_owned())]);
    }
}
