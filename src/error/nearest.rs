//! What was probably meant by a word that nobody knows.

use strsim::osa_distance;

/// The name of `known` most like `word`, if it is like enough to be meant: "did you mean". What counts are slips:
/// a letter too many, too few, wrong, or two in the wrong order.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let rated = known
        .into_iter()
        .map(|name| (osa_distance(word, name), strangers(word, name), name));
    let near = rated.min()?;
    (near.0 <= limit).then_some(near.2)
}

/// Characters of `word` that `name` does not have: of two names that are as near, the one with the same
/// letters is meant.
fn strangers(word: &str, name: &str) -> usize {
    let mut left: Vec<char> = name.chars().collect();
    let mut strangers = 0;
    for letter in word.chars() {
        match left.iter().position(|other| *other == letter) {
            Some(at) => {
                left.swap_remove(at);
            }
            None => strangers += 1,
        }
    }
    strangers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_must_be_near() {
        assert_eq!(nearest("taks", ["tasks", "handlers"]), Some("tasks"));
        assert_eq!(nearest("zzzz", ["tasks", "handlers"]), None);
    }

    #[test]
    fn swapped_letters_are_one_slip_and_the_same_letters_are_preferred() {
        assert_eq!(nearest("debgu", ["copy", "debug"]), Some("debug"));
        assert_eq!(nearest("taks", ["tags", "tasks"]), Some("tasks"));
        assert_eq!(nearest("kitten", ["sitting"]), None);
        assert_eq!(nearest("kittens", ["sitting", "kitchens"]), Some("kitchens"));
    }
}
