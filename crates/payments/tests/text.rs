//! Texts that people read: what a shopper is shown must be what it says.

use payments::{Text, TextError};

fn text(words: &str) -> Result<String, TextError> {
    Text::try_from(words.to_owned()).map(String::from)
}

#[test]
fn words_of_any_script_are_taken_as_they_are() {
    for words in ["Two oolong teas", "两碗面 + tea", "شاي بالنعناع", "½ kg – “best”", "👩‍🍳 soup"]
    {
        assert_eq!(text(words).as_deref(), Ok(words));
    }
}

#[test]
fn marks_that_turn_the_writing_direction_are_refused() {
    // Shown as "pay CNY 1.00" under another amount.
    assert_eq!(text("\u{202e}00.1 YNC yap"), Err(TextError::ControlCharacter));
    for mark in ['\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}', '\n', '\u{7f}'] {
        assert_eq!(text(&format!("tea{mark}s")), Err(TextError::ControlCharacter), "{mark:?}");
    }
}

#[test]
fn what_nobody_can_see_is_no_text() {
    for words in ["", "   ", " \u{200b} ", "\u{2060}\u{feff}", "\u{3000}"] {
        assert_eq!(text(words), Err(TextError::Empty), "{words:?}");
    }
}

#[test]
fn a_text_has_at_most_140_characters_of_whatever_width() {
    assert!(text(&"茶".repeat(140)).is_ok());
    assert_eq!(text(&"t".repeat(141)), Err(TextError::TooLong { found: 141 }));
}
