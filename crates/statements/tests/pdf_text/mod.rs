//! The text of a PDF as Krilla writes it: enough of the format to read our own pages back, through the fonts' tables of
//! characters, as a viewer's search does.

use std::collections::BTreeMap;
use std::io::Read as _;

/// The text of each page; each piece that was drawn is a line.
pub(crate) fn pages(bytes: &[u8]) -> Vec<String> {
    let objects = objects(bytes);
    let page = |object: &&Object| object.head.contains("/Type/Page/");
    objects.values().filter(page).map(|object| page_text(&objects, &object.head)).collect()
}

struct Object {
    head: String,
    content: String,
}

/// The objects by number; streams unpacked, each byte a character.
fn objects(bytes: &[u8]) -> BTreeMap<u32, Object> {
    let mut objects = BTreeMap::new();
    let mut rest = bytes;
    while let Some(start) = find(rest, b" 0 obj\n") {
        let digits = rest[..start].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let number = latin(&rest[start - digits..start]).parse().unwrap();
        rest = &rest[start + 7..];
        let end = find(rest, b"endobj").unwrap();
        let stream = find(&rest[..end], b"stream\n");
        let head = latin(&rest[..stream.unwrap_or(end)]);
        let mut content = Vec::new();
        if let Some(stream) = stream {
            let length = number_after(&head, "/Length ") as usize;
            let packed = &rest[stream + 7..stream + 7 + length];
            rest = &rest[stream + 7 + length..];
            if flate2::read::ZlibDecoder::new(packed).read_to_end(&mut content).is_err() {
                content.clear();
            }
        }
        objects.insert(number, Object { head, content: latin(&content) });
    }
    objects
}

fn page_text(objects: &BTreeMap<u32, Object>, page: &str) -> String {
    let resources = match page.find("/Resources ") {
        Some(_) => &objects[&number_after(page, "/Resources ")].head,
        None => page,
    };
    let content = &objects[&number_after(page, "/Contents ")].content;
    let mut text = String::new();
    let mut characters = BTreeMap::new();
    for operation in content.split("ET\n") {
        let Some((_, operation)) = operation.split_once("BT ") else { continue };
        if let Some((_, font)) = operation.split_once("/f") {
            let name = format!("/f{} ", font.split(' ').next().unwrap());
            let font = &objects[&number_after(resources, &name)].head;
            characters = character_map(&objects[&number_after(font, "/ToUnicode ")].content);
        }
        let codes = codes(&operation[operation.find("Tm").unwrap()..]);
        text.extend(codes.chunks(2).filter_map(|pair| characters.get(&(pair[0] << 8 | pair[1])).cloned()));
        text.push('\n');
    }
    text
}

/// The bytes of all literal strings of an operation.
fn codes(operation: &str) -> Vec<u32> {
    let mut codes = Vec::new();
    let (mut inside, mut depth) = (false, 0);
    let mut characters = operation.chars().peekable();
    while let Some(character) = characters.next() {
        match (inside, character) {
            (false, '(') => inside = true,
            (false, _) => {}
            (true, ')') if depth == 0 => inside = false,
            (true, '\\') => {
                let escaped = characters.next().unwrap();
                let mut code = escaped.to_digit(8);
                for _ in 0..2 {
                    if let (Some(high), Some(digit)) = (code, characters.peek().and_then(|next| next.to_digit(8))) {
                        code = Some(high * 8 + digit);
                        characters.next();
                    }
                }
                let named = [('n', 10), ('r', 13), ('t', 9), ('b', 8), ('f', 12)];
                let named = named.iter().find(|(name, _)| *name == escaped).map(|(_, code)| *code);
                codes.push(code.or(named).unwrap_or(escaped as u32));
            }
            (true, other) => {
                depth += i32::from(other == '(') - i32::from(other == ')');
                codes.push(other as u32);
            }
        }
    }
    codes
}

/// Which glyph stands for which characters: the `bfchar` lines of a font's table.
fn character_map(table: &str) -> BTreeMap<u32, String> {
    let hexadecimal = |text: &str| u32::from_str_radix(text, 16).unwrap();
    let pairs = table.lines().filter_map(|line| line.strip_prefix('<')?.strip_suffix('>')?.split_once("> <"));
    pairs
        .map(|(glyph, text)| {
            let units: Vec<u16> =
                (0..text.len() / 4).map(|at| u16::from_str_radix(&text[at * 4..at * 4 + 4], 16).unwrap()).collect();
            (hexadecimal(glyph), String::from_utf16(&units).unwrap())
        })
        .collect()
}

fn number_after(text: &str, key: &str) -> u32 {
    let start = text.find(key).unwrap_or_else(|| panic!("{key} in {text}")) + key.len();
    let digits: String = text[start..].chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}
