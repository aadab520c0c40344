//! Resource amounts as kube-scheduler counts them: `i64`, CPU in milli, the rest in units.
//!
//! Source: `framework.Resource` in `pkg/scheduler/framework/types.go`.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use crate::base::{Sym, Symbols};
use crate::record::{Quantity, ResourceList};
use crate::stored::{LoadError, Reader, Stored, Writer};

/// A resource as a column number: CPU, memory and ephemeral storage first, then scalars in the
/// order in which they were first seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dim(u16);

impl Dim {
    /// `cpu`, in thousandths.
    pub const CPU: Self = Self(0);
    /// `memory`, in bytes.
    pub const MEMORY: Self = Self(1);
    /// `ephemeral-storage`, in bytes.
    pub const EPHEMERAL: Self = Self(2);

    /// The column.
    pub fn at(self) -> usize {
        usize::from(self.0)
    }

    /// Whether it is a scalar resource: extended, huge pages, prefixed native or attachable.
    pub fn is_scalar(self) -> bool {
        self.0 > 2
    }
}

/// The resources known so far.
///
/// Bounded by the vocabulary of the cluster (device plugins, huge page sizes): 20 would be many.
/// Above [`DIMS_MAX`] further names are one shared dimension that no node offers, so a pod that
/// asks for one of them fits nowhere instead of growing every node by a column.
#[derive(Debug, Clone)]
pub struct Dims {
    by_name: HashMap<Sym, Dim, FxBuildHasher>,
    names: Vec<Box<str>>,
}

/// 1,024 columns of 8 bytes at 15,000 nodes are 123 MB: far beyond any cluster, still bounded.
const DIMS_MAX: usize = 1024;

impl Dims {
    /// The three that every cluster has.
    pub fn new(symbols: &mut Symbols) -> Self {
        let mut dims = Self { by_name: HashMap::default(), names: Vec::new() };
        for name in ["cpu", "memory", "ephemeral-storage"] {
            dims.add(symbols.intern(name), name);
        }
        dims
    }

    fn add(&mut self, sym: Sym, name: &str) -> Dim {
        let at = self.names.len().min(DIMS_MAX);
        let dim = Dim(u16::try_from(at).unwrap_or(u16::MAX));
        if at < DIMS_MAX {
            self.names.push(name.into());
        }
        self.by_name.insert(sym, dim);
        dim
    }

    /// The column of `name`, new where it is a scalar seen for the first time. `None` for names
    /// that kube-scheduler does not count (`pods`, unknown native names).
    pub fn intern(&mut self, symbols: &mut Symbols, name: &str) -> Option<Dim> {
        if let Some(dim) = symbols.get(name).and_then(|sym| self.by_name.get(&sym)) {
            return Some(*dim);
        }
        is_scalar_resource(name).then(|| {
            let sym = symbols.intern(name);
            self.add(sym, name)
        })
    }

    /// The column of `name`, if anyone named it.
    pub fn get(&self, symbols: &Symbols, name: &str) -> Option<Dim> {
        self.by_name.get(&symbols.get(name)?).copied()
    }

    /// Writes the names of the columns.
    pub(crate) fn save(&self, out: &mut Writer) {
        let Self { by_name: _, names } = self;
        names.write(out);
    }

    /// The columns as they were. Names beyond [`DIMS_MAX`] come with whoever asks for them.
    pub(crate) fn load(from: &mut Reader<'_>, symbols: &Symbols) -> Result<Self, LoadError> {
        let mut dims = Self { by_name: HashMap::default(), names: Vec::new() };
        for at in 0..from.count()? {
            let name = from.text()?;
            let sym = symbols.get(name).filter(|sym| !dims.by_name.contains_key(sym));
            match sym.filter(|_| at < DIMS_MAX) {
                Some(sym) => dims.add(sym, name),
                None => return Err(from.malformed("a resource that cannot be one")),
            };
        }
        // The shared one of what is beyond included.
        from.rows.dims = dims.count() + usize::from(dims.count() == DIMS_MAX);
        Ok(dims)
    }

    /// The resource's name.
    pub fn name(&self, dim: Dim) -> &str {
        self.names.get(dim.at()).map_or("", |n| n.as_ref())
    }

    /// All columns, and the one that further names share.
    pub(crate) fn all(&self) -> impl Iterator<Item = Dim> + use<> {
        (0..=self.names.len()).filter_map(|at| u16::try_from(at).ok()).map(Dim)
    }

    /// Number of columns.
    pub fn count(&self) -> usize {
        self.names.len()
    }
}

/// Amounts by column, sorted by column, zeros left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Request(SmallVec<[(Dim, i64); 3]>);

impl Request {
    /// The amount of `dim`; 0 where it is not asked for.
    pub fn get(&self, dim: Dim) -> i64 {
        self.0.iter().find(|(d, _)| *d == dim).map_or(0, |(_, amount)| *amount)
    }

