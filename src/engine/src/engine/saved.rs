//! The engine as bytes, from which a run goes on as if nothing had been.
//!
//! Saved is what was told and decided. Rankings are not: warm or cold, they give the same effects.
//! Nor is the key of the hash: no order of iteration reaches an effect, and the key is a secret.

use std::error::Error;
use std::sync::Arc;

use hashbrown::HashMap;
use rayon::ThreadPool;

use crate::base::HashKey;
use crate::cache::Cache;
use crate::framework::{Point, Profile};
use crate::input::{Config, Method};
use crate::queue::Queue;
use crate::ranking::Rankings;
use crate::stored::{LoadError, Reader, Stored, Writer, seal, stored, unseal};

use super::Engine;
use super::apply::timing;
use super::binding::BindingCycles;
use super::conditions::Conditions;
use super::look::LOOKS_PER_STEP;
use super::refresh::Refreshes;

stored! { enum Method { 0 = Class, 1 = Scan } }

impl Engine {
    /// The state as bytes, for [`Engine::load`]. Equal states are equal bytes, and loading changes
    /// no byte of the next save. To be called between two steps.
    pub fn save(&self) -> Vec<u8> {
        let Self {
            cache,
            queue,
            config,
            profiles: _,
            draw,
            pool: _,
            method,
            rankings,
            cycles,
            conditions,
            refreshes,
            recheck,
            selected: _,
            looks_left: _,
            flushed_ms,
            flush_found,
            paused,
            snapshots: _,
        } = self;
        let mut out = Writer::default();
        save_config(config, &mut out);
        draw.write(&mut out);
        method.write(&mut out);
        rankings.bound().write(&mut out);
        flushed_ms.write(&mut out);
        flush_found.write(&mut out);
        paused.write(&mut out);
        cache.save(&mut out);
        queue.save(&mut out);
        cycles.save(&mut out);
        conditions.save(&mut out);
        refreshes.save(&mut out, |class, number| {
            let parked = queue.parked_on(class).filter(|parked| parked.number() == number);
            parked.and_then(|_| queue.spokesman(class))
        });
        let recheck: Vec<_> = recheck.iter().filter_map(|class| queue.spokesman(*class)).collect();
        recheck.write(&mut out);
        seal(&out.into_bytes())
    }

    /// The engine that was saved. It hashes names by `hash_key` and runs large scans on `pool`,
    /// neither of which changes an effect; `compile` makes of a configuration's text
    /// ([`Config::text`]) what it was made of it there, and is not asked where none was in force.
    ///
    /// # Errors
    /// The bytes are of something else, of another version, cut off or changed; or the
    /// configuration cannot be compiled, or has other plugins here.
    pub fn load<E: Into<Box<dyn Error + Send + Sync>>>(
        bytes: &[u8],
        pool: Option<Arc<ThreadPool>>,
        hash_key: HashKey,
        compile: impl FnOnce(&str) -> Result<Arc<Config>, E>,
    ) -> Result<Self, LoadError> {
        let mut from = Reader::new(unseal(bytes)?);
        let from = &mut from;
        let config = load_config(from, compile)?;
        let (draw, method) = Stored::read(from)?;
        let mut rankings = Rankings::default();
        rankings.set_bound(Stored::read(from)?);
        let (flushed_ms, flush_found) = Stored::read(from)?;
        let paused = Stored::read(from)?;
        let names = config.profiles.iter().map(|profile| profile.scheduler_name());
        let cache = Cache::load(from, hash_key, names)?;
        let queue = Queue::load(from, timing(&config), |pod| {
            Some((cache.class_of(pod)?.0, cache.alike(pod)?))
        })?;
        let mut engine = Self {
            selected: cache.selected_count(),
            cache,
            queue,
            config,
            profiles: HashMap::default(),
            draw,
            pool,
            method,
            rankings,
            cycles: BindingCycles::default(),
            conditions: Conditions::default(),
            refreshes: Refreshes::default(),
            recheck: Vec::new(),
            looks_left: LOOKS_PER_STEP,
            flushed_ms,
            flush_found,
            paused,
            snapshots: Arc::default(),
        };
        engine.index_profiles();
        engine.cycles = BindingCycles::load(from, |name| {
            let all = engine.config.profiles.iter();
            all.clone().find(|profile| profile.scheduler_name() == name).map(Arc::clone)
        })?;
        let class_of = |pod| engine.cache.class_of(pod).map(|(class, _)| class);
        engine.conditions = Conditions::load(from, class_of)?;
        let parked_of = |pod| {
            let (class, _) = engine.cache.class_of(pod)?;
            Some((class, engine.queue.parked_on(class)?.number()))
        };
        engine.refreshes = Refreshes::load(from, parked_of)?;
        from.each(|from, pod| {
            let class = engine.cache.class_of(pod).map(|(class, _)| class);
            engine.recheck.push(class.ok_or_else(|| from.malformed("a class of no pod"))?);
            Ok(())
        })?;
        from.end()?;
        match engine.check().into_iter().next() {
            Some(broken) => Err(LoadError::Broken(broken)),
            None => Ok(engine),
        }
    }
}

/// Writes the configuration's text and numbers, and by what plugins it is known again.
fn save_config(config: &Config, out: &mut Writer) {
    let Config { hash, text, profiles, backoff_initial_ms, backoff_max_ms, parked_max_ms } = config;
    hash.write(out);
    text.write(out);
    backoff_initial_ms.write(out);
    backoff_max_ms.write(out);
    parked_max_ms.write(out);
    outline(profiles).write(out);
}

/// The configuration as it was. Numbers are as they were saved: flags may have set them.
fn load_config<E: Into<Box<dyn Error + Send + Sync>>>(
    from: &mut Reader<'_>,
    compile: impl FnOnce(&str) -> Result<Arc<Config>, E>,
) -> Result<Arc<Config>, LoadError> {
    let (hash, text): (u64, Arc<str>) = Stored::read(from)?;
    let (backoff_initial_ms, backoff_max_ms) = Stored::read(from)?;
    let parked_max_ms = Stored::read(from)?;
    let there: Vec<Box<str>> = Stored::read(from)?;
    let mut profiles = Vec::new();
    if !there.is_empty() {
        let compiled = compile(&text).map_err(|e| LoadError::Configuration(e.into()))?;
        profiles.clone_from(&compiled.profiles);
    }
    let here = outline(&profiles);
    let nothing = || "nothing".into();
    for at in 0..here.len().max(there.len()) {
        let (here, there) = (here.get(at), there.get(at));
        if here != there {
            let [here, there] = [here, there].map(|one| one.cloned().unwrap_or_else(nothing));
            return Err(LoadError::OtherPlugins { here, there });
        }
    }
    Ok(Arc::new(Config { hash, text, profiles, backoff_initial_ms, backoff_max_ms, parked_max_ms }))
}

/// The plugins of each profile with their weights, a line for each extension point that has any:
/// what entries of the queue name by place.
fn outline(profiles: &[Arc<Profile>]) -> Vec<Box<str>> {
    let mut lines = Vec::new();
    for profile in profiles {
        for point in Point::ALL {
            let plugins = profile.at(point).iter().filter_map(|weighted| {
                let name = profile.plugin(weighted.plugin)?.name();
                Some(format!(" {name}#{}*{}", weighted.plugin, weighted.weight))
            });
            let plugins: String = plugins.collect();
            if !plugins.is_empty() {
                let name = profile.scheduler_name();
                lines.push(format!("{name}/{}:{plugins}", point.as_str()).into());
            }
        }
    }
    lines
}
