//! What is typed into a search box, and the names it is meant for.
//!
//! Names and what is typed are compared in lower case, without accents, hyphens and apostrophes. First comes what begins
//! as it was typed, from the full-text index. Then, of names alone, what is similar: a wrong letter, one too many, one
//! missing, or two neighbours swapped. Digits are never forgiven: a number that is nearly right is somebody else's.
//!
//! Similar names are found on a walk through the index of names with a Levenshtein automaton (Schulz and Mihov, 2002) for each
//! word. What it costs: `cargo xtask bench open/list`.

use std::sync::LazyLock;

use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder, SINK_STATE};

use super::columns::{Columns, all, first, limit};
use super::error::{At as _, StoreError};
use super::read::{VaultRead, plan, plan_columns};
use super::rows::PlanRow;
use crate::limits::{
    FORGIVEN_DIGITS_MIN, SEARCH_BYTES_MAX, SEARCH_HITS_MAX, SEARCH_SIMILAR_MAX, SEARCH_WORDS_MAX,
};

const STEP: &str = "search the plans";

/// A plan that was found.
pub struct Hit {
    /// The plan.
    pub plan: PlanRow,
    /// It does not begin as it was typed: the name is similar, or the NHS number has the digits further on.
    pub similar: bool,
}

/// The words of a search, as they are compared.
#[derive(Debug, PartialEq, Eq)]
struct Typed(Vec<String>);

impl Typed {
    fn read(text: &str) -> Self {
        let text = folded(&text[..text.floor_char_boundary(SEARCH_BYTES_MAX)]);
        let mut words: Vec<String> = Vec::new();
        for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
            let word: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
            let goes_on = is_number(&word) && words.last().is_some_and(|last| is_number(last));
            match words.last_mut() {
                _ if word.is_empty() => {}
                // An NHS number may be typed in its groups of 3, 3 and 4.
                Some(last) if goes_on => last.push_str(&word),
                _ => words.push(word),
            }
        }
        words.truncate(SEARCH_WORDS_MAX);
        Self(words)
    }

    /// The digits, when nothing else was typed.
    fn number(&self) -> Option<&str> {
        match self.0.as_slice() {
            [only] if is_number(only) => Some(only),
            _ => None,
        }
    }

    /// An FTS5 query that finds plans with, for each word, a word that begins with it. `None` when nothing is asked.
    ///
    /// Words hold letters and digits only, and are quoted: nothing that is typed is syntax.
    fn query(&self) -> Option<String> {
        if let Some(number) = self.number() {
            return Some(format!("nhs_number : \"{number}\" *"));
        }
        let words: Vec<String> = self.0.iter().map(|word| format!("\"{word}\" *")).collect();
        (!words.is_empty()).then(|| words.join(" AND "))
    }
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