    /// Columns and amounts, by column.
    pub fn iter(&self) -> impl Iterator<Item = (Dim, i64)> + '_ {
        self.0.iter().copied()
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads a list: CPU rounded up to milli, everything else to units, unknown names left out.
    pub fn from_amounts<'a>(
        amounts: impl IntoIterator<Item = (&'a str, Quantity)>,
        dims: &mut Dims,
        symbols: &mut Symbols,
    ) -> Self {
        let mut out: SmallVec<[(Dim, i64); 3]> = amounts
            .into_iter()
            .filter_map(|(name, amount)| {
                let dim = dims.intern(symbols, name)?;
                let value = if dim == Dim::CPU { amount.milli_value() } else { amount.value() };
                (value != 0).then_some((dim, value))
            })
            .collect();
        out.sort_unstable_by_key(|(dim, _)| *dim);
        // Names beyond the columns share one: a column comes once, as sums and sweeps expect.
        out.dedup_by(|(dim, more), (kept, amount)| {
            let same = dim == kept;
            if same {
                *amount = amount.saturating_add(*more);
            }
            same
        });
        Self(out)
    }

    /// As [`Request::from_amounts`] from a record's list.
    pub fn from_list(list: &ResourceList, dims: &mut Dims, symbols: &mut Symbols) -> Self {
        Self::from_amounts(list.iter(), dims, symbols)
    }
}

impl Stored for Dim {
    fn write(&self, out: &mut Writer) {
        self.0.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        let at = from.row(from.rows.dims)?;
        Ok(Self(u16::try_from(at).unwrap_or(u16::MAX)))
    }
}

impl Stored for Request {
    fn write(&self, out: &mut Writer) {
        self.0.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        let amounts: SmallVec<[(Dim, i64); 3]> = Stored::read(from)?;
        match amounts.is_sorted_by_key(|(dim, _)| *dim) {
            true => Ok(Self(amounts)),
            false => Err(from.malformed("amounts that are not in order")),
        }
    }
}

/// Whether kube-scheduler keeps `name` as a scalar resource (`schedutil.IsScalarResourceName`).
pub fn is_scalar_resource(name: &str) -> bool {
    is_extended_resource(name)
        || name.starts_with("hugepages-")
        || name.contains("kubernetes.io/")
        || name.starts_with("attachable-volumes-")
}

/// Whether `name` is an extended resource (`v1helper.IsExtendedResourceName`): it has a prefix
/// outside kubernetes.io, no `requests.` in front, and is a qualified name even as a quota.
pub fn is_extended_resource(name: &str) -> bool {
    let Some((prefix, rest)) = name.split_once('/') else { return false };
    if name.contains("kubernetes.io/") || name.starts_with("requests.") {
        return false;
    }
    // "requests." + prefix has to be a DNS subdomain, at most 253 characters.
    prefix.len() + "requests.".len() <= 253 && is_subdomain(prefix) && is_qualified(rest)
}

fn is_subdomain(text: &str) -> bool {
    let edge = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    !text.is_empty()
        && text.split('.').all(|label| {
            let bytes = label.as_bytes();
            bytes.first().is_some_and(|b| edge(*b))
                && bytes.last().is_some_and(|b| edge(*b))
                && bytes.iter().all(|b| edge(*b) || *b == b'-')
        })
}

fn is_qualified(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalar_names_are_kube_schedulers() {
        for (name, scalar, extended) in [
            ("nvidia.com/gpu", true, true),
            ("hugepages-2Mi", true, false),
            ("attachable-volumes-aws-ebs", true, false),
            ("kubernetes.io/foo", true, false),
            ("sub.kubernetes.io/foo", true, false),
            ("requests.nvidia.com/gpu", false, false),
            ("gpu", false, false),
            ("pods", false, false),
            ("Example.com/gpu", false, false),
            ("example.com/", false, false),
            ("example.com/a/b", false, false),
        ] {
            assert_eq!(
                (is_scalar_resource(name), is_extended_resource(name)),
                (scalar, extended),
                "{name}"
            );
        }
    }

    #[test]
    fn amounts_round_up_and_zeros_vanish() {
        let mut symbols = Symbols::default();
        let mut dims = Dims::new(&mut symbols);
        let list: ResourceList = [
            ("cpu", Quantity::from_milli(1)),
            ("memory", Quantity::ZERO),
            ("nvidia.com/gpu", Quantity::from_milli(1500)),
            ("pods", Quantity::from_units(1)),
        ]
        .into_iter()
        .collect();
        let request = Request::from_list(&list, &mut dims, &mut symbols);
        let gpu = dims.get(&symbols, "nvidia.com/gpu");
        assert_eq!(gpu.map(|gpu| request.get(gpu)), Some(2));
        assert_eq!((request.get(Dim::CPU), request.iter().count()), (1, 2));
    }
}
