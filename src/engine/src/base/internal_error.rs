//! States that must not be, met and survived.

use std::fmt::Display;
use std::panic::Location;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Places in the source whose first error is kept as text; errors of more places are only counted.
const PLACES_MAX: usize = 16;

static TOTAL: AtomicU64 = AtomicU64::new(0);
static PLACES: [OnceLock<Found>; PLACES_MAX] = [const { OnceLock::new() }; PLACES_MAX];

/// The first error of a place.
#[derive(Debug)]
struct Found {
    place: &'static Location<'static>,
    text: String,
}

/// Errors that this process has met: the state did not agree with itself, and the engine went on
/// without the part that is wrong. The process keeps them and not an [`crate::Engine`]: most places
/// that meet one hold the cache by a shared reference, several of them at once. No decision depends
/// on them.
///
/// In builds with debug assertions the first one panics, so that no test, history or fuzz input
/// passes over it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct InternalErrors {
    /// How many there were.
    pub total: u64,
    /// The first of each place in the source, in the order in which they were met, 16 at most.
    pub texts: Vec<&'static str>,
}

/// Returns the internal errors of this process.
pub fn internal_errors() -> InternalErrors {
    let texts = PLACES.iter().map_while(|place| Some(place.get()?.text.as_str()));
    InternalErrors { total: TOTAL.load(Ordering::Relaxed), texts: texts.collect() }
}

/// Records that something is not as it has to be.
#[cold]
#[track_caller]
pub(crate) fn internal_error(text: impl Display) {
    debug_assert!(false, "{text}");
    record(&PLACES, Location::caller(), &text);
    TOTAL.fetch_add(1, Ordering::Relaxed);
}

/// Records that a table lacks the row that an index or a caller names.
#[cold]
#[track_caller]
pub(crate) fn missing(table: &str, row: usize) {
    internal_error(format_args!("{table} {row} is missing"));
}

fn record(places: &[OnceLock<Found>], place: &'static Location<'static>, text: &dyn Display) {
    let found = || Found { place, text: format!("{text} ({}:{})", place.file(), place.line()) };
    // The slot of the place, or the next that is free.
    _ = places.iter().any(|slot| slot.get_or_init(found).place == place);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_of_each_place_is_kept() {
        let places = [const { OnceLock::new() }; 2];
        for at in 0..3 {
            record(&places, Location::caller(), &format_args!("pod {at} is missing"));
        }
        record(&places, Location::caller(), &"another");
        record(&places, Location::caller(), &"one too many");
        let texts: Vec<&str> =
            places.iter().map(|slot| slot.get().unwrap().text.as_str()).collect();
        let [first, second] = texts.as_slice() else { panic!("{texts:?}") };
        assert!(first.starts_with("pod 0 is missing (") && first.contains(file!()), "{first}");
        assert!(second.starts_with("another ("), "{second}");
    }

    #[test]
    #[cfg(debug_assertions)]
    fn a_build_with_assertions_stops() {
        let panic = std::panic::catch_unwind(|| missing("pod", 7)).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "pod 7 is missing");
    }

    #[test]
    #[cfg(not(debug_assertions))]
    fn a_release_build_counts_and_goes_on() {
        missing("pod", 7);
        let found = internal_errors();
        assert!(found.total > 0 && found.texts.iter().any(|text| text.starts_with("pod 7 is")));
    }
}