impl VaultRead<'_> {
    /// Plans with, for each word that was typed, a word in name, place or NHS number that begins with it, by name; then
    /// those that are similar, the most similar first. At most [`SEARCH_HITS_MAX`]. Nothing typed, nothing found.
    pub fn search(&self, text: &str, count: usize) -> Result<Vec<Hit>, StoreError> {
        let typed = Typed::read(text);
        let Some(query) = typed.query() else { return Ok(Vec::new()) };
        let count = count.min(SEARCH_HITS_MAX);
        let sql = "SELECT rowid FROM plan_search WHERE plan_search MATCH ?1 ORDER BY rowid";
        let matches = all(self.connection, STEP, sql, [query], |row| row.number::<i64>(0))?;
        let mut logs = self.in_order_of_names(&matches)?;
        logs.truncate(count);
        let found = |log, similar| Ok(self.listed_plan(log)?.map(|plan| Hit { plan, similar }));
        let mut hits: Vec<Hit> =
            logs.into_iter().filter_map(|log| found(log, false).transpose()).collect::<Result<_, _>>()?;
        let room = (count - hits.len()).min(SEARCH_SIMILAR_MAX);
        let similar = match typed.number() {
            _ if room == 0 => Vec::new(),
            Some(number) => self.with_number_inside(number, room)?,
            None => self.similar(&typed, &matches, room)?,
        };
        hits.extend(similar.into_iter().map(|plan| Hit { plan, similar: true }));
        Ok(hits)
    }

    fn listed_plan(&self, log: i64) -> Result<Option<PlanRow>, StoreError> {
        let sql = concat!(
            "SELECT ",
            plan_columns!(),
            " FROM plan p JOIN log l ON l.number = p.log WHERE p.log = ?1"
        );
        first(self.connection, STEP, sql, [log], plan)
    }

    /// The first plans by name among these, which are ascending; at least [`SEARCH_HITS_MAX`] if there are as many.
    ///
    /// Many matches are met soon on a walk through all names; few are faster looked up one by one and sorted.
    fn in_order_of_names(&self, matches: &[i64]) -> Result<Vec<i64>, StoreError> {
        const STEP: &str = "order the plans that were found";
        if matches.len() > 4 * SEARCH_HITS_MAX {
            let sql = "SELECT log FROM plan INDEXED BY plan_by_name ORDER BY sort, log";
            let mut statement = self.connection.prepare_cached(sql).at(STEP)?;
            let mut rows = statement.query([]).at(STEP)?;
            let mut hits = Vec::new();
            while hits.len() < SEARCH_HITS_MAX
                && let Some(row) = rows.next().at(STEP)?
            {
                let log = Columns::new(row, STEP).number(0)?;
                hits.extend(matches.binary_search(&log).is_ok().then_some(log));
            }
            return Ok(hits);
        }
        let sql = "SELECT sort FROM plan WHERE log = ?1";
        let mut named = Vec::new();
        for log in matches {
            named.extend(first(self.connection, STEP, sql, [log], |row| Ok((row.text(0)?, *log)))?);
        }
        named.sort();
        Ok(named.into_iter().map(|(_, log)| log).collect())
    }

    /// Plans whose NHS number has these digits, and not at its beginning.
    fn with_number_inside(&self, digits: &str, count: usize) -> Result<Vec<PlanRow>, StoreError> {
        if digits.len() < FORGIVEN_DIGITS_MIN {
            return Ok(Vec::new());
        }
        let sql = "SELECT log FROM plan INDEXED BY plan_by_nhs_number WHERE instr(nhs_number, ?1) > 1 \
                   ORDER BY nhs_number LIMIT ?2";
        let values = rusqlite::params![digits, limit(count)];
        let logs = all(self.connection, STEP, sql, values, |row| row.number::<i64>(0))?;
        logs.into_iter().filter_map(|log| self.listed_plan(log).transpose()).collect()
    }

    /// Plans with names similar to what was typed, without those that match it.
    fn similar(&self, typed: &Typed, matches: &[i64], count: usize) -> Result<Vec<PlanRow>, StoreError> {
        let sought: Vec<Sought> = typed.0.iter().map(|word| Sought::new(word)).collect();
        if sought.iter().all(|word| word.automaton.is_none()) {
            return Ok(Vec::new());
        }
        let sql = "SELECT log, sort FROM plan INDEXED BY plan_by_name ORDER BY sort, log";
        let mut statement = self.connection.prepare_cached(sql).at(STEP)?;
        let mut rows = statement.query([]).at(STEP)?;
        let (mut likely, mut joined) = (Vec::new(), String::new());
        while let Some(row) = rows.next().at(STEP)? {
            let row = Columns::new(row, STEP);
            let likeness = Likeness::of(&sought, row.str(1)?, &mut joined);
            if likeness.errors > 0 {
                likely.push((likeness, row.number::<i64>(0)?));
            }
        }
        // Where they are equal, the order of names is kept.
        likely.sort_by_key(|(likeness, _)| (likeness.errors, likeness.begins_otherwise));
        let mut found = Vec::new();
        for (likeness, log) in likely.into_iter().filter(|(_, log)| matches.binary_search(log).is_err()) {
            if found.len() == count {
                break;
            }
            found.extend(self.listed_plan(log)?.filter(|plan| likeness.is_made_up_for(typed, plan)));
        }
        Ok(found)
    }
}

/// A word, and what counts as similar to it.
struct Sought<'a> {
    word: &'a str,
    /// None for a word so short that most names would be similar, and for one with digits.
    automaton: Option<DFA>,
}

