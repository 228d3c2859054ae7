//! Kinds of characters, by their Unicode properties.

use unicode_properties::{
    GeneralCategory as Category, GeneralCategoryGroup as Group, UnicodeGeneralCategory,
};

/// Characters that leave the line empty, although their category is that of letters, signs
/// or marks: fillers, blanks, variation selectors and Unicode's other default ignorables
/// (<https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point>), and the
/// replacement for an object that was not copied.
const fn is_blank(character: char) -> bool {
    matches!(
        character,
        '\u{34F}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{2800}'
            | '\u{303F}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FFA0}'
            | '\u{FFFC}'
            | '\u{13441}'
            | '\u{13442}'
            | '\u{1D159}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// Returns whether a character is an invisible instruction for the display, such as a
/// change of the text direction or a zero-width space.
pub(super) fn is_format(character: char) -> bool {
    character.general_category() == Category::Format
}

/// Returns whether a character is a space on the line.
pub(super) fn is_space(character: char) -> bool {
    character == '\t' || character.general_category() == Category::SpaceSeparator
}

/// Returns whether a character is a control character or breaks the line.
pub(super) fn is_control(character: char) -> bool {
    matches!(
        character.general_category(),
        Category::Control | Category::LineSeparator | Category::ParagraphSeparator
    )
}

/// Returns whether a character is visible on its own: a letter, a digit, or another sign.
pub(super) fn is_visible(character: char) -> bool {
    let group = character.general_category_group();
    matches!(group, Group::Letter | Group::Number | Group::Punctuation | Group::Symbol)
        && !is_blank(character)
}

/// Returns whether a character cannot be seen. A combining mark, which is visible on
/// another character, can.
pub(super) fn is_invisible(character: char) -> bool {
    is_format(character) || is_space(character) || is_control(character) || is_blank(character)
}

/// Returns whether a character is a hyphen or a dash.
pub(super) fn is_dash(character: char) -> bool {
    // The minus sign, and the Japanese sound mark that is typed for a dash.
    matches!(character, '\u{2212}' | '\u{30FC}')
        || character.general_category() == Category::DashPunctuation
}

/// Returns the value of a decimal digit of any script, as an ASCII digit.
///
/// Unicode's decimal digits come in runs of ten, zero first
/// (<https://www.unicode.org/policies/stability_policy.html>).
pub(super) fn ascii_digit(character: char) -> Option<char> {
    let is_digit = |c: &char| c.general_category() == Category::DecimalNumber;
    if !is_digit(&character) {
        return None;
    }
    let before = ('\0'..character).rev().take_while(is_digit).count();
    char::from_digit(u32::try_from(before % 10).ok()?, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_all_scripts_have_their_values() {
        // Latin, Arabic, Persian, Devanagari, Thai, full-width, mathematical bold and monospace.
        for zero in ['0', '٠', '۰', '०', '๐', '０', '𝟎', '𝟶'] {
            let digits = (u32::from(zero)..).take(10).filter_map(char::from_u32);
            let values: String = digits.filter_map(ascii_digit).collect();
            assert_eq!(values, "0123456789", "{zero}");
        }
        for other in ['a', '²', '½', '①', '一', 'Ⅷ', ' '] {
            assert_eq!(ascii_digit(other), None, "{other}");
        }
    }

    #[test]
    fn invisible_characters_are_not_visible() {
        for blank in "\0\t\n \u{a0}\u{ad}\u{200b}\u{200d}\u{2028}\u{2067}\u{3164}\u{2800}\u{fe0f}\
                      \u{feff}\u{e0067}"
            .chars()
        {
            assert!(is_invisible(blank) && !is_visible(blank), "{blank:?}");
        }
        for shown in "aß王م7.-+👩€".chars() {
            assert!(is_visible(shown) && !is_invisible(shown), "{shown:?}");
        }
        // Visible on another character only.
        assert!(!is_visible('\u{301}') && !is_invisible('\u{301}'));
    }
}
