#![allow(clippy::unwrap_used)]

use super::super::problem::Problems;
use super::super::v1::PluginSet;
use super::*;

/// Plugins by name: what they are for is in the name (`FS` filters and scores).
struct Letters;

impl Implementations for Letters {
    fn exists(&self, name: &str) -> bool {
        name != "Nobody"
    }

    fn implements(&self, name: &str, point: Point) -> bool {
        match point {
            Point::Filter => name.contains('F'),
            Point::Score => name.contains('S'),
            _ => false,
        }
    }

    fn unknown(&self, name: &str, _point: Option<Point>) -> String {
        format!("no {name}")
    }
}

fn set(enabled: &str, disabled: &str) -> PluginSet {
    let list = |text: &str| -> Vec<Plugin> {
        let words = text.split_whitespace().map(|word| {
            let (name, weight) = word.split_once('=').unwrap_or((word, "0"));
            Plugin { name: name.to_owned(), weight: Some(weight.parse().unwrap()) }
        });
        words.collect()
    };
    PluginSet { enabled: list(enabled), disabled: list(disabled) }
}

/// The filters, the scores with weights, and the errors.
fn check(multi: (&str, &str), filter: (&str, &str), score: (&str, &str)) -> [String; 3] {
    let plugins = Plugins {
        multi_point: set(multi.0, multi.1),
        filter: set(filter.0, filter.1),
        score: set(score.0, score.1),
        ..Plugins::default()
    };
    let mut problems = Problems::default();
    let place = |name: &str| format!("multi({name})");
    let expanded = expand(&plugins, "p", &Letters, &place, &mut problems);
    let list = |point: Point, weights: bool| {
        let words = expanded.at(point).iter().map(|(n, w)| match weights {
            true => format!("{n}={w}"),
            false => n.clone(),
        });
        words.collect::<Vec<_>>().join(" ")
    };
    let errors: Vec<String> = problems.iter().map(ToString::to_string).collect();
    [list(Point::Filter, false), list(Point::Score, true), errors.join("; ")]
}

#[test]
fn multi_point_reaches_the_points_that_a_plugin_implements() {
    let [filters, scores, errors] = check(("F1 S1=3 FS1 X", ""), ("", ""), ("", ""));
    assert_eq!((filters.as_str(), scores.as_str(), errors.as_str()), ("F1 FS1", "S1=3 FS1=1", ""));
}

#[test]
fn both_come_first_then_multi_point_then_the_point_alone() {
    let [filters, ..] = check(("F1 F2 F3 F4", ""), ("F9 F4 F2", ""), ("", ""));
    assert_eq!(filters, "F4 F2 F1 F3 F9");
}

#[test]
fn disabled_at_a_point_is_disabled_there_only() {
    let [filters, scores, _] = check(("FS1=2 FS2=2 F3", ""), ("", "FS1 Nobody"), ("", ""));
    assert_eq!((filters.as_str(), scores.as_str()), ("FS2 F3", "FS1=2 FS2=2"));
    let [filters, scores, _] = check(("FS1=2 FS2=2", ""), ("F7", "*"), ("", "*"));
    assert_eq!((filters.as_str(), scores.as_str()), ("F7", ""));
}

#[test]
fn the_weight_at_the_point_goes_before_that_of_multi_point() {
    let [_, scores, errors] = check(("S1=5 S2=6", ""), ("", ""), ("S2=9 S3", ""));
    assert_eq!((scores.as_str(), errors.as_str()), ("S2=9 S1=5 S3=1", ""));
}

#[test]
fn a_negative_weight_passes_where_it_passes_in_go() {
    let [_, scores, errors] = check(("S1=-3", ""), ("", ""), ("", ""));
    assert_eq!((scores.as_str(), errors.as_str()), ("S1=-3", ""));
    let [.., errors] = check(("S1=-3 S2", ""), ("", ""), ("", ""));
    assert_eq!(errors, "p.plugins.score: the total score could overflow: a weight is negative");
}

#[test]
fn repeats_strangers_and_wrong_points_are_errors() {
    let [.., errors] = check(("F1 F1 Nobody", ""), ("Nobody F2 F2 S1", ""), ("", ""));
    assert_eq!(
        errors,
        "multi(Nobody): no Nobody; p.plugins.filter.enabled[0]: no Nobody; \
         p.plugins.filter.enabled[2]: plugin \"F2\" is enabled twice at filter; \
         p.plugins.filter.enabled[3]: plugin \"S1\" does not extend filter: it is for score; \
         multi(F1): plugin \"F1\" is enabled twice at filter"
    );
    // A repeat that is switched off or overridden everywhere does not show.
    let [.., errors] = check(("F1 F1", ""), ("F1", ""), ("", ""));
    assert_eq!(errors, "");
}