/// Automata for one error and for two.
static AUTOMATA: LazyLock<[LevenshteinAutomatonBuilder; 2]> =
    LazyLock::new(|| [1, 2].map(|errors| LevenshteinAutomatonBuilder::new(errors, true)));

impl<'a> Sought<'a> {
    fn new(word: &'a str) -> Self {
        let allowed = match word.chars().count() {
            _ if word.contains(|c: char| c.is_numeric()) => None,
            0..=3 => None,
            4..=7 => Some(0),
            _ => Some(1),
        };
        Self { word, automaton: allowed.map(|which: usize| AUTOMATA[which].build_dfa(word)) }
    }

    /// With how few errors a name begins with the word; none when with too many.
    fn errors(&self, name: &str) -> Option<u8> {
        let Some(automaton) = &self.automaton else { return name.starts_with(self.word).then_some(0) };
        let mut state = automaton.initial_state();
        let mut fewest = None;
        for byte in name.bytes() {
            state = automaton.transition(state, byte);
            if state == SINK_STATE {
                break;
            }
            if let Distance::Exact(errors) = automaton.distance(state) {
                fewest = Some(fewest.map_or(errors, |fewest: u8| fewest.min(errors)));
            }
        }
        fewest
    }
}

/// How similar a name is to what was typed.
struct Likeness {
    /// Over all words.
    errors: u32,
    /// The first letter of a word is wrong: that happens seldom.
    begins_otherwise: bool,
    /// The words that are not in the name, one bit each: they have to be in the place or the NHS number.
    missing: u8,
}

const _: () = assert!(SEARCH_WORDS_MAX <= 8);

impl Likeness {
    /// `sort` is what [`sort_key`] makes; `joined` is room to work in.
    fn of(sought: &[Sought<'_>], sort: &str, joined: &mut String) -> Self {
        let mut best = [None; SEARCH_WORDS_MAX];
        each_word(sort, joined, &mut |name| {
            for (word, best) in sought.iter().zip(&mut best) {
                let found =
                    word.errors(name).map(|errors| (errors, !name.starts_with(first_letter(word.word))));
                *best = match (*best, found) {
                    (Some(known), Some(found)) => Some(std::cmp::min(known, found)),
                    (known, found) => known.or(found),
                };
            }
        });
        let mut likeness = Self { errors: 0, begins_otherwise: false, missing: 0 };
        for (place, best) in best.iter().enumerate().take(sought.len()) {
            match best {
                Some((errors, begins_otherwise)) => {
                    likeness.errors += u32::from(*errors);
                    likeness.begins_otherwise |= *errors > 0 && *begins_otherwise;
                }
                None => likeness.missing |= 1 << place,
            }
        }
        likeness
    }

    fn is_made_up_for(&self, typed: &Typed, plan: &PlanRow) -> bool {
        let place = indexed(&plan.place);
        typed.0.iter().enumerate().filter(|(number, _)| self.missing & (1 << number) != 0).all(|(_, word)| {
            plan.nhs_number.starts_with(word) || place.split(' ').any(|known| known.starts_with(word))
        })
    }
}

fn first_letter(word: &str) -> &str {
    &word[..word.ceil_char_boundary(1)]
}

/// The words of a name: `o'brien` is `o`, `brien` and `obrien`; `de la cruz` is each of its words and `delacruz`.
fn each_word(name: &str, joined: &mut String, use_it: &mut impl FnMut(&str)) {
    let apart = |c: char| !c.is_alphanumeric();
    for part in name.split(SORT_SEPARATOR) {
        let mut words = 0;
        for word in part.split(char::is_whitespace) {
            let mut pieces = 0;
            for piece in word.split(apart).filter(|piece| !piece.is_empty()) {
                pieces += 1;
                use_it(piece);
            }
            words += usize::from(pieces > 0);
            if pieces > 1 {
                joined.clear();
                joined.extend(word.split(apart));
                use_it(joined);
            }
        }
        if words > 1 {
            joined.clear();
            joined.extend(part.split(apart));
            use_it(joined);
        }
    }
}

/// A text as it stands in the full-text index: folded, with its words apart and joined.
pub(super) fn indexed(text: &str) -> String {
    let (mut words, mut joined) = (String::new(), String::new());
    each_word(&folded(text), &mut joined, &mut |word| {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    });
    words
}

/// Stands between family and given names in [`sort_key`]; before every letter.
const SORT_SEPARATOR: char = '\u{1}';

/// Orders people by family name, then given names, whatever the case and accents of their letters.
pub(super) fn sort_key(family: &str, given: &str) -> String {
    format!("{}{SORT_SEPARATOR}{}", folded(family), folded(given))
}

fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(fold).collect()
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

