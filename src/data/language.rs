//! Which languages the captions of a data set are in.
//!
//! A caption is short: alone, English is easily taken for Dutch. So it is first found out which languages there are at
//! all, by the captions that leave no doubt, and then each caption is given to one of these.

use std::collections::HashMap;
use whatlang::{Detector, Lang};

/// Shorter ones are of any language: "taxi", "a red card".
const FEWEST_LETTERS: usize = 20;
/// A language is there if so many captions are of it without doubt, and so large a share of these.
const SURE: (usize, f64) = (3, 0.02);

/// A guess about one caption alone, and whether it is sure; none for a short one.
pub type Guess = Option<(Lang, bool)>;

/// The first look at a caption.
pub fn guess(caption: &str) -> Guess {
    let letters = caption.chars().filter(|c| c.is_alphabetic());
    // One letter of Chinese or Japanese says as much as three of others.
    let weight: usize = letters.map(|c| if c as u32 >= 0x2e80 { 3 } else { 1 }).sum();
    let info = (weight >= FEWEST_LETTERS).then(|| whatlang::detect(caption)).flatten()?;
    Some((info.lang(), info.is_reliable()))
}

/// ISO 639-3 code of each caption, by its text and [`guess`]; none for short ones.
pub fn languages(captions: &[(&str, Guess)]) -> Vec<Option<&'static str>> {
    let count = |sure: bool| {
        let mut counts: HashMap<Lang, usize> = HashMap::new();
        let guesses = captions.iter().filter_map(|(_, guess)| *guess).filter(|(_, reliable)| *reliable || !sure);
        guesses.for_each(|(lang, _)| *counts.entry(lang).or_default() += 1);
        counts
    };
    let sure = count(true);
    let total: usize = sure.values().sum();
    let there = sure.iter().filter(|(_, n)| **n >= SURE.0 && **n as f64 >= SURE.1 * total as f64);
    let mut there: Vec<Lang> = there.map(|(lang, _)| *lang).collect();
    // Of few or of short captions none may be sure: then what most look like. Equal numbers go by name.
    let most = count(false).into_iter().max_by_key(|(lang, n)| (*n, std::cmp::Reverse(lang.code())));
    there.extend(most.map(|(lang, _)| lang).filter(|lang| !there.contains(lang)));
    let [first, _, ..] = there.as_slice() else {
        return captions.iter().map(|(_, guess)| guess.and(there.first()).map(|lang| lang.code())).collect();
    };
    let detector = Detector::with_allowlist(there.clone());
    let of = |caption: &str| detector.detect_lang(caption).unwrap_or(*first).code();
    captions.iter().map(|(caption, guess)| guess.map(|_| of(caption))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: [&str; 6] = [
        "Two men in green shirts are standing in the yard near the house.",
        "Several men in hard hats are operating a giant pulley system.",
        "A little girl climbing into a wooden playhouse.",
        "A man in a blue shirt is standing on a ladder cleaning a window.",
        "Two men are at the stove preparing food.",
        "A group of people standing in front of an igloo.",
    ];
    const GERMAN: [&str; 4] = [
        "Zwei junge weiße Männer sind im Freien in der Nähe vieler Büsche.",
        "Mehrere Männer mit Schutzhelmen bedienen ein Antriebsradsystem.",
        "Ein kleines Mädchen klettert in ein Spielhaus aus Holz.",
        "Ein Mann in einem blauen Hemd steht auf einer Leiter und putzt ein Fenster.",
    ];

    fn of(captions: &[&'static str]) -> Vec<Option<&'static str>> {
        languages(&captions.iter().map(|caption| (*caption, guess(caption))).collect::<Vec<_>>())
    }

    #[test]
    fn one_language_is_one_although_single_captions_look_like_others() {
        assert_eq!(of(&ENGLISH), [Some("eng"); 6]);
        assert_eq!(of(&GERMAN), [Some("deu"); 4]);
    }

    #[test]
    fn two_languages_are_told_apart_caption_by_caption() {
        let mixed: Vec<_> = ENGLISH.into_iter().chain(GERMAN).collect();
        let wanted: Vec<_> = [Some("eng"); 6].into_iter().chain([Some("deu"); 4]).collect();
        assert_eq!(of(&mixed), wanted);
    }

    #[test]
    fn short_ones_are_not_guessed() {
        assert_eq!(of(&["taxi", "a red card", "12345 678 9012 345", ""]), [None; 4]);
        assert_eq!(of(&["一个穿着红色外套的小女孩正在公园里喂鸽子"]), [Some("cmn")]);
    }
}
