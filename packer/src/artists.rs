//! Who drew the clipart, as the files say, fit to be printed: one spelling a person, no mail addresses.

use std::collections::BTreeMap;

/// The names, sorted without regard to case; files without a maker count for none.
pub fn names<'a>(given: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names = BTreeMap::new();
    for name in given.map(name).filter(|name| !name.is_empty()) {
        names.entry(name.to_lowercase()).or_insert(name);
    }
    names.into_values().collect()
}

/// Without mail addresses and links, and without the brackets that held them.
fn name(given: &str) -> String {
    let words = given.split_whitespace().filter(|word| !word.contains('@') && !word.contains("://"));
    let name = words.collect::<Vec<_>>().join(" ");
    name.trim_matches(|c: char| !c.is_alphanumeric() && c != '.').to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_spelling_and_no_addresses() {
        let given =
            ["Jean-Victor Balin (a@b.fr)", "jean-victor balin", "czara1 <c@d.net>", " ", "e@f.com", "Gerald G."];
        assert_eq!(super::names(given.into_iter()), ["czara1", "Gerald G.", "Jean-Victor Balin"]);
    }
}
