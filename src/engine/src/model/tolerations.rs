//! Tolerations, compiled to symbols, and the taints they are for.
//!
//! Source: `Toleration.ToleratesTaint` in `staging/src/k8s.io/api/core/v1/toleration.go`.

use hashbrown::HashSet;
use rustc_hash::FxBuildHasher;

use crate::base::{Sym, Symbols};
use crate::record::{Taint, TaintEffect, Toleration, TolerationOp};

/// Taints of a node as (key, value, effect), in the order of the object.
pub type Taints = Box<[(Sym, Sym, TaintEffect)]>;

/// What a toleration names; what it does not name may be anything.
type Named = (Option<Sym>, Option<Sym>, Option<TaintEffect>);

/// The tolerations of a pod. A taint is looked up in a few steps however many they are: a pod of
/// 10,000, which the API server accepts, costs what one of 16 does.
#[derive(Debug, Clone)]
pub struct Tolerations(Kept);

#[derive(Debug, Clone)]
enum Kept {
    Few(Box<[Named]>),
    Many(Box<Index>),
}

/// More than these are not gone through one by one. Nearly every pod has the two that the API
/// server adds (DefaultTolerationSeconds), and a DaemonSet's has six to eight.
const FEW_MAX: usize = 16;

/// Many tolerations, by what they name.
#[derive(Debug, Clone, Default)]
struct Index {
    named: HashSet<Named, FxBuildHasher>,
    // Which of key, value and effect are named together: at most eight.
    parts: Vec<[bool; 3]>,
}

impl Tolerations {
    /// Compiles a pod's tolerations.
    pub fn compile(of: &[Toleration], symbols: &mut Symbols) -> Self {
        let named: Box<[Named]> = of.iter().filter_map(|t| named(t, symbols)).collect();
        if named.len() <= FEW_MAX {
            return Self(Kept::Few(named));
        }
        let mut index = Index::default();
        for one in named {
            let parts = [one.0.is_some(), one.1.is_some(), one.2.is_some()];
            if !index.parts.contains(&parts) {
                index.parts.push(parts);
            }
            index.named.insert(one);
        }
        Self(Kept::Many(Box::new(index)))
    }

    /// Whether one of them tolerates the taint (key, value, effect).
    #[inline]
    pub fn tolerate(&self, (key, value, effect): (Sym, Sym, TaintEffect)) -> bool {
        match &self.0 {
            Kept::Few(few) => few.iter().any(|(k, v, e)| {
                e.is_none_or(|e| e == effect)
                    && k.is_none_or(|k| k == key)
                    && v.is_none_or(|v| v == value)
            }),
            Kept::Many(index) => index.parts.iter().any(|[k, v, e]| {
                let named = (k.then_some(key), v.then_some(value), e.then_some(effect));
                index.named.contains(&named)
            }),
        }
    }

    /// Compiles a node's taints.
    pub fn taints(of: &[Taint], symbols: &mut Symbols) -> Taints {
        of.iter().map(|t| (symbols.intern(&t.key), symbols.intern(&t.value), t.effect)).collect()
    }
}

/// Effect and key match where they are empty or equal; `Exists` takes any value. `None` where
/// nothing is tolerated.
fn named(of: &Toleration, symbols: &mut Symbols) -> Option<Named> {
    let value = match of.op {
        TolerationOp::Exists => None,
        TolerationOp::Equal => Some(symbols.intern(&of.value)),
        TolerationOp::Unsupported => return None,
    };
    Some(((!of.key.is_empty()).then(|| symbols.intern(&of.key)), value, of.effect))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Random;

    const EFFECTS: [TaintEffect; 4] = [
        TaintEffect::NoSchedule,
        TaintEffect::PreferNoSchedule,
        TaintEffect::NoExecute,
        TaintEffect::Unknown,
    ];

    fn taint(key: &str, value: &str, effect: TaintEffect) -> Taint {
        Taint { key: key.into(), value: value.into(), effect }
    }

    /// `ToleratesTaint`, word for word.
    fn tolerates(of: &Toleration, taint: &Taint) -> bool {
        if of.effect.is_some_and(|effect| effect != taint.effect) {
            return false;
        }
        if !of.key.is_empty() && of.key != taint.key {
            return false;
        }
        match of.op {
            TolerationOp::Equal => of.value == taint.value,
            TolerationOp::Exists => true,
            TolerationOp::Unsupported => false,
        }
    }

    #[test]
    fn tolerations_match_by_effect_key_and_operator() {
        let mut symbols = Symbols::default();
        let taints = [taint("k", "v", TaintEffect::NoSchedule)];
        let taints = Tolerations::taints(&taints, &mut symbols);
        let mut check = |key: &str, op, value: &str, effect| {
            let of = Toleration { key: key.into(), op, value: value.into(), effect };
            let compiled = Tolerations::compile(&[of], &mut symbols);
            taints.iter().all(|taint| compiled.tolerate(*taint))
        };
        assert!(check("k", TolerationOp::Equal, "v", None));
        assert!(check("", TolerationOp::Exists, "", Some(TaintEffect::NoSchedule)));
        assert!(!check("k", TolerationOp::Equal, "w", None));
        assert!(!check("k", TolerationOp::Exists, "", Some(TaintEffect::NoExecute)));
        assert!(!check("k", TolerationOp::Unsupported, "v", None));
    }

    /// Few and many alike say what each toleration by itself says.
    #[test]
    fn any_number_of_tolerations_says_what_each_of_them_says() {
        let mut random = Random::new(3);
        let (mut tolerated, mut refused) = (0, 0);
        for round in 0..600 {
            let many = round % 2 == 0;
            let count = if many { FEW_MAX + 1 + random.below(60) } else { random.below(4) };
            // A few of many keys, so that many tolerations leave much untolerated.
            let text = |random: &mut Random, of: &str| match random.below(10) {
                0 if of == "k" => String::new(),
                0 => "v".to_owned(),
                _ => format!("{of}{}", random.below(if many { 40 } else { 3 })),
            };
            let mut all = Vec::new();
            for _ in 0..count {
                let op = [TolerationOp::Equal, TolerationOp::Exists, TolerationOp::Unsupported];
                let (key, value) = (text(&mut random, "k"), text(&mut random, "v"));
                // What tolerates everything is for few rounds.
                let any = key.is_empty() && random.below(8) > 0;
                all.push(Toleration {
                    key: if any { "k0".into() } else { key.into() },
                    op: op[[0, 0, 0, 1, 2][random.below(5)]],
                    value: value.into(),
                    effect: (random.below(3) > 0).then(|| EFFECTS[random.below(4)]),
                });
            }
            let mut symbols = Symbols::default();
            let compiled = Tolerations::compile(&all, &mut symbols);
            for _ in 0..40 {
                let (key, value) = (text(&mut random, "k"), text(&mut random, "v"));
                let taint = taint(&key, &value, EFFECTS[random.below(4)]);
                let expected = all.iter().any(|one| tolerates(one, &taint));
                let known = Tolerations::taints(std::slice::from_ref(&taint), &mut symbols);
                assert_eq!(compiled.tolerate(known[0]), expected, "{taint:?} by {all:?}");
                let sum = if expected { &mut tolerated } else { &mut refused };
                *sum += usize::from(many);
            }
        }
        assert!(tolerated > 1_000 && refused > 1_000, "{tolerated} and {refused}");
    }
}