    fn query(text: &str) -> Option<String> {
        Typed::read(text).query()
    }

    /// With how few errors a name is meant by a word; none when it is not.
    fn errors(typed: &str, family: &str, given: &str) -> Option<u32> {
        let typed = Typed::read(typed);
        let sought: Vec<Sought<'_>> = typed.0.iter().map(|word| Sought::new(word)).collect();
        let likeness = Likeness::of(&sought, &sort_key(family, given), &mut String::new());
        (likeness.missing == 0).then_some(likeness.errors)
    }

    #[test]
    fn an_nhs_number_is_found_by_its_first_digits_however_they_are_grouped() {
        assert_eq!(query("943 476 59"), Some("nhs_number : \"94347659\" *".into()));
        assert_eq!(query("943-476"), Some("nhs_number : \"943476\" *".into()));
        assert_eq!(query("smith 943 476"), Some("\"smith\" * AND \"943476\" *".into()));
    }

    #[test]
    fn nothing_that_is_typed_is_syntax() {
        assert_eq!(query("o'brien AND \"x"), Some("\"obrien\" * AND \"and\" * AND \"x\" *".into()));
        assert_eq!(query("  * - \" "), None);
        assert_eq!(query(""), None);
    }

    #[test]
    fn one_slip_in_a_name_is_forgiven_wherever_it_is() {
        for typed in
            ["kowlaska", "kowaska", "kowallska", "kowalzka", "okwalska", "cowalska", "owalska", "kowalsak"]
        {
            assert_eq!(errors(typed, "Kowalska", "Ewa"), Some(1), "{typed}");
        }
        assert_eq!(errors("kwoalsak", "Kowalska", "Ewa"), Some(2), "two, in a long name");
        assert_eq!(errors("jnoes", "Jones", "Ann"), Some(1));
        assert_eq!(errors("jnosse", "Jones", "Ann"), None, "not two in a short one");
        assert_eq!(errors("lee", "Leo", "Ann"), None, "and none in a very short one");
    }

    #[test]
    fn a_name_is_meant_while_it_is_typed_and_in_any_order() {
        assert_eq!(errors("kowl", "Kowalska", "Ewa"), Some(1));
        assert_eq!(errors("ewa kowlaska", "Kowalska", "Ewa"), Some(1));
        assert_eq!(errors("kowalska", "Kowalska", "Ewa"), Some(0));
        assert_eq!(errors("kowlaska anna", "Kowalska", "Ewa"), None, "every word has to be meant");
    }

    #[test]
    fn accents_hyphens_and_apostrophes_are_no_errors() {
        for (typed, family) in [
            ("obrien", "O'Brien"),
            ("o'brien", "O'Brien"),
            ("o brien", "O\u{2019}Brien"),
            ("smithjones", "Smith-Jones"),
            ("smith-jo", "Smith-Jones"),
            ("jones", "Smith-Jones"),
            ("delacruz", "de la Cruz"),
            ("cruz", "de la Cruz"),
            ("muller", "M\u{fc}ller"),
            ("\u{d8}rsted", "Orsted"),
        ] {
            assert_eq!(errors(typed, family, "Ann"), Some(0), "{typed}");
            let query = Typed::read(typed);
            let known = indexed(family);
            let begins = |word: &String| known.split(' ').any(|known| known.starts_with(word.as_str()));
            assert!(query.0.iter().all(begins), "{typed} is in the index: {known}");
        }
        assert_eq!(errors("obrein", "O'Brien", "Ann"), Some(1));
    }

    #[test]
    fn digits_are_never_forgiven() {
        assert_eq!(errors("9434765919", "9434765918", ""), None);
        assert_eq!(errors("kowalska19", "Kowalska18", ""), None);
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
