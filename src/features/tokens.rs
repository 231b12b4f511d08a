//! From a text to hashed terms: lower-cased words, and character n-grams inside each word.
//!
//! A word `w` gives itself and, like scikit-learn's `char_wb`, the 3-, 4- and 5-grams of `" w "`. Chinese, Japanese and
//! Korean are written without spaces or with very short words, so that each run of those characters gives its
//! single characters and pairs as well.

use std::borrow::Cow;

/// Shortest and longest character n-gram.
const GRAMS: std::ops::RangeInclusive<usize> = 3..=5;

/// What a term is; words and n-grams are weighted apart, and hashed apart: `cat` the word is not `cat` the 3-gram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Word = 1,
    Gram = 2,
}

/// Calls `each(kind, term)` for every term of `text`, in order, repeats included.
pub(crate) fn terms(text: &str, mut each: impl FnMut(Kind, &str)) {
    let lower = text.to_lowercase();
    // A text of symbols only ("🍎", "!?") is split at white space, so that it still says something.
    let symbols = !lower.chars().any(char::is_alphanumeric);
    let mut padded = String::new();
    let mut bounds = Vec::new();
    for word in lower.split(|c: char| if symbols { c.is_whitespace() } else { !belongs_to_word(c) }) {
        // What is left between separators may be a lone accent.
        if word.is_empty() || !symbols && !word.chars().any(char::is_alphanumeric) {
            continue;
        }
        each(Kind::Word, word);
        padded.clear();
        padded.extend([" ", word, " "]);
        grams(&padded, GRAMS, &mut bounds, &mut each);
        for run in word.split(|c| !is_cjk(c)).filter(|run| !run.is_empty()) {
            grams(run, 1..=2, &mut bounds, &mut each);
        }
    }
}

/// The n-grams of `text`; a text shorter than `n` counts whole, once.
fn grams(
    text: &str,
    lengths: std::ops::RangeInclusive<usize>,
    bounds: &mut Vec<usize>,
    each: &mut impl FnMut(Kind, &str),
) {
    bounds.clear();
    bounds.extend(text.char_indices().map(|(at, _)| at).chain([text.len()]));
    for n in lengths {
        if bounds.len() <= n + 1 {
            each(Kind::Gram, text);
            break;
        }
        for ends in bounds.windows(n + 1) {
            each(Kind::Gram, &text[ends[0]..ends[n]]);
        }
    }
}

/// `text` without the words of the list, which is in lower case; the same text where the list is empty.
pub(crate) fn without_words<'a>(text: &'a str, words: &[&str]) -> Cow<'a, str> {
    if words.is_empty() {
        return Cow::Borrowed(text);
    }
    let kept = |word: &str| !words.contains(&word.to_lowercase().as_str());
    Cow::Owned(text.split_inclusive(|c| !belongs_to_word(c)).fold(String::new(), |mut out, piece| {
        let word = piece.trim_end_matches(|c| !belongs_to_word(c));
        out.push_str(if kept(word) { piece } else { &piece[word.len()..] });
        out
    }))
}

/// Letters, digits, and the accents and joiners that stand between letters of one word.
fn belongs_to_word(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}')
        // Viramas: without them a Devanagari or Bengali conjunct would fall in two.
        || matches!(c, '\u{94d}' | '\u{9cd}' | '\u{a4d}' | '\u{acd}' | '\u{bcd}' | '\u{c4d}' | '\u{ccd}' | '\u{d4d}')
}

/// Letters and digits as ascending ranges of code points, both ends included: what other programs need to split texts
/// alike, whatever version of Unicode they know.
pub(crate) fn alphanumeric_ranges() -> Vec<[u32; 2]> {
    let mut ranges: Vec<[u32; 2]> = Vec::new();
    for c in ('\0'..=char::MAX).filter(|c| c.is_alphanumeric()) {
        match ranges.last_mut() {
            Some(last) if last[1] + 1 == c as u32 => last[1] = c as u32,
            _ => ranges.push([c as u32; 2]),
        }
    }
    ranges
}

/// Han, kana, bopomofo and Hangul.
fn is_cjk(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11ff}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{312f}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

/// FNV-1a, 64 bits, over the kind and the bytes of the term: the same on every platform and in every version.
pub(crate) fn hash(kind: Kind, term: &str) -> u64 {
    let step = |h: u64, byte: u8| (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    term.bytes().fold(step(0xcbf2_9ce4_8422_2325, kind as u8), step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Vec<String>, Vec<String>) {
        let (mut words, mut grams) = (Vec::new(), Vec::new());
        terms(text, |kind, term| match kind {
            Kind::Word => words.push(term.to_owned()),
            Kind::Gram => grams.push(term.to_owned()),
        });
        (words, grams)
    }

    #[test]
    fn words_and_grams_like_char_wb() {
        // CountVectorizer(analyzer="char_wb", ngram_range=(3, 5)) on "Cats, a".
        let (words, grams) = of("Cats, a");
        assert_eq!(words, ["cats", "a"]);
        assert_eq!(grams, [" ca", "cat", "ats", "ts ", " cat", "cats", "ats ", " cats", "cats ", " a "]);
    }

    #[test]
    fn case_accents_and_scripts() {
        assert_eq!(of("ÄPFEL").0, ["äpfel"]);
        assert_eq!(of("cafe\u{301} x").0, ["cafe\u{301}", "x"]);
        assert_eq!(of("हिन्दी").0, ["हिन्दी"]);
        let (words, grams) = of("赤い鳥");
        assert_eq!(words, ["赤い鳥"]);
        for gram in ["赤", "い", "鳥", "赤い", "い鳥", " 赤い"] {
            assert!(grams.iter().any(|g| g == gram), "{gram}");
        }
        assert!(of("iphoneを").1.iter().any(|g| g == "を"));
    }

    #[test]
    fn words_are_taken_out_whole() {
        let without = |text| without_words(text, &["face", "animal"]).into_owned();
        assert_eq!(without("Cat face, surface, Animal!"), "Cat , surface, !");
        assert_eq!(without("face"), "");
        assert_eq!(without_words("cat face", &[]), "cat face");
    }

    #[test]
    fn nothing_and_symbols() {
        assert_eq!(of(""), (vec![], vec![]));
        assert_eq!(of(" \n\t "), (vec![], vec![]));
        assert_eq!(of("🍎 !?").0, ["🍎", "!?"]);
        assert_eq!(of("- \u{301} x").0, ["x"]);
    }

    #[test]
    fn hash_is_fnv_1a() {
        // From a fold in Python: ((0xcbf29ce484222325 ^ 1) * 0x100000001b3) % 2**64.
        assert_ne!(hash(Kind::Word, "a"), hash(Kind::Gram, "a"));
        assert_eq!(hash(Kind::Word, ""), 0xaf63_bc4c_8601_b62c);
    }
}
