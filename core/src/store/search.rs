//! What is typed into a search box, and the order of names.

use crate::limits::{SEARCH_BYTES_MAX, SEARCH_WORDS_MAX};

/// An FTS5 query that finds plans with, for each word, a word that begins with it. `None` when nothing is asked.
///
/// Every word is quoted, so nothing that is typed is syntax. An NHS number may be typed in its groups of 3, 3 and 4.
pub(super) fn query(text: &str) -> Option<String> {
    let text = &text[..text.floor_char_boundary(SEARCH_BYTES_MAX)];
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if !digits.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || c == '-') {
        return Some(format!("nhs_number : \"{digits}\" *"));
    }
    let words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(SEARCH_WORDS_MAX)
        .map(|word| format!("\"{}\" *", word.replace('"', " ")))
        .collect();
    (!words.is_empty()).then(|| words.join(" AND "))
}

/// Orders people by family name, then given names, whatever the case and accents of their letters.
pub(super) fn sort_key(family: &str, given: &str) -> String {
    let folded = |name: &str| name.chars().flat_map(char::to_lowercase).map(fold).collect::<String>();
    format!("{}\u{1}{}", folded(family), folded(given))
}

/// The letter under an accent, for the accented lower-case letters of Latin-1 and Latin Extended-A.
const fn fold(letter: char) -> char {
    match letter {
        'à'..='æ' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' | 'đ' | 'ð' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' | 'ħ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'œ' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ß' => 's',
        'ţ' | 'ť' | 'ŧ' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_nhs_number_is_found_by_its_first_digits_however_they_are_grouped() {
        assert_eq!(query("943 476 59"), Some("nhs_number : \"94347659\" *".into()));
        assert_eq!(query("943"), Some("nhs_number : \"943\" *".into()));
    }

    #[test]
    fn nothing_that_is_typed_is_syntax() {
        assert_eq!(query("o'brien AND \"x"), Some("\"o'brien\" * AND \"AND\" * AND \" x\" *".into()));
        assert_eq!(query("  * - \" "), None);
        assert_eq!(query(""), None);
    }

    #[test]
    fn accents_and_case_do_not_change_the_order_of_names() {
        let mut names = ["Zola", "Óra", "oram", "O'Brien", "Ørsted", "Adé", "ADEBAYO"];
        names.sort_by_key(|name| sort_key(name, ""));
        assert_eq!(names, ["Adé", "ADEBAYO", "O'Brien", "Óra", "oram", "Ørsted", "Zola"]);
    }

    #[test]
    fn a_short_family_name_comes_before_a_longer_one_whatever_the_given_names() {
        assert!(sort_key("Ash", "Zoe") < sort_key("Ashe", "Amy"));
    }
}
