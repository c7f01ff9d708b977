//! From bytes to plain text: encodings, line ends, tags, entities.

/// UTF-8 (with or without mark), UTF-16 (with a mark, or betrayed by its zero bytes), else Windows-1252.
pub(super) fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ if zeros(bytes, 1) => utf16(bytes, u16::from_le_bytes),
        _ if zeros(bytes, 0) => utf16(bytes, u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|&byte| windows_1252(byte)).collect(),
        },
    }
}

/// Whether most of the first bytes at this parity are zero, as half of each ASCII character is in UTF-16.
fn zeros(bytes: &[u8], parity: usize) -> bool {
    let head = &bytes[..bytes.len().min(64)];
    let halves = head.iter().skip(parity).step_by(2);
    let count = halves.clone().count();
    count >= 4 && halves.filter(|&&byte| byte == 0).count() * 4 > count * 3
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Latin-1, with the typographic characters that Windows has between 0x80 and 0x9f.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte) - 0x80],
        _ => char::from(byte),
    }
}

/// Lines ended by LF, CRLF or a lone CR.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// The lines as plain text of at most `max_chars` characters, blank ones left out.
pub(super) fn plain(lines: &[&str], max_chars: usize) -> String {
    let joined = lines.join("\n");
    let decoded = entities(&without_tags(&joined));
    let visible = decoded.chars().filter(|c| *c == '\n' || !is_invisible(*c)).collect::<String>();
    let kept: Vec<&str> = visible.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    kept.join("\n").chars().take(max_chars).collect::<String>().trim_end().to_owned()
}

/// Control characters, marks of direction, joiners of no width.
fn is_invisible(c: char) -> bool {
    (c.is_control() && c != '\t') || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
}

/// Drops `<i>`, `</c.yellow>`, `<00:01.000>` and `{\an8}`; leaves `a < b`, `<3` and `{sic}` alone.
fn without_tags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '{']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let skip = tag_bytes(rest).unwrap_or_else(|| {
            plain.push_str(&rest[..1]);
            1
        });
        rest = &rest[skip..];
    }
    plain.push_str(rest);
    plain
}

/// Length of the tag that the text begins with, if it is one. Tags are short; looking no further keeps it linear.
fn tag_bytes(text: &str) -> Option<usize> {
    const LONGEST: usize = 200;
    let close = if text.starts_with('<') { b'>' } else { b'}' };
    let end = text.bytes().take(LONGEST).position(|byte| byte == close)?;
    let inner = &text[1..end];
    let is_tag = match (close, inner.chars().next()?) {
        (b'}', first) => first == '\\',
        (_, '/' | '!') => true,
        (_, first) if first.is_ascii_digit() => {
            inner.bytes().all(|b| b.is_ascii_digit() || b":.,".contains(&b))
        }
        (_, first) => first.is_ascii_alphabetic(),
    };
    is_tag.then_some(end + 1)
}

/// Decodes the named entities of WebVTT and numbered ones; leaves unknown ones as they are.
fn entities(text: &str) -> String {
    const LONGEST: usize = 10;
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(LONGEST).position(|byte| byte == b';');
        match end.and_then(|end| Some((entity(&rest[1..end])?, end + 1))) {
            Some((character, skip)) => {
                decoded.push(character);
                rest = &rest[skip..];
            }
            None => {
                decoded.push('&');
                rest = &rest[1..];
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "lrm" => '\u{200e}',
        "rlm" => '\u{200f}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    })
}
